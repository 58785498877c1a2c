"""Videos have the same bytes under every instruction set, and datasets' Video feature holds them."""

import io
import sys

import datasets
import numpy as np
import pytest
from skimage import data

from imagenet_cp.errors import BuildError
from imagenet_cp.images import video

av = pytest.importorskip("av")


@pytest.fixture(scope="module")
def frames():
    image = data.astronaut()[::4, ::4]
    noise = np.random.RandomState(0).randint(-20, 21, (8, *image.shape))
    return {
        "smooth": np.stack([np.ascontiguousarray(image[n : n + 96, n : n + 96]) for n in range(8)]),
        "noisy": (image.astype(np.int64) + noise).clip(0, 255).astype(np.uint8)[:, :96, :96].copy(),
    }


@pytest.mark.parametrize("kind", ["smooth", "noisy"])
def test_the_instruction_set_changes_no_byte(kind, frames, monkeypatch):
    noisy = kind == "noisy"
    plain = video.encode_video(frames[kind], noisy)
    # Only noise is tuned for grain; x264 writes its settings into the stream.
    assert (b"crf=23.0" if noisy else b"crf=20.0") in plain and (b"deblock=1:-2:-2" in plain) == noisy
    assert b"subme=10 " in plain and b"bframes=8 " in plain  # of the preset veryslow
    for instructions in ("0", "SSE2", "SSSE3", "AVX2"):
        monkeypatch.setattr(video, "X264_PARAMS", f"threads=1:cpu-independent=1:asm={instructions}")
        assert video.encode_video(frames[kind], noisy) == plain, instructions


def test_a_value_of_the_column_is_decoded_as_its_bytes_are(frames):
    stored = video.encode_video(frames["smooth"], noisy=False)
    feature = datasets.Features({"video": datasets.Video(decode=False)})
    value = datasets.Dataset.from_list([{"video": {"bytes": stored, "path": "a.mp4"}}], feature)[0]["video"]
    assert value["bytes"] == stored
    decoded = video.decode_video(value)
    assert np.array_equal(decoded, video.decode_video(stored))
    with av.open(io.BytesIO(stored)) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == 1 and stream.pix_fmt == "yuv444p"
    assert decoded.shape == (8, 96, 96, 3) and np.abs(decoded.astype(int) - frames["smooth"]).mean() < 5


def test_without_pyav_its_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    for call in (
        lambda: video.decode_video(b""),
        lambda: video.encode_video(np.zeros((1, 8, 8, 3), np.uint8), False),
    ):
        with pytest.raises(BuildError, match=r"H\.264 needs PyAV; .* pip install '\.\[video\]'"):
            call()


@pytest.mark.parametrize("data", [b"", b"no video"])
def test_what_is_no_video_is_refused(data):
    with pytest.raises(ValueError, match="not a video that can be decoded"):
        video.decode_video(data)
