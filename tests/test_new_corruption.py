"""The corruption that CONTRIBUTING.md adds as its example goes through everything that is made from the registry."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import imagenet_cp
from imagenet_cp.corruptions import EXTRA
from imagenet_cp.corruptions.registered import Registered
from imagenet_cp.corruptions.registry import corruption
from imagenet_cp.perturbations.registry import perturbation
from imagenet_cp.resources import card_texts_folder, metrics_folder

CONTRIBUTING = Path(__file__).parents[1] / "CONTRIBUTING.md"
LEVELS = [4, 8, 16, 32, 64]


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A folder to import a copy of the package from, with the example of CONTRIBUTING.md added where it says."""
    root = tmp_path_factory.mktemp("copy")
    original, copy = Path(imagenet_cp.__file__).parent, root / "builders" / "imagenet_cp"
    (copy / "corruptions").mkdir(parents=True)
    for place in (original, original / "corruptions"):
        for entry in place.iterdir():
            target = copy / entry.relative_to(original)
            if not target.exists() and entry.name != "__pycache__":
                target.symlink_to(entry)
    for name, folder in (("cards/datasets", card_texts_folder()), ("metrics", metrics_folder())):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).symlink_to(folder)
    example = re.search(
        r"```python\n(@corruption.*?)```", CONTRIBUTING.read_text(encoding="utf-8"), re.DOTALL
    )
    # Under a name of its own, so that somebody who adds the example itself can run this test.
    code = example[1].replace("def posterize", "def posterize_again")
    module = copy / "corruptions" / "digital.py"
    source = module.read_text(encoding="utf-8")
    module.unlink()
    module.write_text(f"{source}\n\n{code}", encoding="utf-8")
    return root / "builders"


@pytest.fixture
def run(package, tmp_path):
    """Run a program with that package; its last line is JSON."""

    def run(program, *arguments):
        path = os.pathsep.join([str(package), str(Path(__file__).parent)])
        done = subprocess.run(
            [sys.executable, "-c", program, *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": path},
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


BUILD = """
import json, sys
import datasets, numpy as np
import imagenet_cp
from imagenet_cp.benchmarks.catalog import BENCHMARKS
from imagenet_cp.build.plan import build
from imagenet_cp.build.verify import verify
from imagenet_cp.sources import open_source

source, cache = sys.argv[1:]
rows = datasets.load_dataset(
    "imagenet_c", "posterize_again_3", data_dir=source, split="validation", cache_dir=cache
)
build("imagenet_c", open_source(source), "built", ["posterize_again", "clean"], workers_count=1)
stock = datasets.load_dataset("built", "posterize_again_3", split="validation", cache_dir=cache)
stored = datasets.Image(decode=False)
try:
    imagenet_cp.corrupt(np.zeros((64, 64, 3), np.uint8), "posterize_again", benchmark="tiny_imagenet_c")
except ValueError as error:
    refused = str(error)
print(json.dumps({
    "equal": list(rows.cast_column("image", stored)) == list(stock.cast_column("image", stored)),
    "pixels": imagenet_cp.corrupt(np.full((32, 32, 3), 77, np.uint8), "posterize_again", 3)[0, 0].tolist(),
    "problems": list(map(str, verify("built", source=open_source(source), sample=4).problems)),
    "extra": sorted({cell.name for cell in BENCHMARKS["imagenet_c"].configs["extra"]}),
    "tiny": "posterize_again" in BENCHMARKS["tiny_imagenet_c"].configs,
    "card": open("built/README.md", encoding="utf-8").read(),
    "refused": refused,
}))
"""

EVALUATE = """
import json, sys
import numpy as np
from imagenet_cp.build.plan import build
from imagenet_cp.evaluation.run import evaluate_model
from imagenet_cp.sources import open_source

def first(images):
    return np.tile([1.0, 0.0], (len(images), 1))

build("imagenet_c", open_source(sys.argv[1]), "built", ["posterize_again_3", "clean"], workers_count=1)
print(json.dumps(evaluate_model(first, imagenet_c="built").metrics["mce"]))
"""


def test_it_is_loaded_built_verified_and_described(run, class_folder, cache):
    made = run(BUILD, class_folder, cache)
    assert made["equal"] and made["pixels"] == [64, 64, 64] and made["problems"] == []
    assert made["extra"] == sorted({*EXTRA, "posterize_again"})
    assert (
        "### posterize_again (extra)\n\nRound every value down to a multiple of a step. *digital*"
        in made["card"]
    )
    assert "| `step` | 4 | 8 | 16 | 32 | 64 |" in made["card"]
    assert not made["tiny"]  # which it has no table for
    assert (
        "posterize_again has no parameters for the profile tiny, only for imagenet; add tiny=[...]"
        in made["refused"]
    )


def test_a_model_is_evaluated_on_it(run, class_folder):
    scores = run(EVALUATE, class_folder)
    assert scores["error"]["posterize_again"][2] is not None and "posterize_again" not in scores["ce"]


def posterize_again(image, step):
    """Round every value down to a multiple of a step."""


def undocumented(image, step):
    pass


def fog(image, step):
    """A name that is taken."""


def drawn_last(image, step, bits):
    """Only the second argument is the random stream."""


def fog_2(image, step):
    """A name that is a config already."""


@pytest.mark.parametrize(
    ("kernel", "family", "tables", "says"),
    [
        (posterize_again, "digitl", {"imagenet": LEVELS}, "unknown family 'digitl'; did you mean digital"),
        (posterize_again, "digital", {"imagnet": LEVELS}, "unknown profile 'imagnet'; did you mean imagenet"),
        (posterize_again, "digital", {}, r"no parameters for imagenet; add imagenet=\[...\]"),
        (posterize_again, "digital", {"imagenet": LEVELS[:4]}, "imagenet has 4 rows of parameters, not 5"),
        (
            posterize_again,
            "digital",
            {"imagenet": [(1, 2)] * 5},
            r"the row \(1, 2\), but the parameters are \(step\)",
        ),
        (
            drawn_last,
            "digital",
            {"imagenet": LEVELS},
            r"the row \(4,\), but the parameters are \(step, bits\)",
        ),
        (fog, "weather", {"imagenet": LEVELS}, "fog is registered already"),
        (undocumented, "noise", {"imagenet": LEVELS}, "has no docstring"),
        (fog_2, "noise", {"imagenet": LEVELS}, "'fog_2' cannot name a config"),
    ],
)
def test_a_wrong_registration_says_what_to_change(kernel, family, tables, says):
    with pytest.raises(ValueError, match=says):
        corruption(family, extra=True, **tables)(kernel)


@pytest.mark.parametrize("name", ["test", "extra", "clean", "Mist", "mist__", "_mist", "mist_", "mist2"])
def test_names_of_other_configs_and_those_with_numbers_are_refused(name):
    def kernel(image, step):
        """Mist."""

    kernel.__name__ = name
    with pytest.raises(ValueError, match=f"'{name}' cannot name a config; rename the function"):
        corruption("weather", extra=True, imagenet=LEVELS)(kernel)


def test_the_documentation_of_a_kernel_is_its_first_line_and_its_notes():
    def mist(image, step):
        """Mist in a valley.

        It is grey.

        Notes
        -----
        As fog.
        """

    one, none = (Registered("mist", True, kernel, {}) for kernel in (mist, undocumented))
    assert (one.summary, one.notes) == ("Mist in a valley.", "As fog.")
    assert none.summary == none.notes == Registered("fog", True, fog, {}).notes == ""


def test_what_is_in_the_benchmark_has_parameters_for_every_size():
    with pytest.raises(ValueError, match=r"no parameters for imagenet_299, tiny, cifar; .* or extra=True"):
        corruption("digital", imagenet=LEVELS)(posterize_again)
    with pytest.raises(ValueError, match=r"no parameters for imagenet_299, tiny, cifar; .* or extra=True"):
        perturbation(imagenet=(np.arange(31),))(posterize_again)
