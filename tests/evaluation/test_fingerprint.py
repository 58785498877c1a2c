"""Fingerprints of functions: equal for the same code and state, in any process, and for nothing else."""

import collections
import copyreg
import functools
import json
import os.path
import subprocess
import sys
import threading
import types

import numpy as np
import pytest
import toy_models

from imagenet_cp.evaluation.fingerprint import _is_library, _library_name, fingerprint


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


class Slots:
    __slots__ = ("one", "two")


def compile_function(source):
    namespace = {"np": np}
    exec(source, namespace)
    return namespace["model"]


WEIGHTS = np.arange(6.0).reshape(3, 2)
FIRST, SECOND = [1], [2]
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
            "w = 1\ndef model(x): return (lambda: x + w)()",
            "w = 2\ndef model(x): return (lambda: x + w)()",
        ),
        ("def model(x, *, y=1): return x", "def model(x, *, y=2): return x"),
        ("a = 1\ndef model(x): return a or b", "b = 1\ndef model(x): return a or b"),
        ("def model(x): return x\nmodel.y = 1", "def model(x): return x\nmodel.y = 2"),
        *(
            (
                f"class A:\n {kind}\n def f(self): return 1\nmodel = A.f",
                f"class A:\n {kind}\n def f(self): return 2\nmodel = A.f",
            )
            for kind in ("pass", "@staticmethod", "@property")
        ),
        (
            "class A:\n @classmethod\n def f(cls): return 1\ndef model(x): return A.f()",
            "class A:\n @classmethod\n def f(cls): return 2\ndef model(x): return A.f()",
        ),
        (
            "class A:\n f = property(None, lambda self, x: 1)\ndef model(x): A().f = x",
            "class A:\n f = property(None, lambda self, x: 2)\ndef model(x): A().f = x",
        ),
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
    methods = {"__reduce__": lambda self: "single"}  # pickled as a global of its module
    for name, own, complete in (
        (__name__, {}, False),
        ("json", {}, True),
        ("json", {"__call__": print}, False),
    ):
        single = type("Single", (), {"__module__": name, **methods, **own})()
        assert fingerprint(lambda images, single=single: single).complete is complete
    singles = (type("Single", (), {"__reduce__": lambda self, name=name: name})() for name in ("one", "two"))
    assert len({fingerprint(single).digest for single in singles}) == 2
    nested = []
    for _ in range(10_000):
        nested = [nested]
    assert not fingerprint(linear(nested)).complete
    assert fingerprint(np.mean).complete and fingerprint(np.add).complete and fingerprint(len).complete
    assert not fingerprint({file}).complete
    digests = {fingerprint(value).digest for value in ([file, 1], [file, 2])}
    assert len(digests) == 2  # what follows counts all the same


def test_digests_do_not_change():
    """Else an evaluation would no longer know the predictions of a model."""
    arrays = [np.arange(3, dtype=np.int16), np.array(["x", None, 2.5], object), np.zeros((0, 2), bool)]
    values = [
        1,
        2.5,
        "\xe9\ud800",
        b"x",
        None,
        ...,
        1j,
        True,
        (1, (2,)),
        {"a": [1], "b": {}},
        {3, "c"},
        arrays,
    ]
    assert fingerprint(values) == ("39435f924847", True)
    assert fingerprint(types.SimpleNamespace(a=1, b=[2])) == ("b41f6996d59e", True)
    shared = [1]
    assert fingerprint([shared, shared, {"a": shared}]) == ("4704fe1e2fe5", True)
    assert fingerprint(types.ModuleType("own_module")) == ("c136abf7ccc7", True)
    abstract = compile_function("import abc\nclass model(abc.ABC):\n side = 8")
    assert fingerprint(abstract) == ("e876bffe3e11", True)


def test_digests_of_tensors_do_not_change():
    torch = pytest.importorskip("torch")
    assert fingerprint(torch.arange(3.0)) == ("c52258f74946", True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([1], (1,)),
        ([1, 2], [2, 1]),
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"b": 1}),
        (np.zeros(2), np.zeros(2, np.int64)),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (collections.OrderedDict(a=1), collections.OrderedDict(a=2)),
        (collections.deque([1]), collections.deque([2])),
        (functools.cache(lambda: 1), functools.cache(lambda: 2)),
        ([[]] * 2, [[], []]),
        ([FIRST, SECOND, FIRST], [FIRST, SECOND, SECOND]),
        (Slots.one, Slots.two),
    ],
)
def test_values_that_differ(one, other):
    assert fingerprint(one).digest != fingerprint(other).digest


def test_values_that_are_the_same():
    shared = tuple(map(float, "1"))
    assert fingerprint([shared, shared]) == fingerprint([tuple(map(float, "1")), tuple(map(float, "1"))])
    noted = compile_function("class model:\n 'Its text.'\n __slots__ = 'x'")
    plain = compile_function("class model:\n __slots__ = 'x'")
    assert fingerprint(noted) == fingerprint(plain) and fingerprint(plain).complete
    loop = []
    loop.append(loop)
    assert fingerprint(loop).complete and fingerprint(threading.RLock()).complete


def test_a_variable_that_is_not_set():
    def make():
        def model(images):
            return later

        if not WEIGHTS.size:
            later = 1
        return model

    assert fingerprint(make()).complete


def test_copies_of_objects(monkeypatch):
    class Opaque:
        def __init__(self, number):
            self.number = number

        def __reduce__(self):
            raise TypeError("cannot be copied")

    one, other = fingerprint(Opaque(1)), fingerprint(Opaque(2))
    assert one.digest != other.digest and not one.complete
    asked = []

    class Versioned:
        def __reduce_ex__(self, protocol):
            asked.append(protocol)
            return object, ()

    assert fingerprint(Versioned()).complete and asked == [4]
    monkeypatch.setitem(copyreg.dispatch_table, Opaque, lambda value: (Opaque, (value.number,)))
    one, other = fingerprint(Opaque(1)), fingerprint(Opaque(2))
    assert one.digest != other.digest and one.complete


def test_own_modules(monkeypatch):
    """Attributes that any function names, also of modules in modules, which may import each other."""
    one, two = types.ModuleType("own_one"), types.ModuleType("own_two")
    one.own_two, two.own_one, one.first, one.second, two.third = two, one, 1, 2, 3
    for module in (one, two):
        monkeypatch.setitem(sys.modules, module.__name__, module)

    def first():
        import own_one

        return own_one.first

    def model(images):
        import own_one

        return first(), own_one.second, own_one.own_two.third, own_one.own_two.own_one

    seen = [fingerprint(model)]
    for module, name in ((one, "first"), (one, "second"), (two, "third")):
        monkeypatch.setattr(module, name, 4)
        seen.append(fingerprint(model))
    assert len(set(seen)) == 4 and all(one.complete for one in seen)


def test_libraries(monkeypatch):
    for name in ("json", "json.decoder", "numpy.linalg"):
        assert _is_library(name) is True
    monkeypatch.setattr(sys.modules["__main__"], "__file__", "/site-packages/run.py", raising=False)
    monkeypatch.setitem(sys.modules, "without_file", types.ModuleType("without_file"))
    for name in ("toy_models", "missing", "__main__", "without_file", None, 3):
        assert _is_library(name) is False
    assert _library_name(np) == f"numpy: {np.__version__}"
    assert _library_name(np.linalg.norm) == f"numpy.linalg:norm {np.__version__}"
    assert _library_name(json.JSONEncoder.encode) == "json.encoder:JSONEncoder.encode 2.0.9"
    assert _library_name(os.path.join) == f"{os.path.__name__}:join "
    replaced = types.FunctionType(json.dumps.__code__, {})
    replaced.__module__ = "json"
    for value in (replaced, functools.partial(print), toy_models.by_colour, toy_models, 3):
        assert _library_name(value) == ""
