"""Columns of predictions, and their files, which are believed only if they are whole."""

import json
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imagenet_cp.benchmarks.benchmark import Cell
from imagenet_cp.errors import BuildError, SourceError
from imagenet_cp.evaluation import prediction_files
from imagenet_cp.evaluation.data.loader import Batch, Resizing
from imagenet_cp.evaluation.data.rows import Sample
from imagenet_cp.evaluation.models.model import Model
from imagenet_cp.evaluation.predictions import (
    Predictions,
    agree,
    choose_examples,
    class_ids,
    column_values,
    scores_kind,
)
from imagenet_cp.evaluation.probabilities import KINDS

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


@pytest.mark.parametrize(
    "error",
    [OSError("x"), pa.ArrowNotImplementedError("x"), LookupError("x"), TypeError("x"), ValueError("x")],
)
def test_errors_of_the_content_name_the_file(tmp_path, error):
    expected = pytest.raises(BuildError, match=r"one\.parquet: corrupt \(x\); delete it")
    with expected, prediction_files._name_corrupt(tmp_path / "one.parquet"):
        raise error


def test_a_file_that_is_gone(tmp_path):
    assert prediction_files.is_finished(tmp_path / "one.parquet", IDENTITY) is False
    with pytest.raises(
        BuildError, match=r"^.*one\.parquet: has been deleted; run the same evaluation again$"
    ):
        prediction_files.read({prediction_files.Place("fog_3", 0, 2): tmp_path / "one.parquet"}, ["fog_3"])


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"format": "3"}, "format '2', not '3'"),
        ({"model": "n", "data": "e"}, "model 'm', not 'n'; data 'd', not 'e'"),
        ({"rows": {"fog_3": "t"}}, "fog_3 of the rows 's', not 't'"),
        ({"rows": {"fog_2": "t"}}, None),
    ],
)
def test_other_models_and_data(tmp_path, change, error):
    file = tmp_path / "folder" / "one.parquet"
    (tmp_path / "folder").mkdir()
    killed = tmp_path / "folder" / ".one.parquet.7.tmp"
    killed.touch()
    prediction_files.write(file, made(), IDENTITY)
    assert not killed.exists()
    if error is None:
        assert prediction_files.is_finished(file, {**IDENTITY, **change})
        return
    for refuse in (
        prediction_files.is_finished,
        lambda *given: prediction_files.write(given[0], made(), given[1]),
    ):
        with pytest.raises(BuildError) as raised:
            refuse(file, {**IDENTITY, **change})
        assert str(raised.value).startswith(
            f"{file}: predictions with {error}. Models and data are never mixed"
        )


def test_identities_of_other_formats(tmp_path):
    file = tmp_path / "one.parquet"
    table = pa.table({"a": [1]})
    for identity, error in (
        ({"format": "1", "model": "m", "data": "d"}, "predictions with format '1', not '2'"),
        ({**IDENTITY, "start": "x"}, "corrupt"),
    ):
        pq.write_table(table.replace_schema_metadata({"imagenet_cp_predictions": json.dumps(identity)}), file)
        with pytest.raises(BuildError, match=error):
            prediction_files.is_finished(file, IDENTITY)
    as_text = {**IDENTITY, "start": "0", "stop": "2", "rows": [["fog_3", "s"]]}
    pq.write_table(table.replace_schema_metadata({"imagenet_cp_predictions": json.dumps(as_text)}), file)
    assert prediction_files._read_identity(file) == IDENTITY


def test_the_first_of_several_other_rows_is_named():
    stored = {**IDENTITY, "rows": {"a": "1", "b": "2", "c": "3"}}
    with pytest.raises(BuildError, match=r"with b of the rows '2', not 'y'\. Models"):
        prediction_files._check("file", stored, {**IDENTITY, "rows": {"a": "1", "b": "y", "c": "z"}})


def test_parts_are_read_in_the_order_of_the_images(tmp_path):
    rows = SimpleNamespace(
        benchmark=SimpleNamespace(dataset="imagenet_c"),
        signature="d",
        stamps={"fog_3": "s", "snow_1": "t"},
        cells=(Cell("fog_3", "fog", 3), Cell("snow_1", "snow", 1)),
    )
    (table,) = made().values()
    folder = prediction_files.folder_of(tmp_path, rows)
    assert folder == tmp_path / "predictions" / "imagenet_c"
    for start, stop in ((2, 4), (0, 2)):
        name = prediction_files.file_name(rows.cells, start, stop)
        assert name.startswith(f"{start:06d}-{stop:06d}-") and len(name) == 30
        identity = prediction_files.identity_of("m", rows, rows.cells, start, stop)
        assert identity == {**IDENTITY, "rows": rows.stamps, "start": start, "stop": stop}
        ids = pa.array([str(start), str(start + 1)])
        numbered = table.set_column(0, "image_id", ids)
        prediction_files.write(folder / name, {"fog_3": numbered, "snow_1": numbered.slice(1)}, identity)
    (folder / ".killed.parquet").touch()
    found = prediction_files.find(tmp_path, rows, "m")
    assert [*map(tuple, sorted(found))] == [(c, i, i + 2) for c in ("fog_3", "snow_1") for i in (0, 2)]
    tables = prediction_files.read(found, ["snow_1", "fog_3"])
    assert [list(one["image_id"].to_pylist()) for one in tables.values()] == [
        ["1", "3"],
        ["0", "1", "2", "3"],
    ]
    assert list(tables) == ["snow_1", "fog_3"] and tables["fog_3"].column_names == table.column_names
    some = {place: file for place, file in found.items() if place != ("fog_3", 0, 2)}
    assert prediction_files.read(some, ["fog_3"])["fog_3"]["image_id"].to_pylist() == ["2", "3"]
    assert pq.read_schema(folder / name).names[0] == "config"
    stored = pq.read_metadata(folder / name).row_group(0)
    columns = {stored.column(i).path_in_schema: stored.column(i) for i in range(stored.num_columns)}
    assert {one.compression for one in columns.values()} == {"ZSTD"}
    with_dictionary = {path for path, one in columns.items() if one.has_dictionary_page}
    assert with_dictionary == {"config", "image_id", "label", "prediction.list.element"}


def predict(scores, labels=None, frames=None, sequences=False, kind="auto"):
    """Predictions of a model with these scores for one batch of the config fog_3."""
    scores = np.array(scores)
    labels = labels or [0] * len(frames or scores)
    samples = [Sample("fog_3", f"i{i}", label, []) for i, label in enumerate(labels)]
    made = Predictions(Model("m", lambda images: scores), scores.shape[1], sequences, kind)
    images = np.zeros((len(scores), 1, 1, 3), np.uint8)
    made.add(Batch(samples, frames or [1] * len(scores), {Resizing(): images}))
    return made


class TestColumns:
    CELLS = (Cell("fog_3", "fog", 3), Cell("fog_2", "fog", 2))

    def test_of_images(self):
        scores = [[1, 5, 2, 9, 0, 3], [-1e300, 1e300, 0, 0, 0, 0], [2, 2, 2, 2, 2, 2]]
        tables = predict(scores, [1, 1, 5]).tables(self.CELLS)
        found, empty = tables["fog_3"], tables["fog_2"]
        assert found["image_id"].to_pylist() == ["i0", "i1", "i2"] and found["label"].to_pylist() == [1, 1, 5]
        assert class_ids(found).tolist() == [[3, 1, 5, 2, 0], [1, 2, 3, 4, 5], [0, 1, 2, 3, 4]]
        largest = float(np.finfo(np.float32).max)
        assert found["margin"].to_pylist() == [4, largest, 0]
        softmax = np.exp(np.array(scores[0]) - 9.0)
        softmax = (softmax / softmax.sum()).astype(np.float32)
        assert column_values(found, "probability")[0].tolist() == softmax[[3, 1, 5, 2, 0]].tolist()
        assert found["label_probability"].to_pylist() == [softmax[1], 1, np.float32(1 / 6)]
        squares = np.square(softmax, dtype=np.float64).sum().astype(np.float32)
        assert found["sum_of_squares"].to_pylist()[:2] == [squares, 1]
        assert found.schema.metadata == {b"imagenet_cp_scores": b"logits"}
        assert class_ids(empty).shape[0] == 0 and class_ids(found.slice(0, 1)).shape == (1, 5)
        assert class_ids(predict([[1.0, 3.0, 2.0]]).tables(self.CELLS)["fog_3"]).tolist() == [[1, 2, 0]]
        only = predict([[3.0]]).tables(self.CELLS)["fog_3"]
        assert only["margin"].to_pylist() == [0] and class_ids(only).tolist() == [[0]]

    def test_squares_are_summed_in_double_precision(self):
        scores = np.random.default_rng(0).normal(size=(20, 1000))
        table = predict(scores.tolist()).tables(self.CELLS)["fog_3"]
        exact = np.exp(scores - scores.max(axis=1, keepdims=True))
        exact = (exact / exact.sum(axis=1, keepdims=True)).astype(np.float32).astype(np.float64)
        assert table["sum_of_squares"].to_pylist() == (exact**2).sum(axis=1).astype(np.float32).tolist()

    def test_of_sequences(self):
        scores = np.eye(6)[[0, 1, 2, 3, 4]]
        made = predict(scores, frames=[3, 2], sequences=True)
        made.add(Batch([Sample("fog_2", "j", 4, [])], [5], {Resizing(): np.zeros((5, 1, 1, 3), np.uint8)}))
        tables = made.tables(self.CELLS)
        first = [
            [[row[0] for row in frames] for frames in tables[c.config]["prediction"].to_pylist()]
            for c in self.CELLS
        ]
        assert first == [[[0, 1, 2], [3, 4]], [[0, 1, 2, 3, 4]]]
        assert tables["fog_2"]["image_id"].to_pylist() == ["j"] and len(tables["fog_2"].column_names) == 3
        assert class_ids(tables["fog_2"]).shape == (1, 5, 5)

    @pytest.mark.parametrize("place", range(3))
    def test_scores_that_are_not_finite(self, place):
        scores = np.zeros((3, 5))
        scores[place, 2] = np.nan
        name = ("i0", "i0", "i1")[place]
        with pytest.raises(SourceError, match=f"^fog_3, row {name}: m gives scores that are not finite"):
            predict(scores, frames=[2, 1], sequences=True)

    def test_labels_and_classes(self):
        scores = np.zeros((1, 5))
        assert predict(scores, [4]) and predict(scores, [0])
        for label in (5, -1):
            with pytest.raises(SourceError, match=f"row i0: its label {label} is none of the 5 classes"):
                predict(scores, [label])
        with pytest.raises(SourceError, match="m gives 5 scores per image, but the data set has 6 classes"):
            Predictions(Model("m", lambda images: scores), 6, False).add(
                Batch([], [1], {Resizing(): np.zeros((1, 1, 1, 3), np.uint8)})
            )

    def test_kinds(self):
        assert scores_kind([]) == scores_kind([pa.table({}), pa.table({}, metadata={"a": "b"})]) == ""
        unknown = pa.table({}, metadata={"imagenet_cp_scores": "auto"})
        likely = predict([[0.25, 0.75]])
        assert scores_kind([unknown]) == "" and scores_kind([unknown, *likely.tables(self.CELLS).values()])
        assert scores_kind(likely.tables(self.CELLS).values()) == "probabilities"
        assert scores_kind(predict([[0.25, 0.75]], kind="logits").tables(self.CELLS).values()) == "logits"
        with pytest.raises(SourceError, match=r"^fog_3, row i0: m gives scores that are no probabilities"):
            predict([[2.0, 3.0]], kind="probabilities")
        two = [predict([[0.25, 0.75]], kind=kind).tables(self.CELLS)["fog_3"] for kind in KINDS]
        with pytest.raises(
            SourceError,
            match=r"some configs look like logits and those of others like probabilities; add --scores",
        ):
            scores_kind(two)


class TestAgreement:
    @staticmethod
    def table(ids=("a", "b"), labels=(0, 1), best=None, margins=(10.0, 8.0)):
        best = best if best is not None else np.zeros((2, 5), np.int32)
        nested = pa.FixedSizeListArray.from_arrays(pa.array(np.asarray(best).reshape(-1)), 5)
        columns = {"image_id": list(ids), "label": list(labels), "prediction": nested}
        return pa.table(columns | ({} if margins is None else {"margin": pa.array(margins, pa.float64())}))

    def test_rows_and_classes(self):
        table = self.table
        assert agree(table(), table()) is True and agree(table(margins=None), table(margins=None)) is True
        assert agree(table().slice(2), table().slice(2)) is True
        for other in (table(ids=("a", "c")), table(labels=(0, 2))):
            assert agree(table(), other) is False
        changed = np.zeros((2, 5), np.int32)
        changed[0, :2] = 1
        assert agree(table(margins=None), table(best=changed, margins=None))
        changed[1, 0] = 1
        for one in (table(), table(margins=None)):
            assert agree(one, table(best=changed)) is False

    @pytest.mark.parametrize(("margin", "same"), [(8.35, True), (8.37, False), (7.65, True), (7.63, False)])
    def test_margins(self, margin, same):
        assert agree(self.table(margins=(10, margin)), self.table()) is same

    @pytest.mark.parametrize(("margin", "same"), [(0.195, True), (0.21, False)])
    def test_small_margins(self, margin, same):
        one, other = self.table(margins=(9, margin)), self.table(margins=(9.9, 0))
        assert agree(self.table(margins=(10, margin)), self.table(margins=(10, 0))) is same
        assert not agree(one, other)


def test_examples_are_the_surest_mistakes_of_different_images():
    cells = (Cell("fog_1", "fog", 1), Cell("fog_2", "fog", 2), Cell("snow_1", "snow", 1))

    def table(margins, labels):
        best = pa.FixedSizeListArray.from_arrays(pa.array([1, 2] * 4), 2)
        columns = {"image_id": ["a", "b", "c", "d"], "label": labels, "prediction": best, "margin": margins}
        return pa.table(columns)

    tables = {
        "fog_1": table([0.3, 0.9, 0.2, 0.8], [0, 1, 0, 0]),
        "fog_2": table([0.7, 0.7, 0.1, 0.1], [0, 0, 0, 0]),
        "snow_1": table([0.6, 0.5, 0.4, 0.75], [0, 0, 0, 0]),
    }

    def cut(cells, start, stop):
        assert stop == start + 1
        return SimpleNamespace(encoded=lambda: iter([f"{cells[0].config} {start}".encode()]))

    found = choose_examples(SimpleNamespace(cells=cells, slice=cut), tables)
    assert [tuple(one) for one in found] == [
        ("fog_1", "d", 0, 1, 0.8, b"fog_1 3"),
        ("snow_1", "a", 0, 1, 0.6, b"snow_1 0"),
    ]
    # Only the two surest mistakes of a config are candidates.
    tables["snow_1"] = table([0.6, 0.5, 0.4, 0.75], [1, 0, 1, 0])
    tables["fog_1"] = table([0.3, 0.9, 0.2, 0.8], [1, 0, 1, 1])
    assert [one.image_id for one in choose_examples(SimpleNamespace(cells=cells, slice=cut), tables)] == [
        "b",
        "d",
    ]
    tables["snow_1"] = table([0.1, 0.5, 0.2, 0.05], [0, 0, 0, 0])
    tables["fog_1"] = table([0.3, 0.9, 0.95, 0.8], [0, 0, 0, 0])
    tables["fog_2"] = table([0.7, 0.7, 0.96, 0.1], [0, 0, 0, 0])
    tables["snow_1"] = table([0.1, 0.15, 0.9, 0.05], [0, 1, 0, 0])
    assert [one.image_id for one in choose_examples(SimpleNamespace(cells=cells, slice=cut), tables)] == [
        "c",
        "a",
    ]


def test_examples_of_equal_margins_are_the_first_images():
    best = pa.FixedSizeListArray.from_arrays(pa.array([1, 2] * 300), 2)
    columns = {"image_id": [str(n) for n in range(300)], "label": [0] * 300, "prediction": best}
    part = SimpleNamespace(encoded=lambda: iter([b"image"]))
    rows = SimpleNamespace(cells=(Cell("fog_1", "fog", 1),), slice=lambda cells, start, stop: part)
    (found,) = choose_examples(rows, {"fog_1": pa.table({**columns, "margin": [0.0, 0.25, 0.5] * 100})})
    assert found.image_id == "2"


def test_scores_that_are_whole_numbers():
    table = predict([[1, 5, 3], [2, 2, 2]]).tables([Cell("fog_3", "fog", 3)])["fog_3"]
    assert class_ids(table).tolist() == [[1, 2, 0], [0, 1, 2]] and table["margin"].to_pylist() == [2, 0]
