"""The page of the mCE Space: errors or predictions in; the score, its parts and the published ones out."""

import json
import warnings
from pathlib import Path

import gradio as gr
import mce
import page
import pandas as pd

HERE = Path(__file__).parent
PUBLISHED = {"AlexNet": {"clean_error": 43.5, "mce": 100.0, "relative_mce": 100.0}}
PUBLISHED |= json.loads((HERE / "published.json").read_text(encoding="utf-8"))
TITLES = {"clean_error": "clean error", "mce": "mCE", "relative_mce": "relative mCE"}
CARD = (HERE / "README.md").read_text(encoding="utf-8").split("---", 2)[2]
HEADERS = ["corruption", "1", "2", "3", "4", "5"]
MEAN = "mean of the 15"


def empty():
    """Return the table to fill in."""
    return pd.DataFrame([[name, *[None] * 5] for name in mce.ALEXNET], columns=HEADERS)


def example():
    """Return AlexNet's errors as the table, and its clean error, in percent."""
    rows = [[name, *(round(100 * e, 3) for e in errors)] for name, errors in mce.ALEXNET.items()]
    return pd.DataFrame(rows, columns=HEADERS), f"{100 * mce.ALEXNET_CLEAN:g}"


def fraction(cell, what):
    """Return a percentage as a fraction."""
    value = page.number(cell, what, 100)
    return None if value is None else value / 100


def score_table(table, clean, benchmark):
    """Score a table of errors in percent."""
    error = {}
    for name, *cells in table.itertuples(index=False):
        row = [fraction(cell, f"{name}, severity {s}") for s, cell in enumerate(cells, 1)]
        if name in mce.TEST or row != [None] * 5:
            error[name] = row
    given = [e for row in error.values() for e in row if e is not None]
    if not given:
        raise ValueError("the table is empty: fill in the top-1 errors in percent, or load the example")
    if max(given) <= 0.01:
        raise ValueError("these look like fractions, but the table is in percent")
    clean_error = fraction(clean, "clean error")
    missing = [f"{name}_{s}" for name in mce.TEST for s in range(1, 6) if error[name][s - 1] is None]
    parts = {"error": error, "clean_error": clean_error, "missing": missing}
    return {**mce.scores(error, clean_error, benchmark), **parts}


def score_file(path, clean, benchmark):
    """Score a file of predictions."""
    metric = mce.MCE()
    clean_error = fraction(clean, "clean error")
    return metric.compute(
        **page.columns(path, list(metric.features)), clean_error=clean_error, benchmark=benchmark
    )


def curve(result, name):
    """Return a drawing of the errors at the five severities, with AlexNet's."""
    if not result:
        return ""
    chosen = list(mce.TEST) if name == MEAN else [name]

    def points(error):
        means = [mce.mean([error.get(c, [None] * 5)[s] for c in chosen]) for s in range(5)]
        return [(50 + 90 * s, 190 - 175 * e, e) for s, e in enumerate(means) if e is not None]

    def line(kind, places):
        return (
            f'<path class="{kind}" d="M{" ".join(f"{x},{y:.1f}" for x, y, _ in places)}"/>' if places else ""
        )

    yours = points(result["error"])
    drawing = line("alexnet", points(mce.ALEXNET)) + line("yours", yours)
    for percent in range(0, 101, 20):
        y = 190 - 1.75 * percent
        drawing = (
            f'<path d="M36,{y} H425"/><text x="30" y="{y + 4}" text-anchor="end">{percent}</text>' + drawing
        )
    for s in range(5):
        drawing += f'<text x="{50 + 90 * s}" y="207" text-anchor="middle">{s + 1}</text>'
    for x, y, e in yours:
        drawing += f'<circle cx="{x}" cy="{y:.1f}" r="4.5"><title>{100 * e:.1f} %</title></circle>'
    drawing += f'<path class="yours" d="M50,229 h26"/><text x="82" y="233">{page.YOURS}</text>'
    drawing += '<path class="alexnet" d="M215,229 h26"/><text x="247" y="233">AlexNet</text>'
    label = f"Top-1 error in percent at severities 1 to 5: {name}"
    svg = f'<svg class="curve" viewBox="0 0 440 240" role="img" aria-label="{label}">{drawing}</svg>'
    return f'{page.STYLE}{svg}<p class="note">{label}</p>'


def view(score, source, clean, benchmark, name):
    """Return what the page shows of a score, or of the error in its way."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            result = score(source, clean, benchmark)
    except ValueError as error:
        return page.wrong(error), None, "", "", page.published(PUBLISHED, TITLES)
    missing = result["missing"]
    notes = (
        [f"No mCE yet: {len(missing)} of 75 configs are missing ({', '.join(missing[:6])}, ...)."]
        if missing
        else []
    )
    notes += [f"{result['num_examples']} rows. {result['signature']}"] if "signature" in result else []
    notes += [str(warning.message) for warning in caught if warning.category is UserWarning]
    clean_error = None if result["clean_error"] is None else 100 * result["clean_error"]
    yours = {**result, "clean_error": clean_error}
    normalised = mce.BENCHMARKS[benchmark][1] == "alexnet"
    relative = result["relative_ce"]
    rows = [(c, ce, page.show(ce), page.show(relative[c])) for c, ce in result["ce"].items()]
    note = "In percent; the line is AlexNet's 100." if normalised else "In percent."
    return (
        page.summary(
            {TITLES[key]: page.show(yours[key]) for key in ("mce", "relative_mce", "clean_error")}, notes
        ),
        result,
        curve(result, name),
        page.bars(rows, ("CE", "relative"), 100 if normalised else None) + f'<p class="note">{note}</p>',
        page.published(PUBLISHED, TITLES, yours if normalised else None),
    )


with gr.Blocks(title="mCE, mean corruption error", analytics_enabled=False) as demo:
    gr.Markdown(
        "# mCE, mean corruption error\nA classifier's top-1 error under the 15 corruptions of ImageNet-C at five "
        "severities, divided by AlexNet's. AlexNet scores 100; lower is better."
    )
    state = gr.State()
    with gr.Row():
        with gr.Column(min_width=320):
            benchmark = gr.Dropdown(list(mce.BENCHMARKS), value="imagenet_c", label="Benchmark")
            with gr.Tab("Errors"):
                table = gr.Dataframe(
                    empty(),
                    datatype=["str"] + ["number"] * 5,
                    label="Top-1 error in percent at severities 1 to 5",
                    interactive=True,
                    static_columns=[0],
                    column_widths=["170px"] + ["82px"] * 5,
                    max_height=760,
                )
                clean = gr.Textbox(label="Clean error in percent (optional, for the relative mCE)")
                with gr.Row():
                    fill = gr.Button("AlexNet", min_width=90, elem_id="example")
                    clear = gr.Button("Clear", min_width=90)
                    score_errors = gr.Button("Score", variant="primary", min_width=90, elem_id="score")
            with gr.Tab("Predictions"):
                file = gr.File(
                    label="CSV or JSON Lines with predictions, references, corruption, severity",
                    file_types=[".csv", ".jsonl"],
                    height=160,
                )
                clean_of_file = gr.Textbox(label="Clean error in percent, if the file has no clean rows")
                with gr.Row():
                    fill_file = gr.Button("Example file", min_width=120, elem_id="example-file")
                    score_rows = gr.Button("Score", variant="primary", min_width=120, elem_id="score-file")
        with gr.Column(min_width=320):
            headline = gr.HTML(
                "Fill in a classifier's errors, choose a file of its predictions, or load AlexNet's errors as an "
                "example; then press Score.",
                elem_id="headline",
            )
            corruption = gr.Dropdown([MEAN, *mce.ALEXNET], value=MEAN, label="Severity curve of")
            plot = gr.HTML(elem_id="plot")
            parts = gr.HTML(elem_id="parts")
    gr.Markdown("## Published scores\nIn percent, on ImageNet-C; where they are from: see the metric card.")
    compare = gr.HTML(page.published(PUBLISHED, TITLES), elem_id="published")
    with gr.Accordion("The metric card", open=False):
        gr.Markdown(CARD)

    outputs = [headline, state, plot, parts, compare]
    errors = [table, clean, benchmark, corruption]
    rows = [file, clean_of_file, benchmark, corruption]
    score_errors.click(lambda *a: view(score_table, *a), errors, outputs, api_name="score_errors")
    score_rows.click(lambda *a: view(score_file, *a), rows, outputs, api_name="score_predictions")
    fill.click(example, None, [table, clean], api_name=False)
    fill_file.click(lambda: str(HERE / "example.csv"), None, file, api_name=False)
    clear.click(lambda: (empty(), ""), None, [table, clean], api_name=False)
    corruption.change(curve, [state, corruption], plot, api_name=False)

if __name__ == "__main__":
    theme = gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
    demo.launch(theme=theme, allowed_paths=[str(HERE)])
