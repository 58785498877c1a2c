"""Page of the mCE Space."""

import formulas
import gradio as gr
from fragments import YOURS, number, render
from page import Page

MEAN = "mean of the 15"


class CorruptionErrorPage(Page):
    """Page of the mean corruption error, with a chart of the errors by severity."""

    metric = "mce"
    titles = {"clean_error": "clean error", "mce": "mCE", "relative_mce": "relative mCE"}  # noqa: RUF012
    values = "top-1 errors"
    headers = ("corruption", "1", "2", "3", "4", "5")
    widths = ("170px", *["82px"] * 5)
    options = ("Clean error in percent (optional, for the relative mCE)",)
    option_example = f"{100 * formulas.ALEXNET_CLEAN:g}"
    parts = ("CE", "relative")
    note = "CE and relative CE, in percent"
    count = "num_examples"
    rows = (
        "CSV, JSON Lines or Parquet with the columns `predictions`, `references`, `corruption` and `severity`; or the "
        "Parquet files or the `results.json` of `imagenet-cp evaluate`."
    )
    source = "In percent, on ImageNet-C; the metric card names their sources."

    def score_table(self, table, benchmark, clean):
        """Score a table of errors in percent."""
        error = self.read(table, benchmark)
        if max(e for row in error.values() for e in row if e is not None) <= 0.01:
            raise ValueError("these look like fractions, but the table is in percent")
        clean_error = self.read_clean(clean)
        test = self.benchmarks[benchmark].test
        missing = [f"{c}_{s + 1}" for c in test for s in range(5) if error.get(c, [None] * 5)[s] is None]
        scores = formulas.corruption_scores(error, clean_error, benchmark)
        return {**scores, "error": error, "clean_error": clean_error, "missing": missing}

    def score_files(self, paths, benchmark, clean):
        """Score files of predictions with the metric in the folder of this page, or show a results.json."""
        return super().score_files(paths, benchmark, clean_error=self.read_clean(clean))

    def read_clean(self, text):
        """Clean error as a fraction."""
        percent = number(text, "clean error", 100)
        return None if percent is None else percent / 100

    def list_parts(self, result):
        """Name, CE and relative CE of each corruption, the latter with its number of digits."""
        for name, ce in result["ce"].items():
            yield name, ce, result["relative_ce"][name], 1

    def build_details(self, state):
        """Chart of the errors of one corruption, or of the mean."""
        corruption = gr.Dropdown([MEAN, *self.alexnet], label="Severity curve of")
        event = (self.draw, [state, corruption], gr.HTML(elem_id="plot"))
        corruption.change(*event, api_visibility="private")
        return event

    def draw(self, result, name):
        """Chart of the errors at the five severities, with AlexNet's."""
        if not result:
            return ""
        corruptions = formulas.CORRUPTIONS if name == MEAN else [name]

        def points(error):
            rows = [[error.get(c, [None] * 5)[s] for c in corruptions] for s in range(5)]
            return [(s, sum(row) / len(row)) for s, row in enumerate(rows) if None not in row]

        label = f"Top-1 error in percent at severities 1 to 5: {name}"
        lines = {"alexnet": points(self.alexnet), "yours": points(result["error"])}
        return render("curve", lines=lines, label=label, yours=YOURS)


space = CorruptionErrorPage()
demo = space.demo

if __name__ == "__main__":
    space.launch()
