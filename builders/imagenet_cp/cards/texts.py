"""Words of the dataset cards, from ``texts.yaml`` beside their templates: licence, terms, papers and descriptions."""

from typing import Any

import yaml

from ..resources import card_texts_folder

_TEXTS: dict[str, Any] = yaml.safe_load((card_texts_folder() / "texts.yaml").read_text(encoding="utf-8"))
LICENCE: str = _TEXTS["licence"]
#: Metadata of a dataset card for the Hub: the licence, and the form that gates access.
TERMS: dict[str, Any] = _TEXTS["terms"]
#: Card of a benchmark -> BibTeX of its papers.
CITATIONS = {card: "\n".join(paper["citations"]) for card, paper in _TEXTS["papers"].items()}
#: Card of a benchmark -> its paper.
HOMEPAGES: dict[str, str] = {card: paper["homepage"] for card, paper in _TEXTS["papers"].items()}
#: Codec -> how the images are stored.
STORED: dict[str, str] = _TEXTS["stored"]
#: Profile -> how source images are prepared.
PREPARED: dict[str, str] = _TEXTS["prepared"]
#: Column -> its content.
COLUMNS: dict[str, str] = _TEXTS["columns"]
