"""Page of the mFR and mT5D Spaces."""

import formulas
from page import Page


class SequencePage(Page):
    """Page of a metric of sequences; ``row`` is an example of a line, ``frame`` the prediction for a frame."""

    widths = ("50%", "50%")
    count = "num_sequences"
    source = "In percent, on ImageNet-P, from the paper."

    def __init__(self):
        self.value_key, self.ratio_key, _ = formulas.SEQUENCE_KEYS[self.metric]
        self.rows = (
            f"JSON Lines, one sequence per line: {self.frame} for each of the 31 frames (translate 41), `difficulty` "
            f"optional. `{self.row}` Or the Parquet files or the `results.json` of `imagenet-cp evaluate`."
        )
        super().__init__()

    def score_table(self, table, benchmark):
        """Score a table of values."""
        values = {name: value for name, (value,) in self.read(table, benchmark).items()}
        missing = [name for name, value in values.items() if value is None]
        scores = formulas.sequence_scores(self.metric, values, benchmark)
        return {**scores, self.value_key: values, "missing": missing}

    def list_parts(self, result):
        """Name, ratio and value of each perturbation, the value with its number of digits."""
        for name, ratio in result[self.ratio_key].items():
            value = result[self.value_key][name]
            yield name, ratio, None if value is None else self.scale * value, 2
