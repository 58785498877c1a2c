import sys
from pathlib import Path

import evaluate
import pytest

METRICS = Path(__file__).parents[2] / "metrics"


@pytest.fixture
def load():
    """Return a function that loads a metric by its path and gives it with the module of its script."""

    def load(name, **options):
        metric = evaluate.load(str(METRICS / name), **options)
        return metric, sys.modules[type(metric).__module__]

    return load
