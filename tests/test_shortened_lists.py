"""Long lists are cut in messages, with an ellipsis where something is left out."""

import pytest
from toy_evaluations import compute, evaluation, mce_counts

from imagenet_cp.cli.evaluate import _summary
from imagenet_cp.errors import suggest
from imagenet_cp.evaluation.references import test_parts as parts
from imagenet_cp.evaluation.report.page import _warnings
from imagenet_cp.hub.publish import Plan
from imagenet_cp.hub.repo import Upload
from imagenet_cp.text import join_first

CONFIGS = [f"{name}_{level}" for name in parts("mce", "imagenet_c") for level in range(1, 6)]


def test_missing_configs():
    counts = {"mce": mce_counts(20, configs=CONFIGS[7:])}
    model = evaluation(0, 0, metrics={"mce": compute("mce", counts["mce"])}, counts=counts)
    some, more = join_first(CONFIGS, 4), join_first(CONFIGS, 6)
    assert f"mCE: none, since its benchmark is incomplete (missing: {some})" in list(_summary(model))
    warnings = _warnings({"one": model})
    assert f"No mCE: 7 configs are missing ({more}). Partial results follow." in warnings
    assert any(text.startswith("No mCE of two: ") for text in _warnings({"one": model, "two": model}))


@pytest.mark.parametrize(("files", "names"), [(4, "0, 1, 2, ..."), (0, "nothing new")])
def test_files_to_send(files, names):
    class Repo:
        repo_id, repo_type, url = "user/name", "dataset", "hub/user/name"

    plan = Plan(Repo(), None, (Upload({str(i): b"." for i in range(files)}, "message"),), False)
    assert plan.summary()[1].endswith(f" ({names})")


def test_known_names():
    names = [f"{number:02d}" for number in range(25)]
    assert suggest("something", names) == f"; known: {join_first(names, 24)}"
