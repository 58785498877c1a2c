"""Models by their names: of each library, and what is said when one cannot be had."""

import copy
import io
import json
import os
import pickle
import re
import sys
import types
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from imagenet_cp.errors import SourceError, UsageError
from imagenet_cp.evaluation.fingerprint import fingerprint
from imagenet_cp.evaluation.models import torchvision
from imagenet_cp.evaluation.models.by_name import open_model
from imagenet_cp.evaluation.models.model import Execution, Model
from imagenet_cp.evaluation.models.onnx import _checksum
from imagenet_cp.evaluation.models.pytorch import Input, load_weights, open_module, weights_checksum

IMAGES = np.random.RandomState(0).randint(0, 256, (3, 32, 32, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        ("resnet50", "Unknown model 'resnet50'; try timm:resnet50 or torchvision:resnet50"),
        ("timm:", "Unknown model 'timm:'"),
        ("nowhere:model", "nowhere:model: cannot be imported"),
        ("toy_models:not_callable", "toy_models has no callable 'not_callable'"),
        ("toy_models:missing", "toy_models has no callable 'missing'"),
        ("missing.onnx", "missing.onnx: no such file"),
    ],
)
def test_what_is_no_model_is_named(spec, error):
    if spec.endswith(".onnx"):
        pytest.importorskip("onnxruntime")
    with pytest.raises((SourceError, UsageError), match=error):
        open_model(spec)


@pytest.mark.parametrize(
    ("library", "spec", "extra"),
    [
        ("timm", "timm:resnet50", "torch"),
        ("torchvision", "torchvision:resnet50", "torch"),
        ("transformers", "hf:org/name", "torch"),
        ("onnxruntime", "model.onnx", "onnx"),
    ],
)
def test_a_missing_library_names_the_extra(library, spec, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(SourceError, match=rf"{library} cannot be imported.*pip install '\.\[{extra}\]'"):
        open_model(spec)


def test_published_weights_of_torchvision_bring_their_classes_and_input(monkeypatch):
    preset = SimpleNamespace(
        mean=(1,), std=(2,), crop_size=[8], interpolation=SimpleNamespace(value="bicubic")
    )
    weights = SimpleNamespace(name="V2", meta={"categories": ["a", "b"]}, transforms=lambda: preset)

    class Versions(dict):
        DEFAULT, __members__ = weights, {"V2": weights}

    models = SimpleNamespace(
        list_models=lambda module: ["net"],
        get_model_weights=lambda name: Versions(V2=weights),
        get_model=lambda name, weights: (name, weights),
    )
    monkeypatch.setattr(torchvision, "import_library", lambda name: SimpleNamespace(models=models))
    monkeypatch.setattr(torchvision, "safe_loading", lambda trust: nullcontext())
    monkeypatch.setattr(torchvision, "open_module", lambda *arguments: arguments)
    expected = Input((1,), (2,), 8, "bicubic")
    for name in ("net", "net.V2"):
        opened = torchvision.open_torchvision(name, Execution("cpu"), None, False)
        assert opened == ("torchvision:net.V2", ("net", weights), Execution("cpu"), expected, ["a", "b"])


def test_a_function_is_found_in_the_working_directory(monkeypatch, tmp_path):
    (tmp_path / "my_models.py").write_text("from toy_models import by_colour")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    model = open_model("my_models:by_colour")
    assert model.logits(IMAGES).shape == (3, 1000) and model.side is None
    with pytest.raises(UsageError, match="--weights goes with"):
        open_model("toy_models:by_colour", weights="x.pth")


def test_a_model_is_known_by_its_weights_or_its_code():
    one, other = open_model("toy_models:by_colour"), open_model("toy_models:by_contrast")
    assert one.fingerprint == open_model("toy_models:by_colour").fingerprint and one.fingerprint.complete
    assert one.fingerprint.digest != other.fingerprint.digest
    weights = [Model(one.name, function, weights="12").fingerprint for function in (one.function, open)]
    assert weights[0] == weights[1] != one.fingerprint and weights[1].complete


class TestTorch:
    @pytest.fixture
    def module(self):
        torch = pytest.importorskip("torch")
        torch.manual_seed(0)
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 32 * 32, 10))

    def test_images_are_normalised_and_weights_digested(self, module):
        import torch

        mean, std = (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)
        cpu, expected_input = Execution("cpu"), Input(mean, std, 32)
        model = open_module("mine", module, cpu, expected_input)
        values = (IMAGES.astype(np.float32) / np.float32(255) - np.float32(mean)) / np.float32(std)
        expected = module(torch.from_numpy(values.transpose(0, 3, 1, 2).copy())).detach().numpy()
        np.testing.assert_allclose(model.logits(IMAGES), expected, rtol=1e-5, atol=1e-5)
        assert model.normalization == "mean:0.1,0.2,0.3|std:0.4,0.5,0.6" and model.side == 32
        again = open_module("mine", module, cpu, expected_input)
        assert again.weights == model.weights and re.fullmatch("[0-9a-f]{16}", model.weights)
        with torch.no_grad():
            module[1].bias[0] += 1
        assert open_module("mine", module, cpu, expected_input).weights != model.weights

    def test_names_types_and_shapes_of_weights_are_digested(self):
        torch = pytest.importorskip("torch")

        class Module:
            def __init__(self, weights):
                self.state_dict = lambda: weights

            def __repr__(self):
                return f"Module(<function at {id(self):#x}>)"

        weights = torch.zeros(2), torch.zeros(2, dtype=torch.int32), torch.zeros(2, 1), torch.zeros(0)
        checksums = [weights_checksum(Module({"a": tensor})) for tensor in weights]
        assert len({*checksums, weights_checksum(Module({"b": weights[0]}))}) == 5
        assert weights_checksum(Module({"a": torch.zeros(2)})) == checksums[0]

    def test_channels_types_of_numbers_and_their_layout(self):
        """The order of the channels and the type are in the signature; what only rounds is not."""
        torch = pytest.importorskip("torch")
        torch.manual_seed(0)
        module = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.Flatten(), torch.nn.Linear(7200, 10))
        plain = Input((0.5, 0.5, 0.5), (0.5, 0.5, 0.5), 32)
        model = open_module("mine", module, Execution("cpu"), plain)
        bgr = open_module("mine", module, Execution("cpu"), plain._replace(channels="bgr"))
        np.testing.assert_array_equal(bgr.logits(IMAGES), model.logits(IMAGES[..., ::-1].copy()))
        assert bgr.normalization == f"{model.normalization}|channels:bgr" and bgr.weights == model.weights
        last = open_module("mine", module, Execution("cpu", channels_last=True), plain)
        np.testing.assert_allclose(last.logits(IMAGES), model.logits(IMAGES), atol=1e-5)
        assert (last.normalization, last.weights) == (model.normalization, model.weights)
        layouts = []
        module.register_forward_pre_hook(
            lambda module, given: layouts.append(
                [one.is_contiguous(memory_format=torch.channels_last) for one in (*given, module[0].weight)]
            )
        )
        for channels_last in (False, True):
            execution = Execution("cpu", channels_last=channels_last)
            open_module("mine", copy.deepcopy(module), execution, plain).logits(IMAGES)
        assert layouts == [[False, False], [True, True]]
        half = open_module("mine", copy.deepcopy(module), Execution("cpu", "bfloat16"), plain)
        np.testing.assert_allclose(half.logits(IMAGES), model.logits(IMAGES), atol=0.05)
        assert half.normalization == f"{model.normalization}|dtype:bfloat16" and half.weights == last.weights

    @pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
    def test_checkpoints_of_half_precision_run_as_they_are(self, module, dtype):
        import torch

        plain = Input((0.0,) * 3, (1.0,) * 3, 32)
        module = module.to(getattr(torch, dtype))
        model = open_module("mine", module, Execution("cpu"), plain)
        assert model.logits(IMAGES).shape == (3, 10) and model.normalization.endswith(f"dtype:{dtype}")
        single = open_module("mine", copy.deepcopy(module), Execution("cpu", "float32"), plain)
        assert "dtype" not in single.normalization and single.weights == model.weights

    def test_options_of_models_of_pytorch(self):
        with pytest.raises(ValueError, match="unknown dtype 'int8'; known: float32"):
            open_model("toy_models:by_colour", dtype="int8")
        with pytest.raises(UsageError, match="--channels-last goes with timm:"):
            open_model("toy_models:by_colour", channels_last=True)

    def test_a_function_is_known_by_the_weights_of_its_modules(self, module):
        import torch

        def model(images):
            with torch.inference_mode():
                return module(torch.from_numpy(images).permute(0, 3, 1, 2).float())

        before = fingerprint(model)
        assert before.complete and fingerprint(model) == before
        with torch.no_grad():
            module[1].bias[0] += 1
        assert fingerprint(model).digest != before.digest and fingerprint(model).complete

    def test_a_device_that_is_not_there_is_named(self, module):
        import torch

        from imagenet_cp.evaluation.models.pytorch import find_device

        assert find_device("auto") in ("cpu", "cuda")
        if not torch.cuda.is_available():
            with pytest.raises(UsageError, match="the device 'cuda' is not available"):
                find_device("cuda")
        with pytest.raises(UsageError, match="the device 'abacus' is not available"):
            find_device("abacus")

    def test_images_and_their_normalization_are_on_the_device_of_the_model(self, module):
        model = open_module("mine", module, Execution("meta"), Input((0.5,) * 3, (0.5,) * 3, 32))
        scores = model.function(IMAGES)
        assert scores.device.type == "meta" and scores.shape == (3, 10)

    def test_scores_may_be_the_logits_of_an_output(self, module):
        import torch

        class Wrapped(torch.nn.Module):
            def forward(self, images):
                return types.SimpleNamespace(logits=2 * module(images))

        plain = Input((0.0,) * 3, (1.0,) * 3, 32)
        one, other = (open_module("mine", made, Execution("cpu"), plain) for made in (module, Wrapped()))
        np.testing.assert_array_equal(other.logits(IMAGES), 2 * one.logits(IMAGES))

    def test_pickles_need_trust(self, module, tmp_path):
        import torch

        plain = {f"module.{name}": value for name, value in module.state_dict().items()}
        torch.save({"state_dict": plain, "epoch": 3}, tmp_path / "plain.pth")
        load_weights(module, tmp_path / "plain.pth", trust=False)
        torch.save({"state_dict": plain, "note": types.SimpleNamespace()}, tmp_path / "with_code.pth")
        with pytest.raises(SourceError, match=r"with_code\.pth: holds more than weights.*--trust"):
            load_weights(module, tmp_path / "with_code.pth", trust=False)
        load_weights(module, tmp_path / "with_code.pth", trust=True)
        with pytest.raises(UsageError, match="no such file of weights"):
            load_weights(module, tmp_path / "missing.pth", trust=False)
        torch.save([torch.zeros(1)], tmp_path / "list.pth")
        with pytest.raises(SourceError, match=r"list\.pth: holds a list, not weights by their names"):
            load_weights(module, tmp_path / "list.pth", trust=False)
        torch.save({"0.weight": torch.zeros(1)}, tmp_path / "other.pth")
        with pytest.raises(SourceError, match="not of this model"):
            load_weights(module, tmp_path / "other.pth", trust=False)
        (tmp_path / "text.pth").write_text("no weights")
        with pytest.raises(SourceError, match=r"text\.pth"):
            load_weights(module, tmp_path / "text.pth", trust=False)

    def test_timm_is_asked_for_what_the_model_was_trained_with(self, module, monkeypatch, tmp_path):
        """With a stand-in, for timm's own weights are on the network."""
        import torch

        asked = []
        stand_in = types.ModuleType("timm")
        stand_in.is_model = lambda name: name == "tiny"
        stand_in.list_models = lambda: ["tiny", "tall"]
        stand_in.create_model = lambda name, pretrained: asked.append((name, pretrained)) or module
        config = {"mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25), "input_size": (3, 32, 32)}
        config["interpolation"] = "bicubic"
        stand_in.data = types.SimpleNamespace(
            resolve_model_data_config=lambda model: config,
            infer_imagenet_subset=lambda model: "imagenet-1k",
            ImageNetInfo=lambda subset: types.SimpleNamespace(label_names=lambda: [f"{subset} 0"]),
        )
        monkeypatch.setitem(sys.modules, "timm", stand_in)
        torch.save(module.state_dict(), tmp_path / "weights.pth")
        model = open_model("timm:tiny.some_tag", device="cpu", weights=tmp_path / "weights.pth")
        assert model.side == 32 and model.interpolation == "bicubic"
        assert model.labels == () and open_model("timm:tiny", device="cpu").labels == ("imagenet-1k 0",)
        assert asked == [("tiny.some_tag", False), ("tiny", True)] and model.logits(IMAGES).shape == (3, 10)
        with pytest.raises(UsageError, match="timm has no such model; did you mean tiny"):
            open_model("timm:tinny")

        def unreachable(name, pretrained):
            raise OSError("no route to the weights")

        stand_in.create_model = unreachable
        with pytest.raises(SourceError, match="timm:tiny: its weights cannot be fetched"):
            open_model("timm:tiny")


class TestTransformers:
    def test_a_folder(self, tmp_path):
        pytest.importorskip("torch")
        transformers = pytest.importorskip("transformers")
        sizes = {"embedding_size": 8, "hidden_sizes": [8], "depths": [1], "num_labels": 10}
        module = transformers.ResNetForImageClassification(transformers.ResNetConfig(**sizes)).eval()
        module.save_pretrained(tmp_path)
        config = {
            "image_processor_type": "ViTImageProcessor",
            "do_normalize": True,
            "resample": 3,
            "image_mean": [0.4, 0.5, 0.6],
            "image_std": [0.2, 0.3, 0.4],
            "do_rescale": True,
            "rescale_factor": 1 / 255,
            "size": {"height": 32, "width": 32},
        }
        (tmp_path / "preprocessor_config.json").write_text(json.dumps(config))
        model = open_model(f"hf:{tmp_path}", device="cpu")
        assert model.side == 32 and model.interpolation == "bicubic" and model.labels[9] == "LABEL_9"
        assert model.normalization == "mean:0.4,0.5,0.6|std:0.2,0.3,0.4"
        import torch

        values = (IMAGES.astype(np.float32) / 255 - [0.4, 0.5, 0.6]) / [0.2, 0.3, 0.4]
        with torch.no_grad():
            expected = module(torch.tensor(values.transpose(0, 3, 1, 2), dtype=torch.float32)).logits
        np.testing.assert_allclose(model.logits(IMAGES), expected, rtol=1e-4, atol=1e-5)
        for change, error in (
            ({"do_resize": False}, "its image processor has no image size"),
            ({"size": {"height": 32, "width": 48}}, "takes images of 32x48 with 3 channels"),
            ({"image_std": [0.0, 1.0, 1.0]}, "does more than resize images and normalize"),
        ):
            (tmp_path / "preprocessor_config.json").write_text(json.dumps(config | change))
            with pytest.raises(SourceError, match=error):
                open_model(f"hf:{tmp_path}", device="cpu")

    def test_a_model_of_timm_is_opened_by_timm(self, tmp_path):
        pytest.importorskip("torch")
        pytest.importorskip("transformers")
        (tmp_path / "config.json").write_text(json.dumps({"architecture": "resnet18", "pretrained_cfg": {}}))
        with pytest.raises(SourceError, match="a model of timm; open it as timm:local-dir:"):
            open_model(f"hf:{tmp_path}", device="cpu")

    def test_a_pickled_model_needs_trust(self, tmp_path):
        torch = pytest.importorskip("torch")
        transformers = pytest.importorskip("transformers")
        sizes = {"embedding_size": 8, "hidden_sizes": [8], "depths": [1], "num_labels": 10}
        module = transformers.ResNetForImageClassification(transformers.ResNetConfig(**sizes))
        module.config.save_pretrained(tmp_path)
        torch.save(module.state_dict(), tmp_path / "pytorch_model.bin")
        (tmp_path / "preprocessor_config.json").write_text(json.dumps({"size": 32}))
        with pytest.raises(SourceError, match=r"no safetensors file.*--trust"):
            open_model(f"hf:{tmp_path}", device="cpu")
        assert open_model(f"hf:{tmp_path}", device="cpu", trust=True).logits(IMAGES).shape == (3, 10)

    def test_what_cannot_be_fetched_is_named(self):
        pytest.importorskip("torch")
        pytest.importorskip("transformers")
        with pytest.raises(SourceError, match="hf:nobody/nothing: its weights cannot be fetched"):
            open_model("hf:nobody/nothing")


class TestRemoteCode:
    """Code that comes with a model never runs without --trust, whatever is typed or piped in."""

    @pytest.fixture
    def folder(self, tmp_path):
        (tmp_path / "model").mkdir()
        code = f"open({str(tmp_path / 'ran')!r}, 'w').close()\n"
        (tmp_path / "model" / "custom.py").write_text(f"{code}class Config: pass\nclass Net: pass\n")
        auto_map = {"AutoConfig": "custom.Config", "AutoModelForImageClassification": "custom.Net"}
        config = {"model_type": "custom-net", "auto_map": auto_map}
        (tmp_path / "model" / "config.json").write_text(json.dumps(config))
        (tmp_path / "model" / "preprocessor_config.json").write_text(json.dumps({"size": 32}))
        return tmp_path / "model"

    @pytest.fixture
    def stand_ins(self, monkeypatch):
        """Libraries that ask, run code and load pickles as the real ones do."""

        class AutoModel:
            @staticmethod
            def from_pretrained(name, use_safetensors=None, trust_remote_code=None):
                if trust_remote_code is None:
                    trust_remote_code = input("run the custom code? [y/N] ") == "y"
                if not trust_remote_code:
                    raise ValueError("Please pass the argument `trust_remote_code=True`")
                exec((Path(name) / "custom.py").read_text(), {})
                raise OSError("no weights")

        def load(file, weights_only=False):
            if weights_only:
                raise pickle.UnpicklingError("Weights only load failed")
            return pickle.loads(file.read_bytes())

        torch, transformers, timm = map(types.ModuleType, ("torch", "transformers", "timm"))
        torch.load = load
        transformers.AutoModelForImageClassification = AutoModel
        transformers.utils = types.SimpleNamespace(cached_file=lambda name, file: Path(name) / file)
        timm.is_model = lambda name: True
        for module in (torch, transformers, timm):
            monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(sys, "stdin", io.StringIO("y\n" * 9))
        return torch, transformers, timm

    def test_of_transformers(self, folder, stand_ins):
        with pytest.raises(SourceError, match=r"can run code of its authors.*--trust"):
            open_model(f"hf:{folder}")
        assert not (folder.parent / "ran").exists()
        with pytest.raises(SourceError, match="no weights"):
            open_model(f"hf:{folder}", trust=True)
        assert (folder.parent / "ran").exists()

    def test_of_transformers_itself(self, folder, monkeypatch):
        pytest.importorskip("torch")
        pytest.importorskip("transformers")
        monkeypatch.setattr(sys, "stdin", io.StringIO("y\n" * 9))
        with pytest.raises(SourceError, match=r"--trust"):
            open_model(f"hf:{folder}", device="cpu")
        assert not (folder.parent / "ran").exists()

    def test_of_kernels_that_a_configuration_names(self, folder, stand_ins):
        config = {"vision_config": {"attn_implementation": {"": "someone/kernels"}}}
        (folder / "config.json").write_text(json.dumps(config))
        stand_ins[1].AutoModelForImageClassification = None
        with pytest.raises(SourceError, match=r"can run code of its authors.*--trust"):
            open_model(f"hf:{folder}")

    def test_questions_of_any_library_are_not_asked(self, stand_ins):
        def create_model(name, pretrained):
            raise ValueError(f"answered {input('run it? ')}")

        stand_ins[2].create_model = create_model
        with pytest.raises(SourceError, match="weights cannot be fetched \\(EOF"):
            open_model("timm:net")
        assert sys.stdin.read() == "y\n" * 9

    def test_of_pickles_that_a_library_loads(self, folder, stand_ins):
        class Evil:
            def __reduce__(self):
                return os.mkdir, (str(folder / "evil"),)

        torch, _, timm = stand_ins
        (folder / "weights.bin").write_bytes(pickle.dumps(Evil()))
        timm.create_model = lambda name, pretrained: torch.load(folder / "weights.bin", weights_only=False)
        load = torch.load
        with pytest.raises(SourceError, match=r"can run code of its authors.*--trust"):
            open_model("timm:net")
        assert not (folder / "evil").exists() and torch.load is load


class TestOnnx:
    @staticmethod
    def save(path, shape, kind="FLOAT", metadata=None):
        """Write a model whose scores are the mean red, green and blue of an image."""
        onnx = pytest.importorskip("onnx")
        pytest.importorskip("onnxruntime")
        helper, types_ = onnx.helper, onnx.TensorProto
        taken = helper.make_tensor_value_info("x", getattr(types_, kind), shape)
        given = helper.make_tensor_value_info("y", types_.FLOAT, [shape[0], 3])
        axes = helper.make_tensor("axes", types_.INT64, [2], [2, 3] if shape[1] == 3 else [1, 2])
        nodes = [
            helper.make_node("Cast", ["x"], ["f"], to=types_.FLOAT),
            helper.make_node("ReduceMean", ["f", "axes"], ["y"], keepdims=0),
        ]
        graph = helper.make_graph(nodes, "means", [taken], [given], [axes])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        for name, value in (metadata or {}).items():
            entry = model.metadata_props.add()
            entry.key, entry.value = name, value
        onnx.save(model, path)
        return str(path)

    @pytest.mark.parametrize(
        "shape", [["n", 3, 32, 32], ["n", 32, 32, 3], ["n", 3, "h", "w"], [2, 3, 32, 32]]
    )
    def test_floats_are_normalised(self, shape, tmp_path):
        noted = {"mean": "[0.1, 0.2, 0.3]", "std": "[0.5, 0.5, 0.25]"}
        model = open_model(self.save(tmp_path / "m.onnx", shape, metadata=noted), device="cpu")
        expected = (IMAGES.mean(axis=(1, 2)) / 255 - [0.1, 0.2, 0.3]) / [0.5, 0.5, 0.25]
        np.testing.assert_allclose(model.logits(IMAGES), expected, rtol=1e-4, atol=1e-5)
        assert model.side == (None if "h" in shape else 32) and model.normalization.startswith(
            "mean:0.1,0.2,0.3"
        )

    def test_bytes_are_given_as_they_are(self, tmp_path):
        model = open_model(self.save(tmp_path / "m.onnx", ["n", 32, 32, 3], "UINT8"))
        np.testing.assert_allclose(model.logits(IMAGES), IMAGES.mean(axis=(1, 2)), rtol=1e-5)
        assert model.normalization == ""

    def test_imagenets_scaling_is_taken_where_none_is_noted(self, tmp_path):
        model = open_model(self.save(tmp_path / "m.onnx", ["n", 3, 32, 32]))
        assert (
            model.normalization == "mean:0.485,0.456,0.406|std:0.229,0.224,0.225" and len(model.weights) == 16
        )

    def test_weights_beside_the_file_count(self, tmp_path):
        file = tmp_path / "m.onnx"
        file.write_bytes(b"\x0a\x08location\x12\x06m.data")
        checksums = []
        for name, data in (("m.data", b"1"), ("m.data", b"2"), ("unrelated", b"3")):
            (tmp_path / name).write_bytes(data)
            checksums.append(_checksum(file))
        assert checksums[0] != checksums[1] == checksums[2]

    def test_what_does_not_fit_is_named(self, tmp_path):
        with pytest.raises(SourceError, match="not a batch of RGB images"):
            open_model(self.save(tmp_path / "m.onnx", ["n", 4, 32, 32]))
        with pytest.raises(SourceError, match="not square"):
            open_model(self.save(tmp_path / "m.onnx", ["n", 3, 32, 64]))
        for names in ('["b", "a", "c"]', "{1: 'a', 0: 'b', 2: 'c'}"):
            named = open_model(self.save(tmp_path / "m.onnx", ["n", 3, 32, 32], metadata={"names": names}))
            assert named.labels == ("b", "a", "c")
        for names in ("[1, 2]", "{1: 'a'}", "open('x')", "["):
            with pytest.raises(SourceError, match="the names in its metadata are no list of labels"):
                open_model(self.save(tmp_path / "m.onnx", ["n", 3, 32, 32], metadata={"names": names}))
        with pytest.raises(SourceError, match="no list of three numbers"):
            open_model(self.save(tmp_path / "m.onnx", ["n", 3, 32, 32], metadata={"mean": "[1, 2]"}))
        with pytest.raises(UsageError, match="the device 'cuda' is not available"):
            open_model(self.save(tmp_path / "m.onnx", ["n", 3, 32, 32]), device="cuda")
        (tmp_path / "text.onnx").write_text("no model")
        with pytest.raises(SourceError, match=r"text\.onnx: not a model"):
            open_model(str(tmp_path / "text.onnx"))


def test_weights_in_a_list(tmp_path, monkeypatch):
    stand_in = types.ModuleType("torch")
    stand_in.load = lambda *_, **options: [1, 2]
    monkeypatch.setitem(sys.modules, "torch", stand_in)
    with pytest.raises(SourceError, match=r"list\.pth: holds a list, not weights by their names"):
        load_weights(None, tmp_path / "list.pth", trust=False)


def test_nothing_is_unpickled_to_be_looked_at(tmp_path):
    """A file of weights that would run code does not."""
    torch = pytest.importorskip("torch")

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "evil"),)

    (tmp_path / "evil.pth").write_bytes(pickle.dumps(Evil(), 2))
    torch.save({"state_dict": Evil()}, tmp_path / "evil2.pth")
    for name in ("evil.pth", "evil2.pth"):
        with pytest.raises(SourceError, match=name):
            load_weights(torch.nn.Linear(1, 1), tmp_path / name, trust=False)
    assert not (tmp_path / "evil").exists()
