"""Pages of the site that are made when it is built: the README, the API, one for each corruption and perturbation."""

import re
from pathlib import Path

from mkdocs.structure.files import File

from imagenet_cp.benchmarks.catalog import BENCHMARKS
from imagenet_cp.cards.strips import strips
from imagenet_cp.cards.tables import kind_of, parameters

ROOT = Path(__file__).parents[1]
#: Section -> members of the reference.
API = {
    "One image": ["corrupt", "perturb", "top5", "decode", "decode_video"],
    "Training loops": [
        "transforms.Corrupt",
        "transforms.RandomPerturb",
        "torch.ImageNetC",
        "torch.ImageNetP",
        "imagecorruptions.corrupt",
        "imagecorruptions.get_corruption_names",
    ],
    "Evaluation": [
        "evaluate_model",
        "stream",
        "metrics.mean_corruption_error",
        "metrics.relative_mean_corruption_error",
        "metrics.flip_probability",
        "metrics.mean_flip_rate",
        "metrics.unnormalised_top5_distance",
        "metrics.mean_top5_distance",
    ],
    "Kernels": ["corruptions.apply", "perturbations.apply"],
}
#: Page -> text at the top of the checkout.
TEXTS = {"index.md": "README.md", "changelog.md": "CHANGELOG.md", "contributing.md": "CONTRIBUTING.md"}
#: Folder of the pages -> benchmark.
FOLDERS = {"corruptions": "imagenet_c", "perturbations": "imagenet_p", "corruptions_bar": "imagenet_c_bar"}


def on_files(files, config):
    """Add the pages."""
    pages = {"api.md": api()}
    for page_name, name in TEXTS.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        text = re.sub(r"\]\(cards/(guides/)?", "](", text)
        for other_page, other in TEXTS.items():
            text = text.replace(f"]({other})", f"]({other_page})")
        pages[page_name] = text
    for folder, dataset in FOLDERS.items():
        benchmark = BENCHMARKS[dataset]
        names = list(
            dict.fromkeys(
                cell.name for group in ("test", "extra") for cell in benchmark.configs.get(group, ())
            )
        )
        pages[f"{folder}/index.md"] = overview(benchmark, names)
        for name, strip in strips(benchmark, names).items():
            pages[f"{folder}/{name}.md"] = page(benchmark, name)
            files.append(File.generated(config, f"{folder}/{name}.jpg", content=strip))
    pages["site.css"] = (ROOT / "cards" / "site.css").read_text(encoding="utf-8")
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    for picture in sorted((ROOT / "cards" / "images").iterdir()):
        files.append(File.generated(config, f"images/{picture.name}", content=picture.read_bytes()))
    return files


def on_nav(nav, config, files):
    """Order the pages: the README and the guides in its order, then the sections, the API and what is left."""
    guides = re.findall(r"\]\(cards/guides/(\w+)\.md\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    first, last = ["index", *guides], ["api", "changelog", "contributing"]

    def place(item):
        name = item.file.name if item.is_page else ""
        return first.index(name) if name in first else len(first) + (name in last and 1 + last.index(name))

    nav.items.sort(key=place)
    return nav


def api():
    """Reference of the public functions."""
    parts = ["# API\n"]
    for section, members in API.items():
        parts.append(f"## {section}\n")
        parts += [f"::: imagenet_cp.{member}\n    options: {{heading_level: 3}}\n" for member in members]
    return "\n".join(parts)


def overview(benchmark, names):
    """List of the corruptions or perturbations of a benchmark."""
    rows = [f"- [{name}]({name}.md): {kind_of(benchmark, name).summary}" for name in names]
    return f"# {benchmark.title}\n\n{benchmark.description}\n\n" + "\n".join(rows) + "\n"


def page(benchmark, name):
    """Describe a corruption or perturbation: formula, strip, parameters at every size, cost, determinism."""
    kind = kind_of(benchmark, name)
    wide = "---\nhide: [toc]\n---"
    parts = [wide, f"# {name}", kind.summary, f"![{name}]({name}.jpg){{ .strip }}", kind.notes]
    for profile, dataset in same_kind(benchmark).items():
        if profile in kind.tables:
            parts += [f"## {dataset.title}", parameters(dataset, kind)]
    parts += ["## Cost", cost(benchmark, name), "## Randomness", randomness(kind)]
    return "\n\n".join(part for part in parts if part) + "\n"


def same_kind(benchmark):
    """Benchmarks of the same kind by profile, the first of each."""
    found = {}
    for other in BENCHMARKS.values():
        if type(other) is type(benchmark):
            found.setdefault(other.profile, other)
    return found


def cost(benchmark, name):
    """Milliseconds from the recorded table of the benchmarks."""
    file = "kernels.md" if benchmark.kind == "corruptions" else "perturbations.md"
    text = (ROOT / "tests/benchmarks/results" / file).read_text(encoding="utf-8")
    machine = text.split("\n\n")[1].partition(";")[0]
    measured = re.search(rf"^\| {name} \| ([\d.]+) \|", text, re.M)
    if measured is None:
        return "Not measured."
    what = (
        "an image of 224x224, mean of the five severities"
        if benchmark.kind == "corruptions"
        else "a sequence"
    )
    return f"{measured[1]} ms for {what}; one thread, {machine}."


def randomness(kind):
    """Determinism of a corruption or perturbation."""
    if not kind.random:
        return "None: the seed has no effect."
    return (
        "Drawn from one stream for each image, seeded by data set, name, severity or difficulty, seed and image id: "
        "the same on every machine, in any order and with any number of workers."
    )
