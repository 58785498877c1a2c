"""Input tensors of real libraries' classifiers, with random weights, against those of the libraries themselves.

Off by default: needs transformers; tests of timm and torchvision are skipped without them.
"""

import importlib.util

import numpy as np
import pytest
from PIL import Image

from imagenet_cp.errors import SourceError
from imagenet_cp.evaluation.data.loader import _resize
from imagenet_cp.evaluation.models.by_name import open_model
from imagenet_cp.evaluation.models.model import Execution
from imagenet_cp.evaluation.models.transformers import measure_input

pytestmark = pytest.mark.models

IMAGE = np.random.RandomState(0).randint(0, 256, (7, 7, 3)).astype(np.uint8)
IMAGE = np.array(Image.fromarray(IMAGE).resize((224, 224), Image.Resampling.BICUBIC))

TORCHVISION = importlib.util.find_spec("torchvision") is not None
#: Classifiers whose image processors do more than normalize channels, or whose images are not square.
REFUSED = {"donut-swin": "not square RGB", "siglip2": "pixel_attention_mask", "shieldgemma2": "num_crops"}


def classifier_types():
    auto = pytest.importorskip("transformers.models.auto.modeling_auto")
    return auto.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES


def processor_of(kind):
    """Image processor of a type of model, as its class sets it up."""
    auto = pytest.importorskip("transformers.models.auto.image_processing_auto")
    import transformers

    names = auto.IMAGE_PROCESSOR_MAPPING_NAMES.get(kind, {})
    name = names.get("pil") or (names.get("torchvision") if TORCHVISION else None)
    return getattr(transformers, name)() if name else None


def pixels(expected, images):
    """Input tensor of the product for images of the model's size."""
    torch = pytest.importorskip("torch")
    from imagenet_cp.evaluation.models.pytorch import open_module

    seen = []

    class Module(torch.nn.Module):
        def forward(self, values):
            seen.append(values)
            return values.mean(dim=(2, 3))

    open_module("probe", Module(), Execution("cpu"), expected).logits(images)
    return seen[0].numpy()


def test_every_classifier_of_transformers_gets_the_pixels_of_its_own_processor():
    checked, refused = [], []
    for kind in classifier_types():
        if kind in ("imagegpt", "timm_wrapper"):  # need a checkpoint's own numbers
            continue
        processor = processor_of(kind)
        if processor is None:  # its checkpoints name the processor of another type
            continue
        if kind in REFUSED:
            with pytest.raises(SourceError, match=REFUSED[kind]):
                measure_input(kind, processor)
            refused.append(kind)
            continue
        expected = measure_input(kind, processor)
        image = np.array(Image.fromarray(IMAGE).resize((expected.side, expected.side)))
        own = processor(Image.fromarray(image), do_resize=False, do_center_crop=False, return_tensors="np")
        difference = np.abs(own["pixel_values"] - pixels(expected, image[None])).max()
        assert difference < 1e-4, f"{kind}: {difference}"
        size = processor(Image.fromarray(IMAGE), return_tensors="np")["pixel_values"].shape
        assert size[2:] == (expected.side, expected.side), kind
        checked.append(kind)
    assert len(checked) >= 34 and set(refused) == set(REFUSED)
    assert {"efficientnet", "mobilevit", "mobilevitv2", "perceiver"} <= set(checked)
    assert ("pp_lcnet" in checked) == TORCHVISION


TINY = {
    "mobilevit": {
        "hidden_sizes": [8, 8, 8],
        "neck_hidden_sizes": [8, 8, 8, 8, 8, 8, 16],
        "num_attention_heads": 1,
    },
    "efficientnet": {
        "kernel_sizes": [3, 3, 5],
        "in_channels": [32, 16, 24],
        "out_channels": [16, 24, 20],
        "strides": [1, 1, 2],
        "num_block_repeats": [1, 1, 2],
        "expand_ratios": [1, 6, 6],
    },
    "resnet": {"embedding_size": 8, "hidden_sizes": [8], "depths": [1]},
}


@pytest.mark.parametrize(
    ("kind", "dtype"), [("mobilevit", "float32"), ("efficientnet", "float32"), ("resnet", "bfloat16")]
)
def test_logits_are_those_of_the_model_after_its_processor(kind, dtype, tmp_path):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.AutoConfig.for_model(kind, num_labels=10, **TINY[kind])
    module = transformers.AutoModelForImageClassification.from_config(config).eval()
    module = module.to(getattr(torch, dtype))
    module.save_pretrained(tmp_path)
    processor = processor_of(kind)
    processor.save_pretrained(tmp_path)
    model = open_model(f"hf:{tmp_path}", device="cpu")
    images = np.stack(
        [_resize(image, model.side, model.interpolation) for image in (IMAGE, IMAGE[::-1].copy())]
    )
    own = processor(list(images), do_resize=False, do_center_crop=False, return_tensors="pt")
    with torch.no_grad():
        expected = module(own["pixel_values"].to(module.dtype)).logits.float().numpy()
    np.testing.assert_allclose(model.logits(images), expected, rtol=1e-4, atol=1e-5)
    assert ("dtype:bfloat16" in model.normalization) == (dtype == "bfloat16")
    assert ("channels:bgr" in model.normalization) == (kind == "mobilevit")


def test_a_processor_that_does_more_is_refused(tmp_path):
    transformers = pytest.importorskip("transformers")
    clusters = np.random.RandomState(0).rand(8, 3).tolist()
    with pytest.raises(SourceError, match="gives input_ids"):
        measure_input("imagegpt", transformers.ImageGPTImageProcessor(clusters=clusters))

    class Gamma(transformers.ViTImageProcessor):
        def normalize(self, image, *args, **options):
            return super().normalize(image**2, *args, **options)

    with pytest.raises(SourceError, match=r"Gamma\) does more than resize"):
        measure_input("mine", Gamma(size={"height": 32, "width": 32}))


@pytest.mark.parametrize("side", [256, 299, 384])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_images_are_resized_as_by_timm_and_torchvision(side, interpolation):
    timm_data = pytest.importorskip("timm.data")
    transforms = pytest.importorskip("torchvision.transforms")
    own = np.asarray(_resize(IMAGE, side, interpolation), np.float32).transpose(2, 0, 1) / 255
    of_timm = timm_data.create_transform(
        (3, side, side), mean=(0, 0, 0), std=(1, 1, 1), interpolation=interpolation, crop_pct=1.0
    )
    np.testing.assert_allclose(of_timm(Image.fromarray(IMAGE)).numpy(), own, atol=1e-6)
    preset = pytest.importorskip("torchvision.transforms._presets").ImageClassification(
        crop_size=side,
        resize_size=side,
        mean=(0, 0, 0),
        std=(1, 1, 1),
        interpolation=transforms.InterpolationMode(interpolation),
    )
    np.testing.assert_allclose(preset(Image.fromarray(IMAGE)).numpy(), own, atol=1e-6)


@pytest.mark.parametrize("name", ["resnet18", "efficientnet_b1", "inception_v3"])
def test_input_of_a_model_of_timm(name, tmp_path):
    """Weights from a file, since timm's own are on the network."""
    torch = pytest.importorskip("torch")
    timm = pytest.importorskip("timm")
    module = timm.create_model(name)
    torch.save(module.state_dict(), tmp_path / "weights.pth")
    model = open_model(f"timm:{name}", device="cpu", weights=tmp_path / "weights.pth")
    config = timm.data.resolve_model_data_config(module)
    assert (model.side, model.interpolation) == (config["input_size"][-1], config["interpolation"])


@pytest.mark.parametrize(
    ("name", "side", "interpolation"),
    [("resnet18", 224, "bilinear"), ("efficientnet_b1", 240, "bilinear"), ("swin_v2_t", 256, "bicubic")],
)
def test_input_of_a_model_of_torchvision(name, side, interpolation, tmp_path):
    torch = pytest.importorskip("torch")
    models = pytest.importorskip("torchvision.models")
    torch.save(models.get_model(name).state_dict(), tmp_path / "weights.pth")
    model = open_model(f"torchvision:{name}", device="cpu", weights=tmp_path / "weights.pth")
    preset = models.get_model_weights(name).DEFAULT.transforms()
    assert (model.side, model.interpolation) == (preset.crop_size[0], preset.interpolation.value)
    assert (model.side, model.interpolation) == (side, interpolation)
