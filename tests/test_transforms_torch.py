"""Random transforms on tensors, in torchvision's compositions and in the workers of a DataLoader."""

import numpy as np
import pytest
from PIL import Image

import imagenet_cp
from imagenet_cp.transforms import Corrupt, RandomPerturb

torch = pytest.importorskip("torch")
from torch_samples import Corrupted, load_torchvision  # noqa: E402


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (36, 44, 3), np.uint8)


@pytest.fixture
def tensor(image):
    return torch.from_numpy(image).permute(2, 0, 1).contiguous()


@pytest.fixture
def expected(image):
    return torch.from_numpy(imagenet_cp.corrupt(image, "brightness", 3)).permute(2, 0, 1)


BRIGHTER = Corrupt("brightness", severity=3)


class TestTensors:
    def test_uint8(self, tensor, expected):
        found = BRIGHTER(tensor)
        assert found.dtype == torch.uint8 and found.is_contiguous() and torch.equal(found, expected)

    def test_a_batch_whose_images_have_their_own_draws(self, tensor):
        batch = torch.stack([tensor, tensor.flip(1), tensor])
        found = Corrupt("all", seed=0)(batch)
        assert torch.equal(found[0], found[2])
        assert all(torch.equal(found[i], Corrupt("all", seed=0)(batch[i])) for i in range(3))
        fresh = Corrupt("shot_noise")(batch)
        assert not torch.equal(fresh[0], fresh[2]) and BRIGHTER(batch[:0]).shape == batch[:0].shape

    @pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
    def test_floats_are_rounded_to_256_levels(self, tensor, expected, dtype):
        found = BRIGHTER((tensor / 255).to(dtype))
        assert found.dtype == dtype and torch.equal(found, expected.to(dtype) / 255)

    def test_the_draws_of_pillow_images_arrays_and_tensors_are_the_same(self, image, tensor):
        transform = Corrupt("all", seed=3)
        array = transform(image)
        assert np.array_equal(np.asarray(transform(Image.fromarray(image))), array)
        assert np.array_equal(transform(tensor).permute(1, 2, 0).numpy(), array)

    def test_the_first_of_several_plain_tensors(self, tensor, expected):
        found = BRIGHTER({"image": tensor, "depth": tensor})
        assert torch.equal(found["image"], expected) and found["depth"] is tensor

    def test_every_image_of_a_list_whose_sizes_differ(self, tensor, expected):
        small, label = tensor[:, :20, :20], torch.tensor([1, 2])
        found = BRIGHTER({"image": [tensor, small], "label": label})
        assert torch.equal(found["image"][0], expected) and found["image"][1].shape == small.shape
        assert torch.equal(found["image"][1], expected[:, :20, :20]) and found["label"] is label
        pair = BRIGHTER([tensor, tensor[:1]])  # an image and its mask
        assert torch.equal(pair[0], expected) and torch.equal(pair[1], tensor[:1])

    def test_frames_of_a_sequence(self, image, tensor):
        transform = RandomPerturb("gaussian_noise", seed=0, benchmark="cifar10_p")
        frames = transform(tensor[:, :32, :32])
        assert frames.shape == (31, 3, 32, 32) and frames.dtype == torch.uint8
        assert np.array_equal(frames.permute(0, 2, 3, 1).numpy(), transform(image[:32, :32]))


class TestSamples:
    def test_typed_tensors_other_than_images_pass_unchanged(self, tensor, expected):
        tv_tensors = load_torchvision("torchvision.tv_tensors")
        size = tensor.shape[1:]
        target = {
            "boxes": tv_tensors.BoundingBoxes([[0, 0, 9, 9]], format="XYXY", canvas_size=size),
            "masks": tv_tensors.Mask(torch.zeros(1, *size, dtype=torch.uint8)),
            "labels": torch.tensor([1]),
        }
        if hasattr(tv_tensors, "KeyPoints"):
            target["points"] = tv_tensors.KeyPoints([[1, 2]], canvas_size=size)
        found, after = BRIGHTER(tv_tensors.Image(tensor), target)
        assert type(found) is tv_tensors.Image and torch.equal(found, expected)
        assert all(after[name] is target[name] for name in target)

    def test_a_composition_of_v2(self, image, expected):
        v2 = load_torchvision("torchvision.transforms.v2")
        transform = v2.Compose(
            [v2.CenterCrop(32), BRIGHTER, v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
        )
        found, label = transform(Image.fromarray(image), 4)
        assert label == 4 and found.shape == (3, 32, 32) and found.dtype == torch.float32
        assert torch.equal(v2.Compose([v2.ToImage(), BRIGHTER])(Image.fromarray(image)), expected)


@pytest.mark.parametrize(
    "change, kind, message",
    [
        (
            lambda t: t.permute(1, 2, 0),
            ValueError,
            r"not \(36, 44, 3\); move the channels with permute\(2, 0, 1\)",
        ),
        (lambda t: t[:1], ValueError, r"the shape \(3, H, W\), not \(1, 36, 44\)$"),
        (
            lambda t: t.float(),
            ValueError,
            "values from 0 to 1, not from .* to 255; corrupt before the normalization",
        ),
        (lambda t: t / 255 - 0.5, ValueError, "values from 0 to 1, not from -0.5 to 0.5"),
        (lambda t: t * float("nan"), ValueError, "values from 0 to 1, not from nan"),
        (lambda t: t.long(), TypeError, "uint8, or floats from 0 to 1, not torch.int64"),
        (lambda t: t[:, :7], ValueError, "at least 8 x 8 pixels, not 7 x 44"),
    ],
)
def test_wrong_tensors_are_named(tensor, change, kind, message):
    with pytest.raises(kind, match=message):
        BRIGHTER(change(tensor))


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_draws_of_workers(method):
    """Fresh draws differ in every epoch and worker; those of a seed are the same everywhere."""
    torch.manual_seed(0)
    data = Corrupted(Corrupt("gaussian_noise", severity=3), Corrupt("all", seed=1))
    loader = torch.utils.data.DataLoader(
        data, 2, num_workers=4, multiprocessing_context=method, persistent_workers=True
    )
    epochs = [list(loader) for _ in range(3)]
    fresh = torch.cat([images for epoch in epochs for images, _ in epoch])
    assert len(torch.unique(fresh.flatten(1), dim=0)) == 3 * len(data)
    alone = torch.stack([image for _, image in data])
    assert all(torch.equal(torch.cat([images for _, images in epoch]), alone) for epoch in epochs)
