"""Numbers and lists in messages."""

import io

import pytest

from imagenet_cp.text import amount, count, csv_text, duration, echo, fit, join_first, split_names


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.9, "9.9 s"),
        (10, "10 s"),
        (89, "89 s"),
        (90, "2 min"),
        (5399, "90 min"),
        (5400, "1.5 h"),
        (3600 * 1234, "1,234.0 h"),
    ],
)
def test_durations_change_their_unit_at_ninety(seconds, text):
    assert duration(seconds) == text


def test_sizes_and_numbers():
    sizes = {0: "0 kB", 41_300: "41 kB", 99_400: "99 kB", 100_000: "0.1 MB", 250_000: "0.2 MB"}
    assert {size: amount(size) for size in sizes} == sizes
    assert (amount(999_000_000), amount(10**9), amount(2_345_600_000_000)) == (
        "999.0 MB",
        "1.0 GB",
        "2,345.6 GB",
    )
    assert [count(n, "file") for n in (0, 1, 2, 1200)] == ["0 files", "1 file", "2 files", "1,200 files"]


def test_names_are_split_at_commas():
    assert split_names(" fog_3,,snow , ") == ["fog_3", "snow"] and split_names("") == []


def test_long_lists_end_with_an_ellipsis():
    assert [join_first("abcd"[:length], 3) for length in (0, 3, 4)] == ["", "a, b, c", "a, b, c, ..."]


def test_a_message_is_never_narrower_than_forty_columns(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("COLUMNS", "10")
    assert max(map(len, fit("a few short words " * 9, Terminal()).split("\n"))) in range(30, 41)


def test_without_a_terminal_lines_are_as_long_as_they_are(monkeypatch, capsys):
    monkeypatch.delenv("COLUMNS", raising=False)
    echo("x " * 300, err=True)
    echo("y " * 300)
    assert capsys.readouterr() == (f"{'y ' * 300}\n", f"{'x ' * 300}\n")


def test_a_wrapped_line_keeps_its_indent_and_lines_that_fit_stay(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    fits = f"x  {'x' * 37}"
    assert fit(f"{fits}\n  {'y' * 20}  {'z' * 18}", io.StringIO()) == f"{fits}\n  {'y' * 20}\n  {'z' * 18}"
    assert fit(f"  a {'b' * 30}/{'c' * 20}", io.StringIO()) == f"  a {'b' * 30}/\n  {'c' * 20}"
    exact = f"  {'d' * 38} {'e' * 5}"
    assert fit(exact, io.StringIO()) == f"  {'d' * 38}\n  {'e' * 5}"
    word = f"{'e' * 20}/{'f' * 17}"
    assert fit(f"  a {word}", io.StringIO()) == f"  a\n  {word}"
    assert fit(f"{'g' * 20} {'h' * 19} i", io.StringIO()) == f"{'g' * 20} {'h' * 19}\ni"


def test_rows_of_csv_are_quoted_where_they_must_be():
    assert csv_text([["name", "CE"], ["a,b", 1.5], ['"', None]]) == 'name,CE\n"a,b",1.5\n"""",\n'
