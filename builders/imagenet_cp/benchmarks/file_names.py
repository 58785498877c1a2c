"""Names of the files of a data set, in a folder and on the Hub."""

from __future__ import annotations

import re

#: The only split of every data set.
SPLIT = "validation"
#: Path of a file of rows; the groups are its config, its index and the number of files of that config.
DATA_FILE = re.compile(rf"data/([a-z0-9_]+)/{SPLIT}-(\d{{5}})-of-(\d{{5}})\.parquet", re.ASCII)


def data_file(config: str, index: int, count: int) -> str:
    """Path of one of ``count`` files of a config, relative to the data set's folder."""
    return f"data/{config}/{SPLIT}-{index:05d}-of-{count:05d}.parquet"
