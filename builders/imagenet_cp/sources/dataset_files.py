"""Files of a data set, found by its name on the Hub or in its folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import datasets
from datasets.exceptions import DatasetNotFoundError
from huggingface_hub import constants
from huggingface_hub.errors import RepositoryNotFoundError

from ..errors import SourceError
from ..files import parse_json
from .arrow import HUB, brief
from .source import file_stamp

_NAME = re.compile(r"(?P<name>[\w-][\w.-]*/[\w-][\w.-]*)(?::(?P<part>.+))?", re.ASCII)
_PART = re.compile(r"(?:(?P<config>\w[\w.-]*)/)?(?P<split>\w[\w.]*)", re.ASCII)
#: What `save_to_disk` leaves beside a DatasetDict, and a Dataset.
_SAVED = ("dataset_dict.json", "state.json")
_SPLIT = re.compile(r"\w[\w.]*", re.ASCII)


class Files(NamedTuple):
    """The files of one split.

    Attributes
    ----------
    name : str
        Name that opens the same split again.
    urls : list of str
        Paths, or ``hf://`` addresses.
    stamps : list of str
        Stamps of the files, which change when the files do.
    features : datasets.Features or None
        The columns, where the data set's card says so.
    """

    name: str
    urls: list[str]
    stamps: list[str]
    features: datasets.Features | None


def is_dataset(folder: Path) -> bool:
    """Check for a data set of rows in a folder: one saved by ``save_to_disk``, or Parquet files as on the Hub."""
    if any((folder / name).is_file() for name in _SAVED):
        return True
    if any(any(folder.glob(pattern)) for pattern in ("*.parquet", "data/*.parquet", "data/*/*.parquet")):
        return True
    return (folder / "README.md").is_file() and any(folder.glob("**/*.parquet"))


def is_hub_name(source: str) -> bool:
    """Check whether this could be the name of a data set on the Hub, such as ``user/name:test``."""
    return _NAME.fullmatch(source) is not None


def split_name(source: str) -> tuple[str, str | None]:
    """Cut ``folder:split`` or ``folder:config/split``, if nothing of that whole name exists."""
    folder, colon, part = source.rpartition(":")
    if colon and _PART.fullmatch(part) and not Path(source).expanduser().exists():
        return folder, part
    return source, None


def find_files(source: str) -> Files:
    """Find the files of a split by its name on the Hub or its folder, which a colon and the split may follow.

    Raises
    ------
    SourceError
        As for `files_of_folder` and `files_on_hub`.
    """
    folder, part = split_name(source)
    if Path(folder).expanduser().is_dir():
        return files_of_folder(Path(folder), part)
    return files_on_hub(source)


@contextmanager
def explain_errors(files: Files) -> Iterator[None]:
    """Convert errors while files are read, which are more kinds than can be listed, into a SourceError."""
    try:
        yield
    except SourceError:
        raise
    except Exception as error:  # of Parquet files, metadata and networks
        if any(url.startswith(HUB) for url in files.urls):
            raise explained(files.name.partition(":")[0], error) from error
        raise SourceError(f"{files.name}: cannot be read ({brief(error)})") from error


def files_of_folder(folder: Path, part: str | None) -> Files:
    """Find the files of a split in a folder.

    Raises
    ------
    SourceError
        There is no such split, or it is not plain which; or the folder cannot be read as a data set.
    """
    root = Path(os.path.abspath(folder.expanduser()))
    config, split = _config_and_split(str(root), part)
    saved = any((root / name).is_file() for name in _SAVED)
    if saved and config is not None:
        raise SourceError(f"{root}: has no configs, so name just the split after the colon, not {part!r}")
    if (root / "dataset_dict.json").is_file():
        stored = _json(root / "dataset_dict.json").get("splits")
        names = [str(one) for one in stored if _SPLIT.fullmatch(str(one))] if isinstance(stored, list) else []
        split = _choose(str(root), names, split)
        return _saved(f"{root}:{split}", root / split)
    if (root / "state.json").is_file():
        if split is not None:
            raise SourceError(f"{root}: has no splits, so name just the folder, without :{split}")
        return _saved(str(root), root)
    try:
        builder = datasets.load_dataset_builder(str(root), name=config)
    except Exception as error:  # whatever a strange card makes datasets stumble over
        raise SourceError(f"{root}: {_advice(error)}") from error
    files = _files(builder, str(root), config, split)
    for url in files.urls:
        if not Path(os.path.abspath(url)).is_relative_to(root):
            raise SourceError(
                f"{root}: its README.md names {url!r}, which is not in the folder; correct its data_files"
            )
    return files._replace(stamps=[file_stamp(url) for url in files.urls])


def files_on_hub(source: str) -> Files:
    """Find the files of a split on the Hub.

    Raises
    ------
    SourceError
        The Hub cannot be reached, has no such data set, wants its terms to be accepted first, or it is not plain
        which split is meant.
    """
    found = _NAME.fullmatch(source)
    assert found is not None
    name = found["name"]
    config, split = _config_and_split(name, found["part"])
    try:
        builder = datasets.load_dataset_builder(name, name=config)
    except Exception as error:  # networks fail in more ways than can be listed
        raise explained(name, error) from error
    files = _files(builder, name, config, split)
    for url in files.urls:
        if not url.startswith(f"{HUB}{name}@"):
            raise SourceError(
                f"{name}: its README.md names {url!r}, which is not in the data set; name one whose files are its own"
            )
    return files._replace(stamps=[url[len(HUB) + len(name) + 1 :].partition("/")[0] for url in files.urls])


def explained(name: str, error: Exception) -> SourceError:
    """Error that says why a data set cannot be read from the Hub, and what to do."""
    page = f"{constants.ENDPOINT}/datasets/{name}"
    text = brief(error)
    if "gated" in text.lower():
        return SourceError(
            f"{name}: the data set is gated. Accept its terms at {page}, make a token for reading at "
            f"{constants.ENDPOINT}/settings/tokens, and run `hf auth login` or set HF_TOKEN"
        )
    if isinstance(error, (DatasetNotFoundError, RepositoryNotFoundError)):
        return SourceError(
            f"{name}: no such folder here, and no such data set on the Hub, or a private one ({page}): "
            "for that, run `hf auth login` or set HF_TOKEN"
        )
    if getattr(getattr(error, "response", None), "status_code", None) in (401, 403):
        return SourceError(
            f"{name}: the Hub does not take your token ({page}): run `hf auth login` again or set another HF_TOKEN"
        )
    # The Hub's client lets errors of its HTTP library through when there is no answer at all.
    if isinstance(error, ConnectionError) or type(error).__module__.startswith("httpx"):
        return SourceError(
            f"{name}: no such folder here, and the Hub cannot be reached ({text}); without a network, name a folder "
            "or a tar archive on this machine"
        )
    return SourceError(f"{name}: {_advice(error)}")


def _config_and_split(name: str, part: str | None) -> tuple[str | None, str | None]:
    if part is None:
        return None, None
    found = _PART.fullmatch(part)
    if found is None:
        raise SourceError(
            f"{name}:{part}: after the colon comes a split, or config/split, such as {name}:test"
        )
    return found["config"], found["split"]


def _choose(name: str, splits: list[str], split: str | None) -> str:
    wanted = [split] if split else ["validation", "test", *(splits if len(splits) == 1 else ())]
    for one in wanted:
        if one in splits:
            return one
    raise SourceError(
        f"{name}: its splits are {', '.join(splits[:20]) or 'none'}"
        f"{f', not {split}' if split else ''}; name one as {name}:{next(iter(splits), 'validation')}"
    )


def _files(builder: datasets.DatasetBuilder, name: str, config: str | None, split: str | None) -> Files:
    found = {str(key): list(urls) for key, urls in (builder.config.data_files or {}).items()}
    split = _choose(name, list(found), split)
    urls = [str(url) for url in found[split]]
    others = [url for url in urls if not url.endswith(".parquet")]
    if others or not urls:
        raise SourceError(
            f"{name}: made of {Path(others[0]).suffix or 'other' if others else 'no'} files, and only Parquet files "
            "are read; make a folder of its images, one sub-folder per class, or save it with Dataset.to_parquet"
        )
    return Files(f"{name}:{f'{config}/' if config else ''}{split}", urls, [], builder.info.features)


def _saved(name: str, folder: Path) -> Files:
    entries = _json(folder / "state.json").get("_data_files", ())
    try:
        # Only the last part of the name counts, so that nothing outside the folder can be named.
        urls = [str(folder / Path(str(entry["filename"])).name) for entry in entries]
    except (TypeError, KeyError):
        raise SourceError(
            f"{folder}: its state.json is damaged; save the data set again with Dataset.save_to_disk"
        ) from None
    return Files(name, urls, [file_stamp(url) for url in urls], None)


def _json(path: Path) -> dict[str, Any]:
    try:
        stored = parse_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SourceError(f"{path}: cannot be read ({brief(error)})") from error
    if not isinstance(stored, dict):
        raise SourceError(f"{path}: damaged; save the data set again with Dataset.save_to_disk")
    return stored


def _advice(error: Exception) -> str:
    lines = str(error).splitlines()
    if len(lines) > 1 and lines[0].startswith("Config name is missing"):
        choices = lines[1].rpartition(": ")[2][:300]
        return f"it has several configs, {choices}; name one and its split after a colon, as :config/split"
    return (
        f"cannot be read as a data set ({brief(error)}); check with datasets.load_dataset, or name a folder of "
        "its images, one sub-folder per class"
    )
