"""Whose work the benchmarks are, and on what terms."""

from typing import Any

HOMEPAGE = "https://arxiv.org/abs/1903.12261"

LICENCE = (
    "The pictures are derived from ImageNet and stay under ImageNet's terms of access (non-commercial research and "
    "education); the code that makes them is Apache-2.0."
)

TERMS_ADDRESS = "https://image-net.org/download.php"

#: What a dataset card says to the Hub about the terms: the licence, and the form that stands before the files.
TERMS: dict[str, Any] = {
    "license": "other",
    "license_name": "imagenet",
    "license_link": TERMS_ADDRESS,
    "extra_gated_heading": "These pictures are made from ImageNet: its terms apply",
    "extra_gated_prompt": (
        f"ImageNet's terms of access ({TERMS_ADDRESS}) go on applying to pictures that are made from its photographs. "
        "That page has the binding text; in short:\n\n"
        "1. The pictures are for non-commercial research and education only.\n"
        "2. The universities behind ImageNet (Princeton and Stanford) and whoever shares the pictures here promise "
        "nothing about them: neither that they are free of other people's rights nor that they suit a purpose.\n"
        "3. You alone answer for what you do with them, including copies you make, and you keep those universities "
        "and whoever shares the pictures here free of claims that arise from it.\n"
        "4. Colleagues may have the pictures from you once they have accepted the same terms.\n"
        "5. Access can be ended at any time.\n"
        "6. If you work for a company, the terms bind the company too, and you confirm that you may accept them in "
        "its name.\n"
        "7. Disputes fall under the law of the State of New Jersey."
    ),
    "extra_gated_fields": {
        "Name": "text",
        "Affiliation": "text",
        "I have read ImageNet's terms of access and accept them": "checkbox",
        "I use these pictures for non-commercial research or education only": "checkbox",
    },
    "extra_gated_button_content": "Accept ImageNet's terms",
}

CITATION = """\
@inproceedings{hendrycks2019robustness,
  title     = {Benchmarking Neural Network Robustness to Common Corruptions and Perturbations},
  author    = {Dan Hendrycks and Thomas Dietterich},
  booktitle = {International Conference on Learning Representations},
  year      = {2019},
  url       = {https://arxiv.org/abs/1903.12261}
}
"""
