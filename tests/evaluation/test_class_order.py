"""Outputs of models in another order than the data's classes, or more of them."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from imagenet_cp.benchmarks.benchmark import Cell
from imagenet_cp.errors import SourceError
from imagenet_cp.evaluation import class_order
from imagenet_cp.evaluation.class_order import check_order, find_order, known_orders
from imagenet_cp.evaluation.data.generated_rows import from_source
from imagenet_cp.evaluation.models.model import Model
from imagenet_cp.evaluation.models.outputs import Outputs, _numbered, match_outputs
from imagenet_cp.evaluation.run import evaluate_model
from imagenet_cp.sources import classes as imagenet
from imagenet_cp.sources.class_lists import class_list

WNIDS = imagenet.wnids()
SORTED = tuple(sorted(imagenet.full_names()))


def columns(labels, classes, count=None):
    outputs = match_outputs("mine", labels, count or len(labels), classes)
    return outputs and list(outputs.columns)


class TestMatching:
    def test_outputs_in_the_order_of_the_classes_are_not_mapped(self):
        firsts = [name.split(", ")[0] for name in imagenet.full_names()]
        for labels in (WNIDS, imagenet.names(), imagenet.full_names(), firsts):
            assert columns(labels, WNIDS) is None
        assert columns((), WNIDS, 1000) is None and columns((), ("a", "b"), 2) is None
        own = [f"own {number}" for number in range(1000)]
        assert columns((), own, 1000) is None and columns((), ("a", "b"), 1000) is None

    def test_equal_sets_in_another_order_are_mapped(self):
        found = columns(SORTED, WNIDS)
        assert [SORTED[place] for place in found] == list(imagenet.full_names())
        assert columns(("Cat", "dog", "great_ape"), ("dog", "great ape", "cat")) == [1, 2, 0]
        assert columns(("cat.", "_dog", "(great--ape)"), ("dog", "great ape", "cat")) == [1, 2, 0]

    def test_a_mapping_of_all_classes_needs_no_notice(self, capsys):
        assert columns(("b", "a"), ("a", "b")) == [1, 0] and not capsys.readouterr().err

    def test_a_label_of_two_outputs_is_none(self):
        assert columns(("cat", "cat", "pear"), ("cat", "dog", "pear")) is None

    def test_one_class_of_a_hundred_may_be_lacking_in_a_larger_model(self):
        more = [f"n9{number:07d}" for number in range(12)]
        assert columns([*WNIDS[10:], *more], WNIDS) == [*[-1] * 10, *range(990)]
        with pytest.raises(SourceError, match=r"mine: 11 of the data's 1,000 classes"):
            columns([*WNIDS[11:], *more], WNIDS)
        with pytest.raises(SourceError, match=r"mine: 1 of the data's 1,000 classes"):
            columns([*WNIDS[:0:-1], "n90000000"], WNIDS)

    def test_every_name_of_two_classes_is_taken_in_the_order_of_the_classes(self):
        firsts = [name.split(", ")[0] for name in imagenet.full_names()]
        order = sorted(range(1000), key=lambda index: firsts[index])
        twice = {name for name in firsts if firsts.count(name) == 2}
        assert {"crane", "maillot"} <= twice
        assert [order[place] for place in columns([firsts[i] for i in order], WNIDS)] == list(range(1000))

    def test_numbers_are_those_of_the_data_or_of_imagenet(self):
        numbers = [str(number) for number in range(9, -1, -1)]
        assert columns(numbers, [f"{number:02d}" for number in range(10)]) == list(range(9, -1, -1))
        assert columns([str(number) for number in range(999, -1, -1)], WNIDS) == list(range(999, -1, -1))

    def test_more_outputs_than_classes(self):
        r = class_list("imagenet-r")
        assert columns((), r.names, 1000) == list(r.indices)
        assert columns(("background", *imagenet.full_names()), WNIDS) == list(range(1, 1001))
        assert columns((), WNIDS, 1001) == list(range(1, 1001))
        assert columns((), r.names, 1001) == [index + 1 for index in r.indices]
        larger = [*(f"n9{number:07d}" for number in range(20841)), *WNIDS]
        assert columns(larger, r.names) == [index + 20841 for index in r.indices]

    def test_a_class_that_a_larger_model_lacks_is_named(self, capsys):
        place = WNIDS.index("n04399382")
        labels = [f"n9{number:07d}" for number in range(5)] + [w for w in WNIDS if w != "n04399382"]
        found = columns(labels, WNIDS)
        assert found[place] == -1 and found[place - 1] == place + 4
        assert "has no output for n04399382, so these classes are never predicted" in capsys.readouterr().err

    def test_unknown_labels_of_as_many_outputs_are_named(self, capsys):
        assert columns(("cat", "tractor", "pear"), ("one", "two", "three")) is None
        says = (
            "its labels, such as 'cat', are none of the data's classes, such as 'one'; its outputs are taken"
        )
        assert says in capsys.readouterr().err
        assert columns(("LABEL_0", "LABEL_1"), ("a", "b")) is None
        assert not capsys.readouterr().err

    @pytest.mark.parametrize(
        ("labels", "classes", "error"),
        [
            (
                ("b", "a", "x"),
                ("a", "b", "c"),
                "1 of the data's 3 classes, such as 'c', are none of its 3 labels, such as 'b'",
            ),
            (("a", "b", "x", "y"), ("a", "c", "d"), "2 of the data's 3 classes, such as 'c'"),
            (("a", "b"), WNIDS, "1,000 of the data's 1,000 classes"),
        ],
    )
    def test_what_does_not_match_is_an_error(self, labels, classes, error):
        with pytest.raises(SourceError, match=rf"{error}.*--labels FILE"):
            columns(labels, classes)

    def test_labels_of_another_number_are_an_error(self):
        with pytest.raises(SourceError, match="mine: 2 labels, but 3 outputs"):
            columns(("a", "b"), ("a", "b", "c"), 3)

    def test_larger_models_of_timm(self):
        pytest.importorskip("timm")
        assert len(columns((), WNIDS, 21843)) == 1000

    @pytest.mark.parametrize(
        ("count", "subset"),
        [
            (11221, "imagenet-21k-miil"),
            (11821, "imagenet-12k"),
            (21841, "imagenet-22k"),
            (21842, "imagenet-22k-ms"),
            (21843, "imagenet-21k-goog"),
        ],
    )
    def test_larger_models_have_the_classes_that_timm_lists(self, count, subset, monkeypatch):
        lists = {subset: [*WNIDS[:0:-1], "n90000000", WNIDS[0]]}
        info = SimpleNamespace(ImageNetInfo=lambda name: SimpleNamespace(label_names=lambda: lists[name]))
        monkeypatch.setitem(sys.modules, "timm.data", info)
        assert columns((), WNIDS, count) == [1000, *range(998, -1, -1)]
        assert columns((), WNIDS, count - 3) is None

    def test_larger_models_without_timm(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "timm.data", None)
        with pytest.raises(
            SourceError, match=r"^mine: gives 21,843 scores, .* cannot be imported .*--labels FILE"
        ):
            columns((), WNIDS, 21843)

    def test_numbers_are_the_datas_or_imagenets_and_others_stay(self):
        assert _numbered(["1", "0", "1000000"], ("0", "01")) == ["01", "0", "1000000"]
        assert _numbered(["1", "1000000"], ("cat",)) == [WNIDS[1], "1000000"]

    def test_half_of_the_names_may_be_unknown_without_a_notice(self, capsys):
        assert columns(("tench", "x"), ("tench", "a"), 2) is None
        assert not capsys.readouterr().err


class TestScores:
    def test_logits_are_selected(self):
        scores = np.array([[5.0, 1, 2, -3], [0, 0, 7, 8]])
        assert Outputs(4, (2, 0)).select(scores).tolist() == [[2, 5], [7, 0]]
        assert Outputs(4, (2, -1)).select(scores).tolist() == [[2, -3], [7, 0]]

    def test_probabilities_stay_probabilities(self):
        scores = np.array([[0.5, 0.25, 0.25], [0.0, 0.0, 1.0]])
        assert Outputs(3, (1, 2)).select(scores).tolist() == [[0.5, 0.5], [0.0, 1.0]]
        assert Outputs(3, (0, 1)).select(scores)[1].tolist() == [0, 0]
        rounded = np.array([[0.5, 0.25, 0.2499999]])
        assert Outputs(3, (2, 0, 1)).select(rounded).tolist() == [[0.2499999, 0.5, 0.25]]

    def test_other_orders_have_other_names(self):
        one, other = Outputs(3, (2, 0, 1)), Outputs(3, (1, 2, 0))
        assert one.name == "3-of-3-cea67d8b" and one.name != other.name


class TestCheck:
    LABELS = np.arange(200) * 5

    @pytest.mark.parametrize("place", range(len(list(known_orders(WNIDS)))))
    def test_known_orders_are_found(self, place):
        description, order = list(known_orders(WNIDS))[place]
        best = np.argsort(order)[self.LABELS]  # the place of the true class
        right = int((best == self.LABELS).sum())
        expected = (
            f"of the first 200 images {right} are right, but 200 would be if its outputs were {description}"
        )
        assert find_order(best, self.LABELS, WNIDS) == ("" if right == 200 else expected)

    def test_labels_in_another_order(self):
        _, order = list(known_orders(WNIDS))[4]  # sorted names
        assert "if the data's labels were the classes in the order" in find_order(
            order[self.LABELS], self.LABELS, WNIDS
        )

    def test_good_bad_and_constant_models_are_none(self):
        rng = np.random.default_rng(0)
        noise = rng.integers(0, 1000, 200)
        half = np.where(rng.random(200) < 0.4, self.LABELS, noise)
        for best in (self.LABELS, noise, half, np.ones(200, int)):
            assert not find_order(best, self.LABELS, WNIDS)
            assert not find_order(best, np.zeros(200, int), WNIDS)
        ten = tuple("abcdefghij")
        for seed in range(50):
            best = np.random.default_rng(seed).integers(0, 10, 20)
            assert not find_order(best, np.arange(20) % 10, ten)

    @pytest.mark.parametrize(
        ("right", "hits", "images", "classes"), [(10, 25, 200, 1000), (0, 6, 200, 1000), (0, 11, 20, 10)]
    )
    def test_an_order_makes_twice_as_many_right_and_more_than_chance(self, right, hits, images, classes):
        names, labels = [f"{number:04d}" for number in range(classes)], np.arange(images) % classes
        for number, found in ((hits, True), (hits - 1, False)):
            shift = np.full(images, classes // 2)
            shift[:right] = 0
            shift[right : right + number] = 1
            best = (labels + shift) % classes
            expected = (
                f"of the first {images} images {right} are right, but {number} would be if its outputs were the "
                "classes one place later"
            )
            assert find_order(best, labels, names) == (expected if found else "")

    def test_an_order_is_believed_of_three_classes(self):
        for classes, found in ((2, False), (3, True)):
            labels = np.arange(60) % classes
            assert bool(find_order(labels + 1, labels, WNIDS)) is found

    def test_orders_of_any_names(self):
        orders = [order.tolist() for _, order in known_orders(("b", "a", "C"))]
        assert orders == [[2, 0, 1], [1, 2, 0], [2, 1, 0], [1, 0, 2], [0, 1, 2]]
        *_, (_, as_text) = known_orders([f"{number:02d}" for number in range(12)])
        assert as_text.tolist() == [0, 1, 10, 11, *range(2, 10)]

    def test_chance_is_two_standard_deviations_above_a_guess_of_many_images_and_classes(self):
        labels = np.arange(100)
        for right, expected in ((3, True), (4, False)):
            best = np.where(labels < right, labels, (labels + 1) % 100)
            assert class_order._is_chance(best, labels, 100) is expected
        assert not class_order._is_chance(np.full(99, 99), np.arange(99), 100)
        for classes, expected in ((2, False), (3, True)):
            assert class_order._is_chance(np.full(100, 9), labels % classes, 100) is expected


class _Always:
    """A model that is always right: it knows the class of an image by its mean."""

    def __init__(self, rows, order=range(1000), count=1000):
        self.class_of = {}
        for task in rows.slice(rows.cells[-1:], 0, 99).tasks():
            for sample in task():
                self.class_of[int(sample.images[0].sum())] = sample.label
        self.place = {label: place for place, label in enumerate(order)}
        self.count = count

    def __call__(self, images):
        scores = np.zeros((len(images), self.count), np.float32)
        for row, image in enumerate(images):
            label = self.class_of.get(int(image.astype(int).sum()))
            if label is not None:
                scores[row, self.place[label]] = 9
        return scores


@pytest.fixture(scope="module")
def rows(labelled):
    return from_source("imagenet_c", labelled).select(["clean"])


def clean_error(model, labelled, **options):
    made = evaluate_model(model, source=labelled, benchmarks=["imagenet_c"], configs=["clean"], **options)
    return made.metrics["mce"]["clean_error"], made.signature


def test_a_permuted_model_with_labels_is_always_right(rows, labelled):
    order = np.random.RandomState(0).permutation(1000)
    model = _Always(rows, order)
    names = [imagenet.full_names()[label] for label in order]
    error, signature = clean_error(model, labelled, labels=names)
    assert error == 0 and "|classes:1000-of-1000-" in signature
    assert clean_error(Model("mine", model, labels=tuple(names)), labelled)[0] == 0
    assert clean_error(model, labelled)[0] == 1


def test_a_model_in_the_devkits_order_is_named_and_mapped(rows, labelled):
    devkit = class_list("imagenet-devkit").indices
    assert list(known_orders(WNIDS))[-1][1].tolist() == list(devkit)
    error, signature = clean_error(_Always(rows, devkit), labelled, labels="imagenet-devkit")
    assert error == 0 and "|classes:1000-of-1000-" in signature


def test_a_background_first(rows, labelled):
    model = _Always(rows, ["background", *range(1000)], 1001)
    error, signature = clean_error(model, labelled)
    assert error == 0 and "|classes:1000-of-1001-" in signature


def test_an_order_that_makes_many_more_right_stops(rows, labelled, monkeypatch):
    monkeypatch.setattr(
        class_order,
        "find_order",
        lambda best, labels, classes: "all would be right" if len(best) == 4 else "",
    )
    model = _Always(rows)
    with pytest.raises(SourceError, match=r"_Always: all would be right\. Add --labels .*--no-check"):
        clean_error(model, labelled)
    assert clean_error(model, labelled, check=False)[0] == 0


def test_chance_is_named_and_stops_models_with_labels(rows, monkeypatch, capsys):
    monkeypatch.setattr(class_order, "_FEWEST", 4)
    model = _Always(rows, np.roll(np.arange(1000), 17))
    check_order(Model("mine", model), [rows], None, 1, 2)
    assert "mine: accuracy on the first 4 images is no better than chance" in capsys.readouterr().err
    with pytest.raises(SourceError, match=r"is no better than chance.*--no-check"):
        check_order(Model("mine", model, labels=WNIDS), [rows], None, 1, 2)


def test_the_least_corrupted_images_are_looked_at_first():
    class Few:
        cells = (Cell("brightness_2", "brightness", 2), Cell("clean", "clean", 0), Cell("fog_1", "fog", 1))
        num_rows = dict.fromkeys(("brightness_2", "clean", "fog_1"), 40)
        sequences = False

        def slice(self, cells, start, stop):
            taken.append((cells[0].config, start, stop))
            return SimpleNamespace(tasks=lambda: iter(()))

    taken, few = [], Few()
    for few.sequences, number in ((False, 50), (False, 9), (True, 93), (True, 9)):
        assert list(class_order._first(Model("m", None), few, number, None, 1)) == []
    assert taken == [("clean", 0, stop) for stop in (40, 9, 3, 1)]
