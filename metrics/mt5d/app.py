"""The page of the mT5D Space: top-5 distances or predictions in; the score, its parts and the published ones out."""

import json
import warnings
from pathlib import Path

import gradio as gr
import mt5d
import page
import pandas as pd

HERE = Path(__file__).parent
PUBLISHED = {"AlexNet": {"clean_error": 43.5, "mt5d": 100.0}}
PUBLISHED |= json.loads((HERE / "published.json").read_text(encoding="utf-8"))
TITLES = {"clean_error": "clean error", "mt5d": "mT5D"}
CARD = (HERE / "README.md").read_text(encoding="utf-8").split("---", 2)[2]
HEADERS = ["perturbation", "top-5 distance"]


def empty():
    """Return the table to fill in."""
    return pd.DataFrame([[name, None] for name in mt5d.ALEXNET], columns=HEADERS)


def example():
    """Return AlexNet's top-5 distances as the table."""
    return pd.DataFrame([[name, value] for name, value in mt5d.ALEXNET.items()], columns=HEADERS)


def score_table(table, benchmark):
    """Score a table of top-5 distances."""
    test = mt5d.BENCHMARKS[benchmark][2]
    value = {name: page.number(cell, name, 15) for name, cell in table.itertuples(index=False)}
    value = {name: v for name, v in value.items() if v is not None or name in test}
    if set(value.values()) == {None}:
        raise ValueError("the table is empty: fill in the top-5 distances, or load the example")
    missing = [name for name in test if value[name] is None]
    return {**mt5d.scores(value, benchmark), "unnormalised_t5d": value, "missing": missing}


def score_file(path, benchmark):
    """Score a file of predictions."""
    metric = mt5d.Mt5d()
    return metric.compute(**page.columns(path, list(metric.features)), benchmark=benchmark)


def view(score, source, benchmark):
    """Return what the page shows of a score, or of the error in its way."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            result = score(source, benchmark)
    except ValueError as error:
        return page.wrong(error), "", page.published(PUBLISHED, TITLES)
    missing = result["missing"]
    notes = [f"No mT5D yet: {len(missing)} of 10 are missing ({', '.join(missing)})."] if missing else []
    notes += [f"{result['num_sequences']} sequences. {result['signature']}"] if "signature" in result else []
    notes += [str(warning.message) for warning in caught if warning.category is UserWarning]
    normalised = mt5d.BENCHMARKS[benchmark][1] == "alexnet"
    raw = result["unnormalised_t5d"]
    rows = [(p, v, page.show(v), page.show(raw[p], 2)) for p, v in result["t5d"].items()]
    note = (
        "T5D in percent, and the unnormalised distance uT5D; the line is AlexNet's 100."
        if normalised
        else "Top-5 distance, from 0 to 15, which is not normalised here."
    )
    yours = {"clean_error": None, "mt5d": result["mt5d"]}
    return (
        page.summary({"mT5D": page.show(result["mt5d"])}, notes),
        page.bars(rows, ("T5D", "uT5D"), 100 if normalised else None) + f'<p class="note">{note}</p>',
        page.published(PUBLISHED, TITLES, yours if normalised else None),
    )


with gr.Blocks(title="mT5D, mean top-5 distance", analytics_enabled=False) as demo:
    gr.Markdown(
        "# mT5D, mean top-5 distance\n"
        "How much a classifier's five best classes move between the frames of ImageNet-P's sequences, over 10 "
        "perturbations, divided by AlexNet's. AlexNet scores 100; lower is better."
    )
    with gr.Row():
        with gr.Column(min_width=320):
            benchmark = gr.Dropdown(list(mt5d.BENCHMARKS), value="imagenet_p", label="Benchmark")
            with gr.Tab("Distances"):
                table = gr.Dataframe(
                    empty(),
                    datatype=["str", "number"],
                    label="Top-5 distance, unnormalised (0 to 15)",
                    interactive=True,
                    static_columns=[0],
                    column_widths=["50%", "50%"],
                    max_height=620,
                )
                with gr.Row():
                    fill = gr.Button("AlexNet", min_width=90, elem_id="example")
                    clear = gr.Button("Clear", min_width=90)
                    score_values = gr.Button("Score", variant="primary", min_width=90, elem_id="score")
            with gr.Tab("Predictions"):
                file = gr.File(
                    label="JSON Lines, one sequence a line, with perturbation, predictions, difficulty (optional)",
                    file_types=[".jsonl"],
                    height=160,
                )
                gr.Markdown(
                    "The five best class ids, best first, for each of the 31 frames (translate 41): "
                    '`{"perturbation": "tilt", "predictions": [[1, 2, 3, 4, 5], ...]}`'
                )
                with gr.Row():
                    fill_file = gr.Button("Example file", min_width=120, elem_id="example-file")
                    score_rows = gr.Button("Score", variant="primary", min_width=120, elem_id="score-file")
        with gr.Column(min_width=320):
            headline = gr.HTML(
                "Fill in a classifier's top-5 distances, choose a file of its predictions, or load AlexNet's as an "
                "example; then press Score.",
                elem_id="headline",
            )
            parts = gr.HTML(elem_id="parts")
    gr.Markdown("## Published scores\nIn percent, on ImageNet-P, from the paper.")
    compare = gr.HTML(page.published(PUBLISHED, TITLES), elem_id="published")
    with gr.Accordion("The metric card", open=False):
        gr.Markdown(CARD)

    outputs = [headline, parts, compare]
    score_values.click(lambda *a: view(score_table, *a), [table, benchmark], outputs, api_name="score_values")
    score_rows.click(
        lambda *a: view(score_file, *a), [file, benchmark], outputs, api_name="score_predictions"
    )
    fill.click(example, None, table, api_name=False)
    fill_file.click(lambda: str(HERE / "example.jsonl"), None, file, api_name=False)
    clear.click(empty, None, table, api_name=False)

if __name__ == "__main__":
    theme = gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
    demo.launch(theme=theme, allowed_paths=[str(HERE)])
