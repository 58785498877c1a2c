"""Completeness of a data set: its files compared with its record, or its rows with its card."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping

from ...build.build_json import Build
from ...build.checksums import size_problem
from ...cards.card import read_metadata
from ...jobs.job_folder import RECORD_FILE


def check_record(build: Build, num_rows: Mapping[str, int | None]) -> dict[str, str]:
    """Compare the files of a build with its record.

    Parameters
    ----------
    build : Build
        The build.
    num_rows : dict
        Relative path -> number of rows, of the files in the folder; None is not compared.

    Returns
    -------
    dict
        Config -> its first problem.
    """
    problems: dict[str, str] = {}
    for path in {**build.files, **num_rows}:
        info, rows = build.files.get(path), num_rows.get(path, 0)
        problem = (
            size_problem(os.path.join(build.folder, path), info) if info else f"not named in {RECORD_FILE}"
        )
        if info and not problem and rows is not None and rows != info.rows:
            problem = f"{rows:,} rows, not {info.rows:,} as recorded"
        if problem:
            problems.setdefault(path.split("/")[1], f"{path}: {problem}")
    return problems


def check_card(card: str, num_rows: Mapping[str, int]) -> dict[str, str]:
    """Compare the rows of every config with the card.

    Parameters
    ----------
    card : str
        Text of the README.md.
    num_rows : dict
        Config -> number of rows in its files.

    Returns
    -------
    dict
        Config -> problem.
    """
    described = read_metadata(card).get("dataset_info")
    expected: dict[str, int] = {}
    with contextlib.suppress(TypeError, KeyError, AttributeError):
        for info in [described] if isinstance(described, dict) else described or []:
            expected[info["config_name"]] = sum(split["num_examples"] for split in info["splits"])
    return {
        config: f"data/{config}: {rows:,} rows, but {expected.get(config, 'none')} according to its card"
        for config, rows in num_rows.items()
        if rows != expected.get(config)
    }
