"""Messages of errors: one line each, with the name that is meant or the next step."""

from pathlib import Path

import pytest

from imagenet_cp.errors import (
    RESUME_HINT,
    BuildError,
    SourceError,
    UsageError,
    did_you_mean,
    suggest,
    wrap_os_errors,
)


def test_up_to_three_names_that_are_alike_are_suggested_best_first():
    names = ["fogs", "frost", "fog_1", "fogs", "snow", "fog_12"]
    assert suggest("fog", names) == "; did you mean fogs or fog_1 or fog_12?"
    assert did_you_mean(3, ["3x", "y"]) == "; did you mean 3x?"
    assert (
        did_you_mean("abcd", ["abyz", "azyx"]) == "; did you mean abyz?"
    )  # half of the letters, and a quarter


def test_without_a_like_name_the_first_24_are_listed():
    names = [f"name{number}" for number in range(25)]
    assert did_you_mean("qqq", names) == ""
    assert suggest("qqq", names[:24]) == f"; known: {', '.join(names[:24])}"
    assert suggest("qqq", names) == f"; known: {', '.join(names[:24])}, ..."


@pytest.mark.parametrize("kind", [UsageError, SourceError, BuildError])
def test_names_of_files_leave_the_terminal_as_it_is(kind):
    assert str(kind("Zoë's \x1b[31m\nfile\udcff 'x'")) == r"Zoë's \x1b[31m\nfile\udcff 'x'"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(28, "No space left", "a/file"), "a/file: No space left"),
        (OSError(28, "No space left"), "place: No space left"),
        (OSError("odd"), "place: odd"),
    ],
)
def test_an_error_of_the_system_names_its_file_and_the_way_on(error, message):
    with pytest.raises(BuildError) as raised, wrap_os_errors(Path("place")):
        raise error
    assert str(raised.value) == f"{message}. {RESUME_HINT}" and raised.value.__cause__ is error
