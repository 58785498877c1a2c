"""Models by their names: of each library, and what is said when one cannot be had."""

import json
import os
import pickle
import sys
import types

import numpy as np
import pytest

from imagenet_cp.errors import SourceError
from imagenet_cp.evaluation.models.base import Model
from imagenet_cp.evaluation.models.load import open_model

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
    with pytest.raises(SourceError, match=error):
        open_model(spec)


@pytest.mark.parametrize("kind", ["timm", "torchvision", "transformers", "onnxruntime"])
def test_a_missing_library_names_the_extra(kind, monkeypatch):
    monkeypatch.setitem(sys.modules, kind, None)
    extra = "onnx" if kind == "onnxruntime" else "torch"
    spec = {"transformers": "hf:org/name", "onnxruntime": "model.onnx", "torch": "hf:org/name"}.get(
        kind, f"{kind}:resnet50"
    )
    if kind == "torch":
        monkeypatch.setitem(sys.modules, "transformers", None)
        kind = "transformers"
    with pytest.raises(SourceError, match=rf"{kind} cannot be imported.*pip install '\.\[{extra}\]'"):
        open_model(spec)


def test_a_function_is_found_in_the_working_directory(monkeypatch, tmp_path):
    (tmp_path / "my_models.py").write_text("from toy_models import by_colour")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    model = open_model("my_models:by_colour")
    assert model.logits(IMAGES).shape == (3, 1000) and model.side is None
    with pytest.raises(SourceError, match="--weights goes with"):
        open_model("toy_models:by_colour", weights="x.pth")


def test_a_model_is_known_again_by_what_it_says():
    one, other = open_model("toy_models:by_colour"), open_model("toy_models:by_contrast")
    assert one.fingerprint((224, 224)) == open_model("toy_models:by_colour").fingerprint((224, 224))
    assert one.fingerprint((224, 224)) != other.fingerprint((224, 224))
    assert one.fingerprint((64, 64)) != Model(one.name, one.function, weights="other").fingerprint((64, 64))


class TestTorch:
    @pytest.fixture
    def module(self):
        torch = pytest.importorskip("torch")
        torch.manual_seed(0)
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 32 * 32, 10))

    def test_images_are_normalised_and_weights_digested(self, module):
        import torch

        from imagenet_cp.evaluation.models.torch import open_module

        mean, std = (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)
        model = open_module("mine", module, "cpu", mean, std, 32)
        values = (IMAGES.astype(np.float32) / np.float32(255) - np.float32(mean)) / np.float32(std)
        expected = module(torch.from_numpy(values.transpose(0, 3, 1, 2).copy())).detach().numpy()
        np.testing.assert_allclose(model.logits(IMAGES), expected, rtol=1e-5, atol=1e-5)
        assert model.normalization == "mean:0.1,0.2,0.3|std:0.4,0.5,0.6" and model.side == 32
        again = open_module("mine", module, "cpu", mean, std, 32)
        assert again.weights == model.weights
        with torch.no_grad():
            module[1].bias[0] += 1
        assert open_module("mine", module, "cpu", mean, std, 32).weights != model.weights

    def test_a_device_that_is_not_there_is_named(self, module):
        import torch

        from imagenet_cp.evaluation.models.torch import find_device

        assert find_device("auto") in ("cpu", "cuda")
        if not torch.cuda.is_available():
            with pytest.raises(SourceError, match="the device 'cuda' is not available"):
                find_device("cuda")
        with pytest.raises(SourceError, match="the device 'abacus' is not available"):
            find_device("abacus")

    def test_pickles_need_trust(self, module, tmp_path):
        import torch

        from imagenet_cp.evaluation.models.torch import load_weights

        plain = {f"module.{name}": value for name, value in module.state_dict().items()}
        torch.save({"state_dict": plain, "epoch": 3}, tmp_path / "plain.pth")
        load_weights(module, tmp_path / "plain.pth", trust=False)
        torch.save({"state_dict": plain, "note": types.SimpleNamespace()}, tmp_path / "with_code.pth")
        with pytest.raises(SourceError, match=r"with_code\.pth: holds more than weights.*--trust"):
            load_weights(module, tmp_path / "with_code.pth", trust=False)
        load_weights(module, tmp_path / "with_code.pth", trust=True)
        with pytest.raises(SourceError, match="no such file of weights"):
            load_weights(module, tmp_path / "missing.pth", trust=False)
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
        stand_in.data = types.SimpleNamespace(resolve_model_data_config=lambda model: config)
        monkeypatch.setitem(sys.modules, "timm", stand_in)
        torch.save(module.state_dict(), tmp_path / "weights.pth")
        model = open_model("timm:tiny.some_tag", device="cpu", weights=tmp_path / "weights.pth")
        assert open_model("timm:tiny", device="cpu").side == 32
        assert asked == [("tiny.some_tag", False), ("tiny", True)] and model.logits(IMAGES).shape == (3, 10)
        with pytest.raises(SourceError, match="timm has no such model; did you mean tiny"):
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
            "do_normalize": True,
            "image_mean": [0.4, 0.5, 0.6],
            "image_std": [0.2, 0.3, 0.4],
            "do_rescale": True,
            "rescale_factor": 1 / 255,
            "do_center_crop": True,
            "crop_size": {"height": 32, "width": 32},
            "size": {"shortest_edge": 36},
        }
        (tmp_path / "preprocessor_config.json").write_text(json.dumps(config))
        model = open_model(f"hf:{tmp_path}", device="cpu")
        assert model.side == 32 and model.normalization == "mean:0.4,0.5,0.6|std:0.2,0.3,0.4"
        import torch

        values = (IMAGES.astype(np.float32) / 255 - [0.4, 0.5, 0.6]) / [0.2, 0.3, 0.4]
        with torch.no_grad():
            expected = module(torch.tensor(values.transpose(0, 3, 1, 2), dtype=torch.float32)).logits
        np.testing.assert_allclose(model.logits(IMAGES), expected, rtol=1e-4, atol=1e-5)
        (tmp_path / "preprocessor_config.json").write_text(json.dumps(config | {"crop_size": None}))
        with pytest.raises(SourceError, match="has no image size"):
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

    def test_what_does_not_fit_is_named(self, tmp_path):
        with pytest.raises(SourceError, match="not a batch of RGB images"):
            open_model(self.save(tmp_path / "m.onnx", ["n", 4, 32, 32]))
        with pytest.raises(SourceError, match="not square"):
            open_model(self.save(tmp_path / "m.onnx", ["n", 3, 32, 64]))
        with pytest.raises(SourceError, match="no list of three numbers"):
            open_model(self.save(tmp_path / "m.onnx", ["n", 3, 32, 32], metadata={"mean": "[1, 2]"}))
        with pytest.raises(SourceError, match="the device 'cuda' is not available"):
            open_model(self.save(tmp_path / "m.onnx", ["n", 3, 32, 32]), device="cuda")
        (tmp_path / "text.onnx").write_text("no model")
        with pytest.raises(SourceError, match=r"text\.onnx: not a model"):
            open_model(str(tmp_path / "text.onnx"))


def test_nothing_is_unpickled_to_be_looked_at(tmp_path):
    """A file of weights that would run code does not."""
    torch = pytest.importorskip("torch")
    from imagenet_cp.evaluation.models.torch import load_weights

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "evil"),)

    (tmp_path / "evil.pth").write_bytes(pickle.dumps(Evil(), 2))
    torch.save({"state_dict": Evil()}, tmp_path / "evil2.pth")
    for name in ("evil.pth", "evil2.pth"):
        with pytest.raises(SourceError, match=name):
            load_weights(torch.nn.Linear(1, 1), tmp_path / name, trust=False)
    assert not (tmp_path / "evil").exists()
