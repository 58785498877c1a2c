"""Sequences of ImageNet-P as they were released: H.264 in MP4. Needs PyAV, the extra ``video``."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BuildError

#: Parameters of x264 that make the bytes the same everywhere: frame threads change the decisions, and so do the
#: roundings of single instruction sets in macroblock trees, whose plain functions ``cpu-independent`` selects. Every
#: other function of x264 gives the same integers in assembly.
X264_PARAMS = "threads=1:cpu-independent=1"


def _av() -> Any:
    try:
        import av
    except ImportError:
        raise BuildError("H.264 needs PyAV; in the clone, type  pip install '.[video]'") from None
    return av


def encode_video(frames: NDArray[np.uint8], noisy: bool) -> bytes:
    """Encode a sequence as the published ones were: libx264 veryslow, 4:4:4, one frame a second.

    Parameters
    ----------
    frames : ndarray of uint8, shape (frames, H, W, 3)
        RGB.
    noisy : bool
        True if every frame has noise of its own: such sequences are tuned for grain at the default rate factor of 23,
        and all without noise encoded at 20.

    Returns
    -------
    bytes
        An MP4 file.

    Raises
    ------
    BuildError
        PyAV is not installed.
    """
    av = _av()
    file = io.BytesIO()
    with av.open(file, "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        quality = {"tune": "grain"} if noisy else {"crf": "20"}
        options = {"preset": "veryslow", "x264-params": X264_PARAMS, **quality}
        stream = container.add_stream("libx264", rate=1, options=options)
        stream.width, stream.height, stream.pix_fmt = frames.shape[2], frames.shape[1], "yuv444p"
        stream.thread_count = 1
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame)))
        container.mux(stream.encode())
    return file.getvalue()


def decode_video(video: bytes | Mapping[str, Any]) -> NDArray[np.uint8]:
    """Decode an MP4 file, such as a row's ``video`` of ImageNet-P, without torchcodec.

    Parameters
    ----------
    video : bytes or dict
        The file, or a value of the column ``video``, whose ``bytes`` are the file.

    Returns
    -------
    ndarray of uint8, shape (frames, H, W, 3)
        RGB; 31 frames of 224 x 224 for ImageNet-P, 41 for translate.

    Raises
    ------
    BuildError
        PyAV is not installed.
    ValueError
        The bytes are no video that FFmpeg reads.

    Notes
    -----
    Hendrycks & Dietterich, ICLR 2019, section 4.2.
    """
    av = _av()
    data = video["bytes"] if isinstance(video, Mapping) else video
    try:
        with av.open(io.BytesIO(data)) as container:
            return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    except (av.FFmpegError, ValueError, IndexError) as error:
        raise ValueError(f"not a video that can be decoded ({error})") from error
