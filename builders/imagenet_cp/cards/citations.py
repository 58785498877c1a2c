"""Citation, licence and terms of access of the benchmarks."""

from typing import Any

LICENCE = (
    "The images are derived from ImageNet and remain under ImageNet's terms of access (non-commercial research and "
    "education); the code that generates them is Apache-2.0."
)

TERMS_ADDRESS = "https://image-net.org/download.php"

#: Metadata of a dataset card for the Hub: the licence, and the form that gates access.
TERMS: dict[str, Any] = {
    "license": "other",
    "license_name": "imagenet",
    "license_link": TERMS_ADDRESS,
    "extra_gated_heading": "These images are derived from ImageNet: its terms apply",
    "extra_gated_prompt": (
        f"ImageNet's terms of access ({TERMS_ADDRESS}) apply to images derived from it. "
        "That page has the binding text. In short:\n\n"
        "1. The images are for non-commercial research and education only.\n"
        "2. The universities behind ImageNet (Princeton and Stanford) and the owner of this repository promise nothing "
        "about them: neither that third parties have no rights in them nor that they suit a purpose.\n"
        "3. You alone are responsible for what you do with them, including copies you make, and you keep those "
        "universities and the owner of this repository free of claims that arise from it.\n"
        "4. You may share the images with colleagues who have accepted the same terms.\n"
        "5. Access can be ended at any time.\n"
        "6. If you work for a company, the terms bind the company too, and you confirm that you may accept them on "
        "its behalf.\n"
        "7. Disputes fall under the law of the State of New Jersey."
    ),
    "extra_gated_fields": {
        "Name": "text",
        "Affiliation": "text",
        "I have read ImageNet's terms of access and accept them": "checkbox",
        "I use these images for non-commercial research or education only": "checkbox",
    },
    "extra_gated_button_content": "Accept ImageNet's terms",
}

_CITATION = """\
@inproceedings{hendrycks2019robustness,
  title     = {Benchmarking Neural Network Robustness to Common Corruptions and Perturbations},
  author    = {Dan Hendrycks and Thomas Dietterich},
  booktitle = {International Conference on Learning Representations},
  year      = {2019},
  url       = {https://arxiv.org/abs/1903.12261}
}
"""

_BAR_CITATION = """\
@inproceedings{mintun2021interaction,
  title     = {On Interaction Between Augmentations and Corruptions in Natural Corruption Robustness},
  author    = {Eric Mintun and Alexander Kirillov and Saining Xie},
  booktitle = {Advances in Neural Information Processing Systems},
  year      = {2021},
  url       = {https://arxiv.org/abs/2102.11273}
}
"""

#: Card of a benchmark -> BibTeX of its papers.
CITATIONS = {
    "imagenet_c": _CITATION,
    "imagenet_p": _CITATION,
    "imagenet_c_bar": f"{_BAR_CITATION}\n{_CITATION}",
}
#: Card of a benchmark -> its paper.
HOMEPAGES = {
    "imagenet_c": "https://arxiv.org/abs/1903.12261",
    "imagenet_p": "https://arxiv.org/abs/1903.12261",
    "imagenet_c_bar": "https://arxiv.org/abs/2102.11273",
}
