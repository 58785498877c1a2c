"""The calls that open a model of each library, with stand-ins for the libraries."""

import functools
import hashlib
import importlib
import json
import os
import pickle
import sys
import types
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from toy_models import by_colour, flat, only_299

from imagenet_cp.errors import SourceError, UsageError
from imagenet_cp.evaluation.models import onnx, pytorch, spec, timm, torchvision, transformers
from imagenet_cp.evaluation.models.by_name import import_function, open_model
from imagenet_cp.evaluation.models.model import DTYPES, Execution, Model
from imagenet_cp.evaluation.models.outputs import Outputs
from imagenet_cp.evaluation.models.pytorch import Input, load_weights, unavailable
from imagenet_cp.evaluation.models.spec import ModelSpec

IMAGES = np.random.RandomState(0).randint(0, 256, (3, 32, 32, 3)).astype(np.uint8)


@pytest.fixture
def torch(monkeypatch):
    """Stand-in for torch, which records the options of its load."""
    module = types.ModuleType("torch")
    module.loaded = []
    module.load = lambda file, **options: module.loaded.append(options)
    monkeypatch.setitem(sys.modules, "torch", module)
    return module


class TestByName:
    def test_options_reach_the_library(self, monkeypatch):
        opened = []
        for name in ("timm", "torchvision", "transformers"):
            module = importlib.import_module(f"imagenet_cp.evaluation.models.{name}")
            monkeypatch.setattr(module, f"open_{name}", lambda *arguments: opened.append(arguments))
        monkeypatch.setattr(onnx, "open_onnx", lambda *arguments: opened.append(arguments))
        options = {"device": "cuda:1", "dtype": "float16", "channels_last": True}
        for model in ("timm:a:b", "torchvision:c.D"):
            open_model(model, weights="w.pth", trust=True, **options)
        open_model("hf:org/name", compile=True)
        open_model("folder/m.onnx", device="cuda")
        execution = Execution("cuda:1", "float16", True, False)
        assert opened == [
            ("a:b", execution, "w.pth", True),
            ("c.D", execution, "w.pth", True),
            ("org/name", Execution("auto", None, False, True), False),
            (Path("folder/m.onnx"), "cuda"),
        ]

    def test_options_of_a_model_of_pytorch(self):
        assert Execution("cpu", "float16", True, True).options == ("--dtype", "--channels-last", "--compile")
        assert Execution("cpu").options == () and all(Execution(dtype=dtype) for dtype in DTYPES)
        with pytest.raises(UsageError, match=r"^--dtype goes with timm:, torchvision: and hf: models, not"):
            open_model("toy_models:by_colour", dtype="float32", compile=True)

    @pytest.mark.parametrize(
        ("name", "suggestion"),
        [
            ("tim:resnet50", r"PYTHONPATH; did you mean timm\? Models are timm:resnet50, "),
            ("own_modles:net", r"PYTHONPATH; did you mean own_models\? Models"),
            ("own_modles.net:f", r"PYTHONPATH; did you mean own_models\? Models"),
            ("imagenet_cp.evaluation.model:f", r"PYTHONPATH; did you mean models"),
            ("imagenet_cp.tim:f", r"PYTHONPATH(?!.*timm\?).* Models are"),
            (
                "needs:f",
                r"needs:f: cannot be imported \(No module named 'lacking'\) from .*PYTHONPATH\. Models",
            ),
            (
                "own_models:nat",
                r"^own_models:nat: own_models has no callable 'nat'; did you mean net or part\?$",
            ),
            ("ending:f", r"^ending:f: importing ending fails \(SystemExit: 3\)$"),
            ("own_models:part.nat", r"own_models has no callable 'part.nat'"),
        ],
    )
    def test_similar_names_are_suggested(self, name, suggestion, monkeypatch, tmp_path):
        (tmp_path / "own_models.py").write_text("class part: net = print\nnet = print\nnap = 3\n")
        (tmp_path / "needs.py").write_text("import lacking")
        (tmp_path / "ending.py").write_text("import sys; sys.exit(3)")
        (tmp_path / "lacking_not.py").write_text("")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "path", [*sys.path])
        with pytest.raises(UsageError, match=suggestion):
            open_model(name)
        assert sys.path.count(os.getcwd()) == 1 and sys.path[0] == os.getcwd()
        assert open_model("own_models:part.net").function is print
        sys.modules.pop("own_models")

    def test_similar_names_on_the_path(self, monkeypatch, tmp_path):
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            (tmp_path / name / f"module_{name}.py").write_text("")
        monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'one'}{os.pathsep}{tmp_path / 'two'}")
        with pytest.raises(UsageError, match=r"did you mean module_two or module_one\? Functions are x$"):
            import_function("modul_two:f", "functions are x")


class TestModel:
    @pytest.mark.parametrize(
        ("function", "error"),
        [
            (only_299, "m fails on uint8 images of shape 3x32x32x3: ValueError: expected 299x299 images"),
            (flat, "m gives int64 of shape (3,) for 3 images, not scores of shape (3, classes)"),
            (lambda images: by_colour(images[1:]), "m gives float64 of shape (2, 1000) for 3 images"),
            (lambda images: by_colour(images) > 0, "m gives bool of shape (3, 1000) for 3 images"),
            (lambda images: by_colour(images)[:, :5], "m gives 5 scores per image, but has 1,000 labels"),
        ],
    )
    def test_what_is_no_score(self, function, error):
        with pytest.raises(SourceError) as raised:
            Model("m", function, outputs=Outputs(1000, (1, 0))).logits(IMAGES)
        assert str(raised.value).startswith(error)

    def test_scores_of_any_number_type(self):
        for kind in (np.float16, np.int8, np.uint8):
            assert Model("m", lambda images, kind=kind: np.eye(3, dtype=kind)).logits(IMAGES).dtype == kind
        tensor = SimpleNamespace(float=lambda: SimpleNamespace(cpu=lambda: np.eye(3)))
        wrapped = Model("m", lambda images: SimpleNamespace(detach=lambda: tensor))
        assert np.array_equal(wrapped.logits(IMAGES), np.eye(3))

    def test_outputs_are_selected(self):
        model = Model("m", lambda images: np.diag([1, 2, 3]), outputs=Outputs(3, (2, 0)))
        assert model.logits(IMAGES).tolist() == [[0, 1], [0, 0], [3, 0]]

    def test_the_fingerprint_of_weights(self):
        expected = hashlib.sha256(b"v2").hexdigest()[:12]
        assert Model("m", open, weights="v2").fingerprint == (expected, True)


class TestSpec:
    def test_a_model_by_name_is_opened_once_a_device(self, monkeypatch):
        opened = []

        def open_model(name, **options):
            opened.append((name, options))
            return Model(name, by_colour, weights="own", labels=("a",), side=8)

        monkeypatch.setattr(spec, "open_model", open_model)
        spec._open_once.cache_clear()
        plain = ModelSpec("net:a", {"trust": True, "dtype": "float16"})
        for _ in range(2):
            assert plain.open("cpu") == Model("net:a", by_colour, weights="own", labels=("a",), side=8)
        own = ModelSpec("net:a", plain.options, "shown", "2", ("b",), Outputs(2, (1, 0)))
        expected = Model("shown", by_colour, 8, weights="2", labels=("b",), outputs=Outputs(2, (1, 0)))
        assert own.open("cuda") == expected
        options = {"trust": True, "dtype": "float16"}
        assert opened == [("net:a", {"device": device, **options}) for device in ("cpu", "cuda")]
        spec._open_once.cache_clear()

    def test_models_that_are_open(self):
        model = Model("m", by_colour, weights="own")
        assert ModelSpec(model).open("cpu") == model and ModelSpec(by_colour).open("cpu").name == "by_colour"
        assert ModelSpec(model, identity="2").open("cpu").weights == "2"

    def test_labels(self):
        partial = functools.partial(by_colour)
        given = {"timm:x": "timm:x", by_colour: "by_colour", partial: "partial"}
        for model, label in (*given.items(), (Model("m", by_colour), "m")):
            assert ModelSpec(model).label == label and ModelSpec(model, name="n").label == "n"


class TestOnnx:
    @pytest.fixture
    def open_file(self, tmp_path, monkeypatch):
        """Open a file whose model has the given input and metadata, and scores that are the values it is given."""
        file = tmp_path / "m.onnx"
        file.write_bytes(b"m.onnx")

        def open_file(shape, kind="tensor(float)", **metadata):
            class Session:
                def __init__(self, path, providers):
                    assert (path, providers) == (file, ["CPUExecutionProvider"])

                def get_inputs(self):
                    return [SimpleNamespace(shape=shape, type=kind, name="x"), None]

                def get_modelmeta(self):
                    return SimpleNamespace(custom_metadata_map=metadata)

                def run(self, names, values):
                    assert names is None and (isinstance(shape[0], str) or len(values["x"]) == shape[0])
                    return [values["x"].reshape(len(values["x"]), -1), None]

            runtime = SimpleNamespace(
                InferenceSession=Session, get_available_providers=lambda: ["CPUExecutionProvider"]
            )
            monkeypatch.setattr(onnx, "import_library", lambda name: runtime)
            return onnx.open_onnx(file, "auto")

        return open_file

    @pytest.mark.parametrize("kind", ["uint8", "float", "float16", "double"])
    @pytest.mark.parametrize("count", ["n", 2, 3, 5])
    def test_values(self, open_file, kind, count):
        noted = {"mean": "[0.1, 0.2, 0.3]", "std": "[0.5, 0.5, 0.25]"}
        model = open_file([count, 3, 32, 32], f"tensor({kind})", **noted)
        expected = (IMAGES / 255 - [0.1, 0.2, 0.3]) / [0.5, 0.5, 0.25] if kind != "uint8" else IMAGES
        found = model.logits(IMAGES)
        assert found.dtype == np.dtype(
            "float64" if kind == "double" else "float32" if kind == "float" else kind
        )
        np.testing.assert_allclose(found, expected.transpose(0, 3, 1, 2).reshape(3, -1), atol=2e-3)
        assert model.normalization == ("" if kind == "uint8" else "mean:0.1,0.2,0.3|std:0.5,0.5,0.25")
        if kind != "uint8":  # computed in single precision, whatever the input is
            assert np.array_equal(found, found.astype(np.float32))
        assert (model.side, model.labels, model.weights) == (
            32,
            (),
            hashlib.sha256(b"m.onnx").hexdigest()[:16],
        )

    def test_shapes(self, open_file):
        assert open_file(["n", 3, "h", "w"]).side is None and open_file(["n", 24, 24, 3]).side == 24
        assert open_file(["n", "h", "w", 3], "tensor(uint8)").logits(IMAGES)[2, 1] == IMAGES[2, 0, 0, 1]
        for shape, kind in (
            (["n", 3], "tensor(float)"),
            (["n", 4, 32, 32], "tensor(float)"),
            (["n", 3, 32, 32], "tensor(int64)"),
        ):
            with pytest.raises(
                SourceError, match=r"m\.onnx: its input is tensor\(.*, not a batch of RGB images"
            ):
                open_file(shape, kind)
        for shape in (["n", 3, 32, 64], ["n", 32, 64, 3]):
            with pytest.raises(SourceError, match="its input is 32x64, which is not square"):
                open_file(shape)

    def test_metadata(self, open_file):
        shape = ["n", 3, 32, 32]
        assert open_file(shape).normalization == "mean:0.485,0.456,0.406|std:0.229,0.224,0.225"
        for names in ('["b", "a"]', "{1: 'a', 0: 'b'}", '{"1": "a", "0": "b"}'):
            assert open_file(shape, names=names).labels == ("b", "a")
        for names in ("[1, 2]", "{1: 'a'}", "open('x')", "[", "-" * 100_000 + "1"):
            with pytest.raises(SourceError, match="the names in its metadata are no list of labels"):
                open_file(shape, names=names)
        for mean in ("[1, 2]", '{"a": 1}', "[" * 100_000):
            with pytest.raises(SourceError, match="the mean in its metadata is no list of three numbers"):
                open_file(shape, mean=mean)

    def test_weights_beside_the_file(self, tmp_path):
        file = tmp_path / "m.onnx"
        file.write_bytes(b"m.onnx and m.data and folder")
        (tmp_path / "folder").mkdir()
        for name, data in (("m.data", b"1"), ("other.data", b"2")):
            (tmp_path / name).write_bytes(data)
        expected = hashlib.sha256(file.read_bytes() + b"1").hexdigest()[:16]
        assert onnx._checksum(file) == expected

    def test_devices(self):
        cpu, cuda = "CPUExecutionProvider", "CUDAExecutionProvider"
        both, one = (
            SimpleNamespace(get_available_providers=lambda own=own: own) for own in ([cpu, cuda], [cpu])
        )
        assert onnx._providers(both, "auto") == [cuda, cpu] and onnx._providers(one, "auto") == [cpu]
        assert onnx._providers(both, "cpu") == [cpu] and onnx._providers(both, "cuda:1") == [cuda]
        for runtime, device in ((one, "cuda"), (both, "gpu"), (both, "xcuda")):
            with pytest.raises(
                UsageError, match=f"the device '{device}' is not available to onnxruntime, which has "
            ):
                onnx._providers(runtime, device)


class TestPytorch:
    def test_normalizations(self):
        found = pytorch.format_normalization((0.123456, 1, 2), (3, 4.5, 5))
        assert found == "mean:0.1235,1,2|std:3,4.5,5"

    def test_devices(self, torch):
        def zeros(size, device):
            assert size == 1
            if device != "cuda:1":
                raise {"abacus": RuntimeError, "cuda": AssertionError}[device]("not here\nsecond line")

        torch.zeros = zeros
        for available, device in ((True, "cuda"), (False, "cpu")):
            torch.cuda = SimpleNamespace(is_available=lambda available=available: available)
            assert pytorch.find_device("auto") == device
        assert pytorch.find_device("cuda:1") == "cuda:1"
        for device in ("abacus", "cuda"):
            expected = rf"^the device '{device}' is not available \(not here\); try --device cpu$"
            with pytest.raises(UsageError, match=expected):
                pytorch.find_device(device)

    def test_pickles_are_loaded_safely(self, torch):
        load = torch.load
        with pytorch.safe_loading(True):
            assert torch.load is load
        with pytest.raises(KeyError), pytorch.safe_loading(False):
            torch.load("file", weights_only=False, mmap=True)
            raise KeyError
        assert torch.load is load and torch.loaded == [{"weights_only": True, "mmap": True}]

    @pytest.mark.parametrize("trust", [True, False])
    def test_weights_of_a_file(self, torch, monkeypatch, trust):
        given = []
        module = SimpleNamespace(load_state_dict=given.append)
        plain = {"a": 1, "module.b": 2}
        for state in (
            plain,
            {"state_dict": plain},
            {"model": plain, "epoch": 3},
            {"a": 1, "b": 2, "model": 7},
        ):
            torch.load = lambda file, state=state, **options: torch.loaded.append((file, options)) or state
            load_weights(module, "w.pth", trust)
            torch.load = lambda file, state=state, **options: SimpleNamespace(state_dict=lambda: state)
            load_weights(module, "w.pth", trust)
        assert given[:6] == [{"a": 1, "b": 2}] * 6 and given[6:] == [{"a": 1, "b": 2, "model": 7}] * 2
        assert torch.loaded == [("w.pth", {"map_location": "cpu", "weights_only": not trust})] * 4
        library = types.ModuleType("safetensors.torch")
        library.load_file = lambda file: {"file": file}
        monkeypatch.setitem(sys.modules, "safetensors", types.ModuleType("safetensors"))
        monkeypatch.setitem(sys.modules, "safetensors.torch", library)
        load_weights(module, Path("w.safetensors"), trust)
        assert given[-1] == {"file": Path("w.safetensors")}

    def test_files_that_are_no_weights(self, torch):
        for error, kind, reason in (
            (FileNotFoundError(), UsageError, "no such file of weights$"),
            (
                pickle.UnpicklingError(),
                SourceError,
                "holds more than weights, and loading it can run any code",
            ),
            (RuntimeError("cut"), SourceError, r"cannot be read as weights \(cut\)$"),
        ):

            def load(file, error=error, **options):
                raise error

            torch.load = load
            with pytest.raises(kind, match=rf"^w\.pth: {reason}"):
                load_weights(None, "w.pth", False)

    def test_an_interpolation_that_pillow_lacks(self, torch):
        with pytest.raises(SourceError, match=r"^m: unknown interpolation 'cubic' of its input$"):
            pytorch.open_module("m", None, Execution("cpu"), Input((0,), (1,), 8, "cubic"))

    def test_weights_that_do_not_fit(self, torch):
        def refuse(state):
            raise RuntimeError("x" * 1000)

        for state, reason in (
            ({"a": 1}, "x" * 300),
            ({1: 2}, "'int' object has no attribute 'removeprefix'"),
        ):
            torch.load = lambda file, state=state, **options: state
            with pytest.raises(
                SourceError, match=rf"^w\.pth: its weights are not of this model \({reason}\)$"
            ):
                load_weights(SimpleNamespace(load_state_dict=refuse), "w.pth", False)

    def test_weights_that_cannot_be_had(self):
        refused = pickle.UnpicklingError("Weights only"), ValueError("pass trust_remote_code=True")
        for error in refused:
            assert "m: loading it can run code of its authors" in str(unavailable("m", error, False))
            assert str(unavailable("m", error, True)) == f"m: its weights cannot be fetched ({error})"
        for error, reason in ((OSError("\n down \n again"), "down "), (TimeoutError(), "TimeoutError")):
            assert str(unavailable("m", error, False)) == f"m: its weights cannot be fetched ({reason})"


def failing(*arguments, **options):
    raise OSError("no route")


@pytest.fixture
def opened(monkeypatch):
    """Arguments with which models of PyTorch are opened, and files of weights with what they are loaded into."""
    found = []
    for library in (timm, torchvision, transformers):
        monkeypatch.setattr(library, "safe_loading", lambda trust: nullcontext(found.append(("safe", trust))))
        monkeypatch.setattr(library, "open_module", lambda *arguments: found.append(arguments))
    for library in (timm, torchvision):
        monkeypatch.setattr(library, "load_weights", lambda *arguments: found.append(arguments))
    return found


class TestTimm:
    @pytest.fixture
    def library(self, monkeypatch):
        config = {"mean": (1, 2, 3), "std": (4, 5, 6), "input_size": (3, 8, 9), "interpolation": "bicubic"}
        data = SimpleNamespace(
            resolve_model_data_config=lambda module: config,
            infer_imagenet_subset=lambda module: "" if module.number else "subset",
            ImageNetInfo=lambda subset: SimpleNamespace(label_names=lambda: [f"{subset} name"]),
        )
        library = SimpleNamespace(
            data=data,
            is_model=lambda name: name == "net",
            list_models=lambda: ["net"],
            create_model=lambda name, pretrained: SimpleNamespace(
                name=name, number=name.count("x"), pretrained=pretrained, pretrained_cfg={}
            ),
        )
        monkeypatch.setattr(timm, "import_library", lambda name: library)
        return library

    def test_models(self, library, opened):
        expected = Input((1, 2, 3), (4, 5, 6), 9, "bicubic")
        for name in ("net.tag", "hf-hub:a", "hf_hub:a", "local-dir:a"):
            opened.clear()
            timm.open_timm(name, Execution("cpu"), None, True)
            (safe, (own, module, *rest)) = opened
            assert safe == ("safe", True) and own == f"timm:{name}" and module.pretrained
            assert (module.name, rest) == (name, [Execution("cpu"), expected, ["subset name"]])

    def test_labels(self, library, opened):
        timm.open_timm("net.x", Execution(), None, False)
        assert opened[1][-1] == ()
        named = SimpleNamespace(pretrained_cfg={"label_names": ["own"]}, number=0)
        assert timm._labels(library, named) == ["own"]
        assert timm._labels(library, SimpleNamespace(number=0)) == ["subset name"]

    def test_weights(self, library, opened):
        timm.open_timm("net", Execution(), "w.pth", False)
        safe, (module, *loaded), arguments = opened
        assert not module.pretrained and loaded == ["w.pth", False] and safe == ("safe", False)
        assert arguments[1] is module and arguments[-1] == ()

    def test_errors(self, library, opened):
        with pytest.raises(UsageError, match=r"^timm:nett: timm has no such model; did you mean net\?"):
            timm.open_timm("nett", Execution(), None, False)
        library.create_model = failing
        with pytest.raises(SourceError, match=r"^timm:net: its weights cannot be fetched \(no route\)"):
            timm.open_timm("net", Execution(), None, False)


class TestTorchvision:
    @pytest.fixture
    def library(self, monkeypatch):
        preset = SimpleNamespace(
            mean=(1,), std=(2,), crop_size=[8, 9], interpolation=SimpleNamespace(value="bicubic")
        )
        weights = SimpleNamespace(name="V1", meta={}, transforms=lambda: preset)

        class Versions(dict):
            DEFAULT, __members__ = weights, {"V1": weights}

        models = SimpleNamespace(get_model_weights=lambda name: Versions(V1=weights))
        models.list_models = lambda module: ["net"] if module is models else []
        models.get_model = lambda name, weights: (name, weights)
        monkeypatch.setattr(torchvision, "import_library", lambda name: SimpleNamespace(models=models))
        return models

    def test_weights(self, library, opened):
        expected = Input((1,), (2,), 8, "bicubic")
        torchvision.open_torchvision("net.V1", Execution(), "w.pth", False)
        model = ("torchvision:net.V1", ("net", None), Execution(), expected, ())
        assert opened == [("safe", False), (("net", None), "w.pth", False), model]
        opened.clear()
        torchvision.open_torchvision("net", Execution(), None, True)
        assert opened[0] == ("safe", True) and opened[1][0] == "torchvision:net.V1" and opened[1][-1] == ()

    def test_errors(self, library, opened):
        for name, error in (
            ("nett", "torchvision:nett: torchvision has no such classifier; did you mean net?"),
            ("net.V2", "torchvision:net.V2: torchvision has no such weights; did you mean V1?"),
        ):
            with pytest.raises(UsageError) as raised:
                torchvision.open_torchvision(name, Execution(), None, False)
            assert str(raised.value) == error
        library.get_model = failing
        with pytest.raises(
            SourceError, match=r"^torchvision:net: its weights cannot be fetched \(no route\)"
        ):
            torchvision.open_torchvision("net", Execution(), None, False)


class Processor:
    """Image processor that resizes to a side, if it has one, normalizes and reorders channels, and adds an extra."""

    cropped = False

    def __init__(self, side=(8, 8), order=(0, 1, 2), std=(0.25, 0.5, 2.0), extra=None, **attributes):
        self.side, self.order, self.std, self.extra = side, list(order), std, extra
        vars(self).update(attributes)

    def __call__(self, image, return_tensors, do_resize=True, do_center_crop=True):
        assert return_tensors == "np" and do_resize is do_center_crop
        if self.cropped and not do_resize:
            image = image.crop((0, 0, 6, 6))
        if do_resize and self.side:
            image = image.resize(self.side[::-1])
        values = (np.asarray(image) / 255 - [0.4, 0.5, 0.6]) / self.std
        values = values[..., self.order].transpose(2, 0, 1)[None]
        return {"pixel_values": self.extra(values) if self.extra else values}


class TestTransformers:
    def test_inputs(self):
        found = transformers.measure_input("m", Processor())
        assert found == ([0.4, 0.5, 0.6], [0.25, 0.5, 2.0], 8, "bilinear", "rgb")
        found = transformers.measure_input("m", Processor((16, 16), (2, 1, 0), resample=3))
        assert found == ([0.6, 0.5, 0.4], [2.0, 0.5, 0.25], 16, "bicubic", "bgr")
        found = transformers.measure_input("m", Processor(std=(-0.25, -0.5, -2.0)))
        assert found.std == [-0.25, -0.5, -2.0] and found.mean == [0.4, 0.5, 0.6]
        assert [transformers._short(value) for value in (0.10000001, 0.1234564, -0.0)] == [0.1, 0.123456, 0.0]
        assert str(transformers._short(-0.0)) == "0.0"

    @pytest.mark.parametrize(
        ("processor", "error"),
        [
            (Processor(None), "m: its image processor has no image size, so its input is unknown"),
            (Processor((8, 9)), "m: takes images of 8x9 with 3 channels, not square RGB images"),
            (Processor(extra=lambda v: v[:, :1]), "m: takes images of 8x8 with 1 channels, not square"),
            (
                Processor(extra=lambda v: v[:, [0, 0, 1]]),
                r"m: its image processor \(Processor\) does more than",
            ),
            (Processor(cropped=True), r"m: its image processor \(Processor\) does more than"),
            (Processor(extra=np.square), r"m: its image processor \(Processor\) does more than"),
            (Processor(extra=lambda v: v / 0), r"m: its image processor \(Processor\) does more than"),
            (
                Processor(extra=lambda v: v + (v < -1.5) / 100),
                r"m: its image processor \(Processor\) does more",
            ),
            (
                Processor(extra=lambda v: v[0]),
                r"m: its image processor \(Processor\) gives pixel_values, not one",
            ),
            (
                Processor(extra=lambda v: v[[0, 0]]),
                r"m: its image processor \(Processor\) gives pixel_values, not",
            ),
            (Processor(extra=lambda v: v.missing), r"m: its image processor fails \(AttributeError: "),
            (
                lambda image, **_: {"pixel_values": np.zeros((1, 3, 8, 8)), "n": 1},
                "gives pixel_values, n, not one",
            ),
        ],
    )
    @pytest.mark.filterwarnings("ignore::RuntimeWarning")
    def test_what_is_no_input(self, processor, error):
        with pytest.raises(SourceError, match=error):
            transformers.measure_input("m", processor)

    def test_rounding_is_no_other_input(self):
        for step, fits in ((0.9e-3, True), (1.1e-3, False)):
            processor = Processor(std=(1, 1, 1), extra=lambda v, step=step: v + (v == v.max()) * step / 255)
            if fits:
                assert transformers.measure_input("m", processor).side == 8
                continue
            with pytest.raises(SourceError, match="does more than resize"):
                transformers.measure_input("m", processor)

    def test_rounding_is_relative_to_the_scale_of_a_channel(self):
        def add(values, channel):
            values = values.copy()
            values[:, channel] += (values[:, channel] == values[:, channel].max()) * 0.05 / 255
            return values

        for channel, fits in ((2, True), (0, False)):
            processor = Processor(std=(1, 1, 0.01), extra=lambda v, channel=channel: add(v, channel))
            if fits:
                assert transformers.measure_input("m", processor).side == 8
                continue
            with pytest.raises(SourceError, match="does more than resize"):
                transformers.measure_input("m", processor)

    @pytest.fixture
    def library(self, monkeypatch, tmp_path):
        """Stand-in for transformers with a model in a folder, and the options of its calls."""
        (tmp_path / "config.json").write_text("{}")
        calls = []
        module = SimpleNamespace(config=SimpleNamespace(id2label={10: "k", 2: "c", 1: 7}))

        def load(result):
            return SimpleNamespace(
                from_pretrained=lambda name, **options: calls.append((name, options)) or result
            )

        library = SimpleNamespace(
            AutoModelForImageClassification=load(module),
            AutoImageProcessor=load(Processor()),
            utils=SimpleNamespace(cached_file=lambda name, file: tmp_path / file),
            calls=calls,
            module=module,
        )
        monkeypatch.setattr(transformers, "import_library", lambda name: library)
        return library

    @pytest.mark.parametrize("trust", [True, False])
    def test_models(self, library, opened, trust):
        transformers.open_transformers("org/name", Execution("cpu"), trust)
        expected = Input([0.4, 0.5, 0.6], [0.25, 0.5, 2.0], 8)
        model = ("hf:org/name", library.module, Execution("cpu"), expected, ["7", "c", "k"])
        assert opened == [("safe", trust), model]
        assert library.calls == [
            ("org/name", {"use_safetensors": None if trust else True, "trust_remote_code": trust}),
            ("org/name", {"backend": "pil", "trust_remote_code": trust}),
        ]
        library.module.config.id2label = None
        transformers.open_transformers("org/name", Execution("cpu"), trust)
        assert opened[-1][-1] == []

    @pytest.mark.parametrize(
        ("config", "name", "error"),
        [
            (
                {"model_type": "timm_wrapper"},
                "org/name",
                "hf:org/name: a model of timm; open it as timm:hf-hub:org/n",
            ),
            ({"pretrained_cfg": {}}, ".", "hf:.: a model of timm; open it as timm:local-dir:."),
            (
                {"attn_implementation": "a/b"},
                "org/name",
                "hf:org/name: loading it can run code of its authors.",
            ),
            ({"all": [{"x_implementation": ["a/b"]}]}, "a", "hf:a: loading it can run code of its authors."),
        ],
    )
    def test_configurations(self, library, opened, tmp_path, config, name, error):
        (tmp_path / "config.json").write_text(json.dumps(config))
        with pytest.raises(SourceError) as raised:
            transformers.open_transformers(name, Execution(), False)
        assert str(raised.value).startswith(error)

    def test_kernels(self, library, opened, tmp_path):
        for config in ({"attn_implementation": "eager"}, {"other": "a/b", "list": ["a/b"]}):
            assert not transformers._names_kernels(config)
        (tmp_path / "config.json").write_text(json.dumps({"attn_implementation": "a/b"}))
        transformers.open_transformers("org/name", Execution(), True)
        assert len(opened) == 2

    @pytest.mark.parametrize(
        ("error", "trust", "message"),
        [
            (
                ImportError("\nlacks a\nb"),
                False,
                r"hf:n: cannot be opened without another library \(lacks a\)",
            ),
            (OSError("no safetensors"), False, r"hf:n: has no safetensors file.*--trust"),
            (OSError("no safetensors"), True, r"hf:n: its weights cannot be fetched \(no safetensors\)"),
            (OSError("no route"), False, r"hf:n: its weights cannot be fetched \(no route\)"),
        ],
    )
    def test_errors(self, library, opened, error, trust, message):
        def fail(name, **options):
            raise error

        library.AutoModelForImageClassification = SimpleNamespace(from_pretrained=fail)
        with pytest.raises(SourceError, match=message):
            transformers.open_transformers("n", Execution(), trust)


def test_interpolations():
    for number, name in (
        (None, "bilinear"),
        (0, "nearest"),
        (Image.Resampling.BICUBIC, "bicubic"),
        (1, "lanczos"),
    ):
        assert transformers._interpolation(SimpleNamespace(resample=number)) == name
    assert transformers._interpolation(None) == "bilinear"
