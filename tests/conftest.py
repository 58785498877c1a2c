"""Keeps every test away from the user's caches and settings, and from the network."""

import inspect
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

_OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}
os.environ.update(_OFFLINE)

# IMAGENET_CP_WITHOUT="cv2 av" pytest: as where these packages don't load.
if os.environ.get("IMAGENET_CP_WITHOUT"):
    _blocker = str(Path(__file__).parent / "without")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (_blocker, os.environ.get("PYTHONPATH"))))
    sys.path.insert(0, _blocker)
    sys.modules.pop("sitecustomize", None)  # Debian has one
    import sitecustomize  # noqa: F401


@pytest.fixture(autouse=True)
def own_settings(tmp_path_factory, monkeypatch):
    """No source is remembered, and none is in the environment."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("settings")))
    monkeypatch.delenv("IMAGENET_CP_SOURCE", raising=False)


@pytest.fixture
def cache(tmp_path):
    """A cache folder for datasets of its own."""
    return str(tmp_path / "cache")


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Work where no folder has the name of a data set."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def command(monkeypatch, capfd):
    """The command imagenet-cp, run in this process: its status, stdout and stderr, as of subprocess.run."""
    from imagenet_cp.cli import main

    def run(*arguments, cwd="."):
        capfd.readouterr()
        with monkeypatch.context() as changed:
            changed.chdir(cwd)
            changed.setattr("sys.argv", ["imagenet-cp", *map(str, arguments)])
            with pytest.raises(SystemExit) as end:
                main()
        stdout, stderr = capfd.readouterr()
        return SimpleNamespace(returncode=end.value.code, stdout=stdout, stderr=stderr)

    return run


@pytest.fixture(scope="session")
def photographs() -> dict[str, Path]:
    """Sample images of scikit-image by name."""
    import skimage

    folder = Path(skimage.__file__).parent / "data"
    return {name: folder / name for name in ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")}


@pytest.fixture
def class_folder(tmp_path, photographs) -> Path:
    """Folder with two classes of two images each."""
    root = tmp_path / "val"
    for place, (name, path) in enumerate(photographs.items()):
        (root / ("animal", "thing")[place % 2]).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, root / ("animal", "thing")[place % 2] / name)
    return root


#: Calls in tests of what Windows lacks: pipes, devices, POSIX signals and permissions, names with line breaks.
_POSIX = re.compile(
    r"mkfifo|/dev/|/proc|SIGKILL|killpg|os\.kill\(|start_new_session|getuid|geteuid|0o[57]|symlink_to|preexec_fn|"
    r"import resource|starving|line\\nbreak|fsdecode\(b"
)


def pytest_collection_modifyitems(items):
    """Skip on Windows what it cannot do."""
    for item in items if os.name == "nt" else ():
        if _POSIX.search(inspect.getsource(item.function)):
            item.add_marker(pytest.mark.skip(reason="POSIX"))


#: Part of the reason of a skipped test -> what would run it.
_RUN_BY = {
    "wand": "ImageMagick (apt-get install libmagickwand-6.q16-6)",
    "torch|transformers|onnx": "libraries of models (pip install '.[eval]' onnx)",
    "chromium": "Chromium (apt-get install chromium chromium-driver)",
    "gradio": "Gradio (pip install gradio)",
    "IPP": "an OpenCV with IPP (x86)",
    "IMAGENET_CP_PILLOW": "the source distribution of Pillow (see .ci/run)",
    "root": "the rights of root",
    "POSIX": "Linux or macOS",
}


def pytest_terminal_summary(terminalreporter):
    """Name what was skipped and what would run it."""
    counts = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        known = (f"need {needs}" for part, needs in _RUN_BY.items() if re.search(part, reason))
        counts[next(known, reason.removeprefix("Skipped: "))] += 1
    if counts:
        reasons = "; ".join(f"{count} {reason}" for reason, count in counts.most_common())
        terminalreporter.write_line(f"skipped {counts.total()}: {reasons}")


@pytest.fixture(scope="session")
def axe(tmp_path_factory):
    """Source of axe-core, which a package of PyPI holds."""
    folder = tmp_path_factory.mktemp("axe")
    install = [
        "uv",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        folder,
        "axe-playwright-python==0.1.8",
    ]
    subprocess.run(install, check=True)
    return next(folder.rglob("axe.min.js")).read_text(encoding="utf-8")
