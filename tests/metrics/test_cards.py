import doctest
import json
import os
import re
from pathlib import Path

import pytest
import yaml
from datasets import Dataset

METRICS = Path(__file__).parents[2] / "metrics"
KEYS = {
    "mce": "mce relative_mce mean_error mean_accuracy mean_error_all mean_accuracy_all mean_error_by_severity ce "
    "relative_ce ce_by_severity error clean_error missing num_examples signature",
    "mfr": "mfr fr flip_probability missing num_sequences signature",
    "mt5d": "mt5d t5d unnormalised_t5d missing num_sequences signature",
}
SECTIONS = [
    "## Metric Description",
    "## How to Use",
    "### Inputs",
    "### Output Values",
    "#### Values from Popular Papers",
    "### Examples",
    "## Limitations and Bias",
    "## Citation",
    "## Further References",
]


@pytest.fixture
def card(name):
    return (METRICS / name / "README.md").read_text()


def test_yaml_of_a_space(name, card):
    head = yaml.safe_load(card.split("---")[1])
    assert head["sdk"] == "gradio"
    assert (METRICS / name / head["app_file"]).is_file()
    assert {"evaluate", "metric"} <= set(head["tags"])
    assert head["title"].lower() == name
    assert len(head["short_description"]) <= 60
    wanted = re.search(r"gradio==(\S+)", (METRICS / name / "requirements.txt").read_text())
    assert head["sdk_version"] == wanted[1]


def test_sections(card):
    found = [line for line in card.splitlines() if line in SECTIONS]
    assert found == SECTIONS


def test_examples_of_the_card(name, card, monkeypatch):
    monkeypatch.chdir(METRICS)
    blocks = re.findall(r"^```python\n(.*?)^```$", card, re.DOTALL | re.MULTILINE)
    run(name, "\n".join(blocks), {})


def test_the_example_with_a_model_and_a_data_set(name, card, load, formulas, capsys):
    """It runs on a stand-in for the data set: all of the benchmark, of one black image."""
    metric = load(name)
    [code] = re.findall(r"^```py\n(.*?)^```$", card, re.DOTALL | re.MULTILINE)

    def load_dataset(dataset, config, split):
        if name == "mce":
            corruption, severity = config.rsplit("_", 1) if config != "clean" else (config, 0)
            row = {"image": 0, "label": 0, "corruption": corruption, "severity": int(severity)}
        else:
            frames = formulas.BENCHMARKS[name][dataset].frames.get(config, 31)
            row = {"sequence": [0] * frames, "perturbation": config, "difficulty": 1}
        return Dataset.from_list([row])

    configs = (
        [f"{corruption}_{s}" for corruption in formulas.CORRUPTIONS for s in range(1, 6)]
        if name == "mce"
        else []
    )
    names = {
        name: metric,
        "corruptions": [*configs, "clean"],
        "perturbations": formulas.PERTURBATIONS,
        "load_dataset": load_dataset,
        "classify": list,
        "five_best": lambda frames: [[1, 2, 3, 4, 5]] * len(frames),
    }
    exec(code, names)
    assert float(capsys.readouterr().out) == 0


def test_examples_of_the_docstring(name, load, monkeypatch):
    import evaluate

    monkeypatch.chdir(METRICS)
    run(name, load(name).inputs_description, {"evaluate": evaluate})


def run(name, text, names):
    test = doctest.DocTestParser().get_doctest(text, dict(names), name, name, 0)
    assert test.examples
    lines = []
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=lines.append)
    assert result.failed == 0, os.linesep.join(lines)


def test_published_values(name, card):
    published = json.loads((METRICS / name / "published.json").read_text())
    rows = [line.strip("| ").split(" | ") for line in card.splitlines() if line.startswith("| ")]
    rows = {cells[0].strip(): [cell.strip(" |") for cell in cells[1:]] for cells in rows}
    for network, values in published.items():
        expected = [value for key, value in values.items() if not isinstance(value, list)]
        found = [float(cell) if cell else None for cell in rows[network]]
        found += [None] * (len(expected) - len(found))
        assert found == expected, network


def test_benchmarks_and_keys_are_all_there(name, card, formulas):
    for benchmark, facts in formulas.BENCHMARKS[name].items():
        line = re.search(rf"^\| `{benchmark}` \| {facts.num_classes} \| (.*)", card, re.MULTILINE)[1]
        assert line.lower().startswith(facts.normaliser)
        if name != "mce":
            frames = ", ".join(["31", *(f"{kind} {count}" for kind, count in facts.frames.items())])
            assert f"| {frames} |" in line and ("spatter" in line) == ("spatter" in facts.test)
    for key in KEYS[name].split():
        assert f"**{key}**" in card
