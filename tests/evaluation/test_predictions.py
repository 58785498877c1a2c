"""Files of predictions are believed only if they are whole."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from imagenet_cp.errors import BuildError
from imagenet_cp.evaluation import predictions
from imagenet_cp.evaluation.data.rows import Row
from imagenet_cp.evaluation.models.base import Model

IDENTITY = {"model": "m", "data": "d"}
TABLE = predictions.predict(
    Model("m", lambda images: np.eye(6, dtype=np.float32)[images[:, 0, 0, 0] % 6]),
    "fog_3",
    [([Row("a", 3, [b"x"]), Row("b", 2, [b"y"])], np.arange(6, dtype=np.uint8).reshape(2, 1, 1, 3), 1)],
    classes=6,
    sequences=False,
)


def test_a_flipped_bit_in_the_rows_is_never_another_prediction(tmp_path):
    file = tmp_path / "fog_3.parquet"
    predictions.write(file, TABLE, IDENTITY)
    data, refused = file.read_bytes(), 0
    rows = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    for place in range(rows):
        file.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        try:
            assert predictions.read(file, IDENTITY).equals(TABLE)
        except BuildError as error:
            assert str(error).startswith(f"{file}: corrupt (")
            refused += 1
    assert refused > rows / 2


@pytest.mark.parametrize(
    ("columns", "identity"),
    [(["image_id", "label", "predictiom"], None), (None, "[1]"), (None, "[" * 100_000)],
)
def test_other_columns_and_identities_are_corrupt(tmp_path, columns, identity):
    file, table = tmp_path / "tilt.parquet", TABLE.select(["image_id", "label", "prediction"])
    predictions.write(file, table.rename_columns(columns) if columns else table, IDENTITY)
    if identity:
        pq.write_table(table.replace_schema_metadata({"imagenet_cp_predictions": identity}), file)
    with pytest.raises(BuildError, match=r"tilt\.parquet: corrupt \(.*; delete it"):
        predictions.read(file, IDENTITY)
