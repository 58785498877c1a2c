import importlib.util
from pathlib import Path

import evaluate
import pytest

METRICS = Path(__file__).parents[2] / "metrics"


@pytest.fixture(params=["mce", "mfr", "mt5d"])
def name(request):
    """Name of every metric."""
    return request.param


@pytest.fixture
def load():
    """Return a function that loads a metric by its path."""

    def load(name, **options):
        return evaluate.load(str(METRICS / name), **options)

    return load


@pytest.fixture(scope="session")
def formulas():
    """The module of the formulas, imported as a file by itself."""
    spec = importlib.util.spec_from_file_location("formulas", METRICS / "shared" / "formulas.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
