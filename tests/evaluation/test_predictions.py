"""Files of predictions are believed only if they are whole."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imagenet_cp.benchmarks.benchmark import Cell
from imagenet_cp.errors import BuildError
from imagenet_cp.evaluation import prediction_files
from imagenet_cp.evaluation.data.loader import Batch, Resizing
from imagenet_cp.evaluation.data.rows import Sample
from imagenet_cp.evaluation.models.model import Model
from imagenet_cp.evaluation.predictions import Predictions

IDENTITY = {"format": "2", "model": "m", "data": "d", "rows": {"fog_3": "s"}, "start": 0, "stop": 2}


def made():
    model = Model("m", lambda images: np.eye(6, dtype=np.float32)[images[:, 0, 0, 0] % 6])
    predictions = Predictions(model, classes=6, sequences=False)
    samples = [Sample("fog_3", "a", 3, []), Sample("fog_3", "b", 2, [])]
    images = np.arange(6, dtype=np.uint8).reshape(2, 1, 1, 3)
    predictions.add(Batch(samples, [1, 1], {Resizing(): images}))
    return predictions.tables([Cell("fog_3", "fog", 3)])


def read(file):
    assert prediction_files.is_finished(file, IDENTITY)
    return prediction_files.read({prediction_files.Place("fog_3", 0, 2): file}, ["fog_3"])["fog_3"]


def test_a_flipped_bit_in_the_rows_is_never_another_prediction(tmp_path):
    file, tables = tmp_path / "one.parquet", made()
    prediction_files.write(file, tables, IDENTITY)
    assert read(file).equals(tables["fog_3"])
    group = pq.read_metadata(file).row_group(0)
    columns = [group.column(i) for i in range(group.num_columns)]
    split = {one.path_in_schema.split(".")[0] for one in columns if "BYTE_STREAM_SPLIT" in one.encodings}
    assert split == {"margin", "probability", "label_probability", "sum_of_squares"}
    data, refused = file.read_bytes(), 0
    rows = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    for place in range(rows):
        file.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        try:
            assert read(file).equals(tables["fog_3"])
        except BuildError as error:
            assert str(error).startswith(f"{file}: corrupt (")
            refused += 1
    assert refused > rows / 2


@pytest.mark.parametrize(("column", "identity"), [("predictiom", None), (None, "[1]"), (None, "[" * 100_000)])
def test_other_columns_and_identities_are_corrupt(tmp_path, column, identity):
    file = tmp_path / "one.parquet"
    prediction_files.write(file, made(), IDENTITY)
    table = pq.read_table(file)
    if column:
        table = table.append_column(column, pa.array([1, 2]))
    if identity:
        table = table.replace_schema_metadata({"imagenet_cp_predictions": identity})
    pq.write_table(table, file)
    with pytest.raises(BuildError, match=r"one\.parquet: corrupt \(.*; delete it"):
        read(file)
