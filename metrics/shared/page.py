"""Page of a metric Space: takes values or predictions, shows the score, its parts and the published scores."""

import functools
import json
import re
import warnings

import evaluate
import formulas
import gradio as gr
import numpy as np
import pandas as pd
from files import read_columns, read_result
from fragments import HERE, number, render, render_published

#: Number of images below which a score is not compared with those of papers.
FEW = 100


class Page:
    """Page of a metric, which `launch` serves; subclasses define its texts and units.

    Attributes
    ----------
    metric : str
        Such as ``"mfr"``. The description in its script is the title and the text below it.
    titles : dict
        Key of a published score -> title of its column.
    values, unit : str
        Name of the table's values in the plural, and the end of a sentence about them.
    headers : list of str
        Columns of the table; the first has the names of corruptions or perturbations.
    widths : list of str
        Widths of these columns.
    scale, most : float
        The values of the table are those of `formulas` times ``scale``, and at most ``most``.
    options, option_example : tuple of str, str or None
        Labels of text boxes, which the table and the files have each, and their value in the example.
    parts : (str, str)
        Titles of the two numbers next to the bars.
    note : str
        Description of the bars and numbers.
    count : str
        Key of the number of rows in a result.
    rows : str
        Description of the files.
    source : str
        Source of the published scores.
    """

    unit = " in percent"
    options = ()
    option_example = None
    scale = 100
    most = 100

    def __init__(self):
        self.alexnet = formulas.ALEXNET[self.metric]
        self.benchmarks = formulas.BENCHMARKS[self.metric]
        published = json.loads((HERE / "published.json").read_text(encoding="utf-8"))
        self.published = {"AlexNet": dict.fromkeys(self.titles, 100.0) | {"clean_error": 43.5}} | published
        self.demo = self.build()

    def launch(self):
        """Serve the page; files of its folder can be downloaded as examples."""
        theme = gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
        self.demo.launch(theme=theme, css_paths=[HERE / "page.css"], allowed_paths=[str(HERE)])

    def load(self):
        """Load the metric in the folder of this page; a plain import cannot resolve its relative imports."""
        return evaluate.load(str(HERE / f"{self.metric}.py"))

    def fill(self, values):
        """Table of values, from a dict by name, or an empty table to fill in."""
        empty = [None] * (len(self.headers) - 1)
        rows = [[name, *np.round(self.scale * np.atleast_1d(v), 3)] for name, v in values.items()]
        return pd.DataFrame(rows or [[name, *empty] for name in self.alexnet], columns=self.headers)

    def read(self, table, benchmark):
        """Values of the table as lists by name; empty rows are dropped unless the mean needs them."""
        rows = {}
        for name, *cells in table.itertuples(index=False):
            where = [f"{name}, severity {s}" for s in self.headers[1:]] if len(cells) > 1 else [name]
            rows[name] = [number(cell, text, self.most) for cell, text in zip(cells, where, strict=True)]
        values = [v for row in rows.values() for v in row if v is not None]
        if not values:
            raise ValueError(f"the table is empty: fill in the {self.values}{self.unit}, or load the example")
        rows = {name: [None if v is None else v / self.scale for v in row] for name, row in rows.items()}
        test = self.benchmarks[benchmark].test
        return {name: row for name, row in rows.items() if name in test or set(row) != {None}}

    def score_files(self, paths, benchmark, **options):
        """Score files of predictions with the metric in the folder of this page, or show a results.json."""
        if not paths:
            raise ValueError("choose a file, or load the example")
        if len(paths) == 1 and (result := read_result(paths[0], self.metric, benchmark)):
            return result
        metric = self.load()
        identities = []
        for path in paths:
            columns, identity = read_columns(path, metric.features)
            identities += [(identity.get("model"), identity.get("data"))]
            metric.add_batch(**columns)
        if len(set(identities)) > 1:
            raise ValueError("the files are of different models or data; choose those of one evaluation")
        return metric.compute(benchmark=benchmark, recipe=identities[0][1], **options)

    def view(self, score, *inputs):
        """Outputs of the page for a score, or for the error that prevented it."""
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", UserWarning)
                result = score(*inputs)
        except ValueError as error:
            return render("wrong", error=error), "", render_published(self.published, self.titles), None
        notes = []
        if missing := result["missing"]:
            names = ", ".join([*missing[:9], *(["..."] if len(missing) > 9 else [])])
            total = len(self.benchmarks[inputs[1]].test) * (len(self.headers) - 1)
            notes = [f"No {self.titles[self.metric]} yet: {len(missing)} of {total} are missing ({names})."]
        few = ""
        if signature := result.get("signature", ""):
            notes += [f"{result[self.count]} rows. {signature}"]
            images = int(re.search(r"\|n:(\d+)", signature)[1])
            if images < FEW:
                few = f"Only {images} images: the score is uncertain, so it is not ranked among the published ones."
        notes += [str(warning.message) for warning in caught if warning.category is UserWarning]
        clean_error = result.get("clean_error")
        yours = {**result, "clean_error": None if clean_error is None else 100 * clean_error}
        numbers = {self.titles[key]: yours[key] for key in [*self.titles, "clean_error"][1:] if key in result}
        rows = list(self.list_parts(result))
        mark = 100 if self.benchmarks[inputs[1]].normaliser == "alexnet" else None
        full = max([mark or 0, 1e-9, *(length for _, length, _, _ in rows if length is not None)])
        note = self.note + ("; the line is AlexNet's 100 percent." if mark else ", not normalised.")
        return (
            render("summary", numbers=numbers, warning=few, notes=notes),
            render("bars", rows=rows, titles=self.parts, full=full, mark=mark, note=note),
            render_published(self.published, self.titles, yours if mark and not few else None),
            result,
        )

    def build(self):
        """Components and events of the page."""
        title, _, intro = self.load().description.partition("\n\n")
        with gr.Blocks(title=title, analytics_enabled=False) as demo:
            gr.Markdown(f"# {title}\n{intro}")
            state = gr.State()
            with gr.Row():
                with gr.Column(min_width=320):
                    self.benchmark = gr.Dropdown(list(self.benchmarks), label="Benchmark")
                    with gr.Tab(self.values.capitalize()):
                        table = gr.Dataframe(
                            self.fill({}),
                            datatype=["str"] + ["number"] * (len(self.headers) - 1),
                            label=f"{self.values.capitalize()}{self.unit}",
                            interactive=True,
                            static_columns=[0],
                            column_widths=list(self.widths),
                            max_height=760,
                        )
                        options = [gr.Textbox(label=label) for label in self.options]
                        with gr.Row():
                            fill = gr.Button("AlexNet", min_width=90, elem_id="example")
                            clear = gr.Button("Clear", min_width=90)
                            score = gr.Button("Score", variant="primary", min_width=90, elem_id="score")
                    with gr.Tab("Predictions"):
                        file = gr.File(label="Files of predictions", file_count="multiple", height=160)
                        gr.Markdown(self.rows)
                        file_options = [gr.Textbox(label=label) for label in self.options]
                        with gr.Row():
                            fill_file = gr.Button("Example file", min_width=120, elem_id="example-file")
                            score_file = gr.Button("Score", variant="primary", elem_id="score-file")
                with gr.Column(min_width=320):
                    headline = gr.HTML(
                        f"Fill in a classifier's {self.values}, choose a file of its predictions, or load AlexNet's "
                        f"{self.values} as an example; then press Score.",
                        elem_id="headline",
                    )
                    details = self.build_details(state)
                    parts = gr.HTML(elem_id="parts")
            gr.Markdown(f"## Published scores\n{self.source}")
            compare = gr.HTML(render_published(self.published, self.titles), elem_id="published")
            with gr.Accordion("The metric card", open=False):
                gr.Markdown((HERE / "README.md").read_text(encoding="utf-8").split("---", 2)[2])

            outputs = [headline, parts, compare, state]
            for button, function, inputs, name in (
                (score, self.score_table, [table, self.benchmark, *options], "score_values"),
                (score_file, self.score_files, [file, self.benchmark, *file_options], "score_predictions"),
            ):
                event = button.click(functools.partial(self.view, function), inputs, outputs, api_name=name)
                if details:
                    event.then(*details, api_visibility="private")
            for button, values, text in ((fill, self.alexnet, self.option_example), (clear, {}, "")):
                filled = [self.fill(values), text] if options else self.fill(values)
                button.click(
                    functools.partial(lambda x: x, filled), None, [table, *options], api_visibility="private"
                )
            fill_file.click(lambda: [str(next(HERE.glob("example.*")))], None, file, api_visibility="private")
        return demo

    def build_details(self, state):
        """Additional components between headline and parts; returns the event after a score, or None."""
