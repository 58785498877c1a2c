"""Fingerprints of functions: equal for the same code and state, in any process, and for nothing else."""

import functools
import subprocess
import sys
import threading

import numpy as np
import pytest
import toy_models

from imagenet_cp.evaluation.fingerprint import fingerprint


def linear(weights, bias=0):
    return lambda images: images @ weights + bias


class Linear:
    scale = 1

    def __init__(self, weights):
        self.weights = weights
        self.lock = threading.Lock()

    def __call__(self, images):
        return images @ self.weights * self.scale

    def call(self, images):
        return self(images)


def compile_function(source):
    namespace = {"np": np}
    exec(source, namespace)
    return namespace["model"]


WEIGHTS = np.arange(6.0).reshape(3, 2)
CHANGED = WEIGHTS + np.array([0, 1e-12])


@pytest.mark.parametrize(
    "make",
    [
        linear,
        Linear,
        lambda weights: Linear(weights).call,
        lambda weights: functools.partial(np.matmul, weights),
        lambda weights: functools.partial(linear, bias={"of": [weights]}),
        lambda weights: lambda images, weights=weights: images @ weights,
        lambda weights: Linear(np.array([weights, None], object)),
        lambda weights: Linear({1.5, float(weights.sum())}),
    ],
)
def test_state_counts(make):
    one, same, other = (fingerprint(make(weights)) for weights in (WEIGHTS, WEIGHTS.copy(), CHANGED))
    assert one == same != other and one.complete and other.complete
    assert len(one.digest) == 12


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def model(x): return x + 1", "def model(x): return x + 2"),
        ("def model(x): return x + 1", "def model(x): return x - 1"),
        ("def model(x): return np.sin(x)", "def model(x): return np.cos(x)"),
        ("w = 1\ndef model(x): return x + w", "w = 2\ndef model(x): return x + w"),
        ("def f(x): return 1\ndef model(x): return f(x)", "def f(x): return 2\ndef model(x): return f(x)"),
        ("def model(x): return [i + 1 for i in x]", "def model(x): return [i + 2 for i in x]"),
        (
            "class A:\n def f(self): return 1\nclass B(A): pass\nb = B()\ndef model(x): return b.f()",
            "class A:\n def f(self): return 2\nclass B(A): pass\nb = B()\ndef model(x): return b.f()",
        ),
    ],
)
def test_code_and_what_it_names_count(one, other):
    first, again, second = map(fingerprint, map(compile_function, (one, f"\n\n{one}", other)))
    assert first == again != second and first.complete


def test_attributes_of_own_modules_count(monkeypatch):
    def model(images):
        return toy_models.by_colour(images)

    before = fingerprint(model)
    monkeypatch.setattr(toy_models, "by_colour", toy_models.by_contrast)
    assert before.complete and fingerprint(model).digest != before.digest


def test_another_process_finds_the_same():
    program = (
        "import sys, toy_models; from imagenet_cp.evaluation.fingerprint import fingerprint\n"
        "print(fingerprint(toy_models.of_999).digest)"
    )
    command = [sys.executable, "-B", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{program}"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert found == fingerprint(toy_models.of_999).digest


def test_what_python_cannot_see_is_not_complete():
    file = (item for item in ())
    load = functools.cache(lambda: WEIGHTS)  # whose value may have been read from another file
    for model in (lambda images: file, functools.partial(print, file), Linear(file).call, load):
        assert not fingerprint(model).complete
    for name, complete in ((__name__, False), ("json", True)):  # pickled as a global of its module
        single = type("Single", (), {"__module__": name, "__reduce__": lambda self: "single"})()
        assert fingerprint(lambda images, single=single: single).complete is complete
    nested = []
    for _ in range(10_000):
        nested = [nested]
    assert not fingerprint(linear(nested)).complete
    assert fingerprint(np.mean).complete and fingerprint(np.add).complete and fingerprint(len).complete
