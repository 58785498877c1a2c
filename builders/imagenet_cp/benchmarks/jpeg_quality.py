"""Quality and chroma subsampling of the JPEG files that each data set consists of, as codecs."""

#: Images of ImageNet-C, and of the data sets built as it is: that of the published files.
IMAGE = "jpeg:85"
#: Frames of ImageNet-P: the quality of each perturbation, chroma at full resolution.
SEQUENCE = "jpeg:94-99:4:4:4"
#: Smallest qualities at which PSNR and SSIM are at least those of the published videos, measured at 224 x 224 by
#: tests/benchmarks/frames.py; that of perturbations which are not in the paper is the largest.
_QUALITIES = {
    "gaussian_noise": 94,
    "shot_noise": 94,
    "motion_blur": 96,
    "zoom_blur": 96,
    "snow": 98,
    "brightness": 98,
    "translate": 99,
    "rotate": 97,
    "tilt": 97,
    "scale": 97,
    "speckle_noise": 94,
    "gaussian_blur": 96,
    "spatter": 98,
    "shear": 97,
}


def frame_codec(perturbation: str) -> str:
    """Return the codec of the frames of one perturbation, such as ``jpeg:99:4:4:4``."""
    return f"jpeg:{_QUALITIES.get(perturbation, 99)}:4:4:4"
