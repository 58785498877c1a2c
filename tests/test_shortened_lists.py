"""Long lists are cut in messages, with an ellipsis where something is left out."""

import pytest
from toy_evaluations import compute, evaluation, mce_counts

from imagenet_cp.cli.evaluate import _summary
from imagenet_cp.errors import suggest
from imagenet_cp.evaluation.references import test_parts as parts
from imagenet_cp.evaluation.report.page import _warnings
from imagenet_cp.hub.publish import Plan
from imagenet_cp.hub.repo import Upload

CONFIGS = [f"{name}_{level}" for name in parts("mce", "imagenet_c") for level in range(1, 6)]


@pytest.mark.parametrize("missing", [4, 5, 6, 7])
def test_missing_configs(missing):
    counts = {"mce": mce_counts(20, configs=CONFIGS[missing:])}
    model = evaluation(0, 0, metrics={"mce": compute("mce", counts["mce"])}, counts=counts)
    names = [", ".join([*CONFIGS[: min(most, missing)], *["..."] * (missing > most)]) for most in (4, 6)]
    assert f"mCE: none, since its benchmark is incomplete (missing: {names[0]})" in list(_summary(model))
    warnings = _warnings({"one": model})
    assert f"No mCE: {missing} configs are missing ({names[1]}). Partial results follow." in warnings
    assert any(text.startswith("No mCE of two: ") for text in _warnings({"one": model, "two": model}))


@pytest.mark.parametrize(("files", "names"), [(3, "0, 1, 2"), (4, "0, 1, 2, ..."), (0, "nothing new")])
def test_files_to_send(files, names):
    class Repo:
        repo_id, repo_type, url = "user/name", "dataset", "hub/user/name"

    plan = Plan(Repo(), None, (Upload({str(i): b"." for i in range(files)}, "message"),), False)
    assert plan.summary()[1].endswith(f" ({names})")


@pytest.mark.parametrize("known", [24, 25])
def test_known_names(known):
    names = [f"{i:02d}" for i in range(known)]
    assert suggest("something", names) == f"; known: {', '.join(names[:24])}{', ...' if known > 24 else ''}"
