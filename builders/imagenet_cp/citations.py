"""Whose work the benchmarks are, and on what terms."""

HOMEPAGE = "https://arxiv.org/abs/1903.12261"

LICENCE = (
    "The pictures are derived from ImageNet and stay under ImageNet's terms of access (non-commercial research and "
    "education); the code that makes them is Apache-2.0."
)

CITATION = """\
@inproceedings{hendrycks2019robustness,
  title     = {Benchmarking Neural Network Robustness to Common Corruptions and Perturbations},
  author    = {Dan Hendrycks and Thomas Dietterich},
  booktitle = {International Conference on Learning Representations},
  year      = {2019},
  url       = {https://arxiv.org/abs/1903.12261}
}
"""
