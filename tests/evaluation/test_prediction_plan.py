"""The plan of an evaluation: slices, units and what is left, with stand-ins for the rows."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from toy_models import by_colour

from imagenet_cp.benchmarks.benchmark import Cell
from imagenet_cp.benchmarks.catalog import BENCHMARKS
from imagenet_cp.errors import BuildError, SourceError, UsageError
from imagenet_cp.evaluation import prediction_plan, prediction_units, run
from imagenet_cp.evaluation.data.corrupted_rows import CustomSet
from imagenet_cp.evaluation.data.generated_rows import SourceSlice
from imagenet_cp.evaluation.data.loader import Batch, Resizing
from imagenet_cp.evaluation.data.rows import Rows, Sample, scored_cells
from imagenet_cp.evaluation.fingerprint import Fingerprint
from imagenet_cp.evaluation.models.model import Model
from imagenet_cp.evaluation.models.outputs import Outputs
from imagenet_cp.evaluation.models.spec import ModelSpec
from imagenet_cp.evaluation.prediction_files import Place
from imagenet_cp.evaluation.prediction_plan import Candidate
from imagenet_cp.evaluation.prediction_units import Settings, Unit
from imagenet_cp.evaluation.preprocessors import NamedPreprocessor, clahe, open_preprocessor
from imagenet_cp.jobs.job_folder import Shard
from imagenet_cp.sources import classes as imagenet

FOG, SNOW, TILT = Cell("fog_3", "fog", 3), Cell("snow_1", "snow", 1), Cell("tilt", "tilt", 1)
SIGNATURE = "{}|recipe:1|profile:imagenet|seed:0|jpeg:85"


def rows_of(counts, dataset="imagenet_c", **changes):
    """Rows with these numbers of images by cell; a slice is its cells and its two numbers."""
    values = {
        "benchmark": BENCHMARKS[dataset],
        "signature": SIGNATURE.format(dataset),
        "classes": ("a", "b"),
        "cells": tuple(counts),
        "num_rows": {cell.config: number for cell, number in counts.items()},
        "stamps": {cell.config: f"stamp of {cell.config}" for cell in counts},
        "slice": lambda cells, start, stop: (cells, start, stop),
    }
    return Rows(**values | changes)


def candidate(rows, number=0, found=(), complete=True, out="out"):
    made = Candidate(
        number,
        ModelSpec(by_colour),
        f"m{number}",
        "sig",
        {rows.benchmark.dataset: "sig"},
        Path(out),
        [rows],
        complete,
    )
    made.found = {rows.benchmark.dataset: {Place(*place): Path("file") for place in found}}
    return made


def settings(rows):
    return Settings(2, rows.sequences, 8, 1, ("cpu",))


class TestRows:
    def test_parts_of_a_benchmark(self):
        assert rows_of({FOG: 100, SNOW: 7}).part == "7/50000" and rows_of({FOG: 50_000}).part is None
        assert rows_of({FOG: 49_999}).part == "49999/50000"

    def test_sizes(self):
        assert rows_of({FOG: 1}).side == 224
        native = SIGNATURE.format("imagenet_c").replace("|seed", "|size:native-96|seed") + "|limit:3"
        assert rows_of({FOG: 1}, signature=native).side == 96
        kept = SIGNATURE.format("imagenet_c").replace("|seed", "|size:keep|seed")
        assert rows_of({FOG: 1}, signature=kept).side == 224
        assert rows_of({FOG: 1}, benchmark=SimpleNamespace(profile="", kind="corruptions")).side is None

    def test_counts(self):
        rows = rows_of({FOG: 10, SNOW: 4})
        assert rows.count_images(rows.cells, 2, 8) == 6 + 2 and rows.count_images((SNOW,), 5, 9) == 0
        sequences = rows_of({TILT: 3}, "imagenet_p")
        assert sequences.sequences and sequences.count_images((TILT,), 1, 9) == 2 * 31 and not rows.sequences

    def test_limits(self):
        rows = rows_of({FOG: 10, SNOW: 4})
        few = rows.limit(5)
        assert few.num_rows == {"fog_3": 5, "snow_1": 4} and few.signature == f"{rows.signature}|limit:5"
        assert rows.limit(10) is rows and rows.limit(9).num_rows["fog_3"] == 9

    def test_problems(self):
        rows_of({FOG: 1}, problems={"snow_1": "cut"}).check()
        with pytest.raises(SourceError, match=r"^imagenet_c: data cut\. Run the same build command again"):
            rows_of({FOG: 1}, problems={"fog_3": "data cut"}).check()

    def test_cells_that_are_scored(self):
        found = scored_cells(BENCHMARKS["imagenet_p"], ["gaussian_noise_2", "tilt", "brightness"])
        assert [cell.config for cell in found] == ["brightness", "tilt"]
        everything = BENCHMARKS["imagenet_c"].cell_of
        assert scored_cells(BENCHMARKS["imagenet_c"], everything) == (*everything.values(),)

    def test_options_of_the_data_reach_them(self, monkeypatch):
        given = []
        for name in ("from_source", "from_custom", "view"):
            monkeypatch.setattr(
                run, name, lambda *places, **options: given.append((places, options)) or 1 / 0
            )
        monkeypatch.setattr(run, "from_folder", lambda place: f"rows of {place}")
        subset = {"ids": ["a"], "classes": "imagenette"}
        for data in (
            {"source": "val", "seed": 3},
            {"data": "own", "layout": "{file}"},
            {"imagenet_p": "built"},
        ):
            with pytest.raises(ZeroDivisionError):
                run.evaluate_model(by_colour, **data, **subset)
        assert given == [
            (("imagenet_c", "val"), {"seed": 3, **subset, "size": None}),
            (("own", "{file}"), subset),
            (("rows of built",), subset),
        ]

    def test_data_of_different_classes(self):
        images, sequences = (
            rows_of({cell: 1}, dataset, classes=tuple("abcde"))
            for cell, dataset in ((FOG, "imagenet_c"), (TILT, "imagenet_p"))
        )
        assert run._select([images, sequences], ()) == [images, sequences]
        other = replace(sequences, classes=tuple("abcdf"))
        with pytest.raises(ValueError, match=r"^imagenet_c and imagenet_p have different classes$"):
            run._select([images, other], ())

    def test_some_configs(self):
        rows = rows_of({FOG: 10, SNOW: 4})
        assert rows.select(["fog_3"]) == replace(rows, cells=(FOG,))
        with pytest.raises(SourceError, match=r"^imagenet_c: the config 'fog_2' is missing; build it first$"):
            rows.select(["fog_2"])
        sequences = rows_of({TILT: 3}, "imagenet_p")
        assert sequences.select(["tilt"]) == sequences
        with pytest.raises(UsageError, match=r"^gaussian_noise_2: mFR and mT5D are defined at difficulty 1"):
            sequences.select(["gaussian_noise_2"])
        own = rows_of({FOG: 1, SNOW: 1}, benchmark=CustomSet("custom", "", "mine", (FOG, SNOW)))
        names = {"fog_3": (FOG,), "snow_1": (SNOW,), "fog": (FOG,), "snow": (SNOW,), "test": (FOG, SNOW)}
        assert own.benchmark.configs == names
        assert own.select(["fog", "snow"]).signature == own.signature
        assert own.select(["fog_3"]) == replace(own, cells=(FOG,), signature=f"{own.signature}|configs:fog_3")


class TestPlan:
    def test_slices(self):
        found = prediction_plan.slices(rows_of({FOG: 450, SNOW: 3}), None)
        assert list(found) == [(0, 200), (200, 400), (400, 450)]
        sequences = prediction_plan.slices(rows_of({TILT: 80}, "imagenet_p"), None)
        assert list(sequences) == [(0, 40), (40, 80)]
        assert list(prediction_plan.slices(rows_of({FOG: 5}), 3)) == [(0, 3), (3, 5)]

    def test_signatures(self):
        rows, known = rows_of({FOG: 1}), Fingerprint("f00", True)
        named = NamedPreprocessor(None, "darken", "d1")
        own = Model("m", by_colour, 96, "mean:0.5", interpolation="bicubic", outputs=Outputs(3, (2, 0)))
        found = prediction_plan.model_signature(own, known, named, [rows], "logits")
        classes = own.outputs.name
        assert found == (
            f"model:m|id:f00|input:96|resize:bicubic|mean:0.5|classes:{classes}|preprocess:darken|"
            "preprocess_id:d1|scores:logits"
        )
        for side in (None, 224):
            model = Model("m", by_colour, side)
            found = prediction_plan.model_signature(model, known, NamedPreprocessor(), [rows], "auto")
            assert found == "model:m|id:f00|input:224"

    def test_signatures_name_the_size_of_every_data_set(self):
        images, sequences = rows_of({FOG: 1}), rows_of({TILT: 1}, "imagenet_p")
        small = replace(sequences, signature=sequences.signature.replace("|seed", "|size:native-64|seed"))
        layout = rows_of({FOG: 1}, benchmark=CustomSet("custom", "", "mine", (FOG,)))
        for side, data, expected in (
            (None, [images, sequences], "input:224"),
            (None, [images, small], "input:64,224"),
            (None, [layout], ""),
            (None, [layout, sequences], "input:224"),
            (224, [images, sequences], "input:224"),
            (224, [images, small], "input:224|resize:bilinear"),
            (64, [small, images], "input:64|resize:bilinear"),
            (224, [sequences, layout], "input:224|resize:bilinear"),
        ):
            found = prediction_plan.model_signature(
                Model("m", by_colour, side), Fingerprint("f00", True), NamedPreprocessor(), data, "auto"
            )
            assert found == "|".join(filter(None, ("model:m|id:f00", expected)))

    def test_units(self):
        rows = rows_of({FOG: 10, SNOW: 4})
        first = candidate(rows, 0, [("fog_3", 0, 4), ("snow_1", 0, 4)])
        second = candidate(rows, 1, [("fog_3", 0, 4)], out="other")
        third = candidate(rows, 2, [("fog_3", 0, 4), ("snow_1", 0, 4)])
        models = [first, second, third]
        units = prediction_plan.plan_units(models, settings, 4, Shard(1, 1))
        assert [(u.index, u.rows, u.images, u.size, [o.number for o in u.outputs]) for u in units] == [
            (0, ((SNOW,), 0, 4), 4, 4, [1]),
            (1, ((FOG, SNOW), 4, 8), 4, 4, [0, 1, 2]),
            (2, ((FOG, SNOW), 8, 10), 2, 2, [0, 1, 2]),
        ]
        output = units[0].outputs[0]
        assert (
            output.file.parent == Path("other/predictions/imagenet_c").resolve()
            and output.spec is second.spec
        )
        assert output.identity["rows"] == {"snow_1": "stamp of snow_1"} and output.identity["stop"] == 4
        assert output.identity["model"] == "sig" and units[0].settings == settings(rows)
        shard = prediction_plan.plan_units(models, settings, 4, Shard(2, 2))
        assert [unit.rows[1] for unit in shard] == [4]
        other = candidate(rows_of({FOG: 4}), 3)
        assert [
            o.number
            for u in prediction_plan.plan_units([third, other], settings, 4, Shard(1, 1))
            for o in u.outputs
        ] == [2, 2, 3]
        assert prediction_plan.count_images(models, 4, Shard(1, 1)) == 14
        assert prediction_plan.count_images(models, 4, Shard(2, 2)) == 4
        assert prediction_plan.count_images([third, other], 4, Shard(1, 1)) == 18
        assert [prediction_plan.count_missing(one, 4) for one in models] == [2, 3, 2]

    def test_slices_without_images_have_no_unit(self):
        rows = rows_of({FOG: 8, SNOW: 4})
        done = candidate(rows, 0, [("fog_3", 0, 4), ("snow_1", 0, 4), ("fog_3", 4, 8)])
        assert prediction_plan.plan_units([done], settings, 4, Shard(1, 1)) == []
        assert prediction_plan.count_missing(done, 4) == 0
        one_more = candidate(rows_of({FOG: 9}), 0, [("fog_3", 0, 4), ("fog_3", 4, 8)])
        assert prediction_plan.count_missing(one_more, 4) == 1

    @pytest.fixture
    def check(self, monkeypatch):
        """Check stored predictions, of which the first row is another one if ``other``."""

        def check(rows, made, resume=False, other=False, failed=()):
            taken = []

            def predict(few, specs, settings):
                taken.append((few, list(specs)))
                number = few[2] - few[1]
                tables = {cell.config: table(range(number)) for cell in few[0]}
                return {0: SimpleNamespace(tables=lambda cells: tables)}, dict(failed)

            def table(labels):
                nested = pa.FixedSizeListArray.from_arrays(pa.array([0] * 2 * len(labels)), 2)
                ids = [str(label) for label in labels]
                return pa.table({"image_id": ids, "label": list(labels), "prediction": nested})

            monkeypatch.setattr(prediction_plan, "predict", predict)
            stored = table([9, *range(1, 20)] if other else range(20))
            read = lambda places, configs: dict.fromkeys(configs, stored)  # noqa: E731
            monkeypatch.setattr(prediction_plan.prediction_files, "read", read)
            prediction_plan.check_stored(made, settings, resume)
            return taken

        return check

    def test_a_few_stored_predictions_are_compared(self, check):
        rows = rows_of({FOG: 10, SNOW: 10})
        assert check(rows, candidate(rows)) == []
        made = candidate(rows, 0, [("fog_3", 5, 10)])
        assert check(rows, made) == [(((FOG,), 5, 9), [0])]
        short = candidate(rows, 0, [("fog_3", 0, 2), ("snow_1", 0, 2)])
        assert check(rows, short) == [(((FOG, SNOW), 0, 2), [0])]
        two = candidate(rows, 0, [("fog_3", 0, 5), ("snow_1", 5, 10)])
        two.found["imagenet_c"][Place("snow_1", 5, 10)] = Path("a")
        assert check(rows, two) == [(((SNOW,), 5, 9), [0])]
        sequences = rows_of({TILT: 10}, "imagenet_p")
        assert check(sequences, candidate(sequences, 0, [("tilt", 2, 9)])) == [(((TILT,), 2, 3), [0])]
        both = candidate(rows)
        both.data.append(sequences)
        both.found["imagenet_p"] = {Place("tilt", 2, 9): Path("file")}
        assert check(rows, both) == [(((TILT,), 2, 3), [0])]

    def test_stored_predictions_of_another_model(self, check):
        rows = rows_of({FOG: 10})
        made = candidate(rows, 0, [("fog_3", 0, 5)])
        with pytest.raises(
            BuildError, match=r"^file: m0 now predicts other classes .* rows of fog_3\. Models are"
        ):
            check(rows, made, other=True)
        with pytest.raises(BuildError, match=r"^file: holds predictions of m0, which fails now: broken$"):
            check(rows, made, failed={0: "broken"})
        unseen = candidate(rows, 0, [("fog_3", 0, 5)], complete=False)
        with pytest.raises(
            BuildError, match=r"^out: holds predictions of m0, which has parts that Python cannot"
        ):
            check(rows, unseen)
        assert len(check(rows, unseen, resume=True)) == 1


class TestUnits:
    def test_locations(self):
        asked = []
        unit = Unit(0, SimpleNamespace(location=lambda share: asked.append(share) or "here"), 2, 4, (), None)
        assert [unit.location(done) for done in (0, 1, 4)] == ["here"] * 3 and asked == [0, 0.25, 0.75]

    def test_models_that_fail_leave_the_rest(self, monkeypatch):
        def broken(images):
            if len(seen) > 1:
                raise ValueError("worn out")
            return images[:, 0, 0]

        def whole(images):
            seen.append(len(images))
            return images[:, 0, 0]

        seen, ticks, asked = [], [], []

        def batches(*arguments):
            asked.append(arguments)
            for number in (2, 1, 2):
                samples = [Sample("fog_3", "a", 0, [])] * number
                yield Batch(
                    samples, [1] * number, dict.fromkeys((Resizing(),), np.zeros((number, 2, 2, 3), np.uint8))
                )

        monkeypatch.setattr(prediction_units, "batches", batches)
        monkeypatch.setattr(prediction_units, "slot", lambda: 3)
        opened = []
        open_model = ModelSpec.open
        monkeypatch.setattr(
            ModelSpec, "open", lambda spec, device: opened.append(device) or open_model(spec, device)
        )
        rows = SimpleNamespace(tasks=lambda: "tasks")
        options = Settings(3, False, 8, 5, ("cpu", "cuda"), preprocess=None)
        specs = {4: ModelSpec(whole), 7: ModelSpec(broken)}
        predicted, failed = prediction_units.predict(rows, specs, options, ticks.append)
        assert list(predicted) == [4] and list(failed) == [7] and "worn out" in failed[7]
        assert ticks == [2, 1, 2] and opened == ["cuda", "cuda"]
        assert asked == [("tasks", 8, 5, None, [Resizing()])]
        assert predicted[4].tables([FOG])["fog_3"].num_rows == 5
        predicted, failed = prediction_units.predict(rows, {7: specs[7]}, options, ticks.append)
        assert predicted == {} and list(failed) == [7] and ticks == [2, 1, 2]

    def test_only_what_is_not_finished_is_predicted_and_written(self, monkeypatch):
        files = prediction_units.prediction_files
        made = SimpleNamespace(tables=lambda cells: ("tables", cells))
        written, asked = [], []

        def predict(rows, specs, settings, tick):
            asked.append((rows, dict(specs), settings, tick))
            return {1: made}, {2: "broken"}

        monkeypatch.setattr(
            files, "is_finished", lambda file, identity: file == Path("a") and identity == {"i": 0}
        )
        monkeypatch.setattr(files, "write", lambda *arguments: written.append(arguments))
        monkeypatch.setattr(prediction_units, "predict", predict)
        outputs = tuple(
            prediction_units.Output(i, f"spec {i}", Path(name), {"i": i}) for i, name in enumerate("abc")
        )
        rows = SimpleNamespace(cells=(FOG,))
        assert prediction_units.run(Unit(0, rows, 1, 1, outputs, "settings"), print) == {2: "broken"}
        assert asked == [(rows, {1: "spec 1", 2: "spec 2"}, "settings", print)]
        assert written == [(Path("b"), ("tables", (FOG,)), {"i": 1})]

    def test_the_kind_of_the_scores_is_taken(self, monkeypatch):
        monkeypatch.setattr(prediction_units, "batches", lambda *arguments: (one for one in ()))
        options = Settings(3, True, 8, 1, ("cpu",), "probabilities")
        predicted, _ = prediction_units.predict(
            SimpleNamespace(tasks=list), {0: ModelSpec(by_colour)}, options
        )
        assert (
            predicted[0]._scores == "probabilities" and predicted[0]._sequences and predicted[0]._classes == 3
        )

    @pytest.mark.parametrize(("broken", "last"), [({2: {0: "a"}}, 9), ({2: {0: "a"}, 3: {1: "b"}}, 5)])
    def test_an_executor_runs_units_until_all_models_fail(self, monkeypatch, broken, last):
        def run_on_executor(*arguments):
            *called, units, wait = arguments
            assert called == ["executor", prediction_units.run]
            assert [unit.settings.threads for unit in units] == [2, 2, 2]
            wait()
            yield from ((unit, broken.get(unit.size, {})) for unit in units)

        monkeypatch.setattr(run, "run_on_executor", run_on_executor)
        units = [Unit(0, None, 1, size, (), Settings(3, False, 8, 5, ("cpu",))) for size in (2, 3, 4)]
        steps = []
        failed = run._run(units, [None, None], 2, "executor", lambda *step: steps.append(step))
        assert failed == {number: reason for one in broken.values() for number, reason in one.items()}
        assert steps == [("evaluating", done, 9) for done in (0, 2, 5, 9) if done <= last]

    def test_processes_divide_the_threads(self, monkeypatch):
        given = []
        monkeypatch.setattr(run, "run_local", lambda *options: given.append(options) or (one for one in ()))
        units = [Unit(0, None, 1, 1, (), Settings(3, False, 8, 5, ("cpu",)))] * 3
        for processes in (1, 2, 8):
            assert run._run(units, [None], processes, None, print) == {}
        assert [(one[2], one[-1], one[1][0].settings.threads) for one in given] == [
            (1, 5, 5),
            (2, 2, 2),
            (3, 1, 1),
        ]
        few = [replace(unit, settings=replace(unit.settings, threads=2)) for unit in units]
        assert run._run(few, [None], 3, None, print) == {} and given[-1][-1] == 1

    def test_options_of_models_reach_them(self, monkeypatch):
        given = []
        monkeypatch.setattr(run, "ModelSpec", lambda *options: given.append(options) or 1 / 0)
        options = {
            "weights": "w.pth",
            "trust": True,
            "dtype": "float16",
            "channels_last": True,
            "compile": True,
        }
        with pytest.raises(ZeroDivisionError):
            run.evaluate_models(["m"], names=["n"], identity="1", labels=["a", 2], **options)
        with pytest.raises(ZeroDivisionError):
            run.evaluate_model("m", name="n", identity="1", labels=["a", 2], **options)
        assert given == [("m", options, "n", "1", ("a", "2"))] * 2

    def test_names_of_outputs(self, tmp_path):
        for lines, names in (("1\n0\n", ("1", "0")), ("tench\ngoldfish\n", imagenet.wnids()[:2])):
            (tmp_path / "labels.txt").write_text(lines)
            assert run._output_names(tmp_path / "labels.txt") == names
        assert run._output_names("imagenet") == imagenet.wnids() and run._output_names([1, "a"]) == ("1", "a")

    def test_folders_of_models(self):
        names = ("hf:org/a b", "--x.", "timm:resnet50.a1_in1k")
        assert [run._slug(name) for name in names] == ["hf-org-a-b", "x", "timm-resnet50.a1_in1k"]

    def test_a_unit_that_cannot_be_sent_to_other_processes(self):
        unit = Unit(0, lambda: None, 1, 1, (), Settings(3, False, 8, 5, ("cpu",)))
        with pytest.raises(SourceError, match="cannot be sent to other processes"):
            run._run([unit], [None], 2, None, print)

    def test_kernels_are_compiled_once_a_cell(self):
        recipe = BENCHMARKS["cifar10_c"].recipe(0)
        other = BENCHMARKS["cifar10_c"].recipe(1)
        rows = [
            SourceSlice(recipe, None, (FOG, SNOW), ()),
            SourceSlice(recipe, None, (SNOW,), ()),
            SourceSlice(other, None, (FOG,), ()),
            SimpleNamespace(cells=(TILT,)),
        ]
        units = [Unit(0, one, 1, 1, (), None) for one in rows]
        found = [one.args for one in prediction_units.warm_ups(units)]
        assert found == [(recipe, FOG), (recipe, SNOW), (other, FOG)]


class TestPreprocessors:
    def test_equalization_has_the_tiles_that_are_asked_for(self):
        pytest.importorskip("cv2")
        image = np.random.default_rng(0).integers(0, 90, (64, 64, 3)).astype(np.uint8)
        assert (clahe(image) == clahe(image, tiles=8)).all() and (clahe(image) != clahe(image, tiles=2)).any()

    def test_names(self):
        assert open_preprocessor(None) == (None, "", "", True)
        for given in ("clahe", clahe):
            assert open_preprocessor(given) == (clahe, "clahe", "", True)
        own = open_preprocessor("toy_models:darken")
        assert own.name == "toy_models:darken" and len(own.digest) == 12 and own.complete
        assert open_preprocessor(own.function)[1:] == ("darken", own.digest, True)
        with pytest.raises(
            ValueError, match=r"did you mean clahe\? Preprocessors are clahe, non_local_means, or"
        ):
            open_preprocessor("clahee")

        class Called:
            def __call__(self, image):
                return image

        assert open_preprocessor(Called()).name == "Called"
