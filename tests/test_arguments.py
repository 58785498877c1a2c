"""Numbers among the arguments of functions are checked before any work, in the words of one function."""

import json
import re
from functools import partial

import numpy as np
import pytest
from PIL import Image

from imagenet_cp.arguments import name_list, optional_number, real_number
from imagenet_cp.build.plan import build, new_plan
from imagenet_cp.build.verify import verify
from imagenet_cp.errors import UsageError
from imagenet_cp.evaluation.run import evaluate_model, evaluate_models
from imagenet_cp.evaluation.streams import stream
from imagenet_cp.sources import open_source

PLAN = partial(new_plan, "imagenet_c", None, "nowhere")
BUILD = partial(build, "imagenet_c", None, "nowhere")
VERIFY = partial(verify, "nowhere")
ONE, SEVERAL = partial(evaluate_model, "nobody:nothing"), partial(evaluate_models, ["nobody:nothing"])
STREAM = partial(stream, "continual", "nowhere")


@pytest.mark.parametrize("value", [-1, 2.5, "4", True, float("nan"), [4], np.array([1, 2])])
@pytest.mark.parametrize(
    ("function", "argument"),
    [(PLAN, "images_per_file"), (BUILD, "images_per_file"), (BUILD, "workers_count"), (VERIFY, "sample"),
     (VERIFY, "threads"), (ONE, "batch_size"), (ONE, "limit"), (ONE, "threads"), (SEVERAL, "batch_size"),
     (SEVERAL, "limit"), (SEVERAL, "threads"), (SEVERAL, "processes"), (SEVERAL, "images_per_unit"),
     (STREAM, "batch_size"), (STREAM, "limit"), (STREAM, "threads")],
)  # fmt: skip
def test_a_wrong_number_is_named_before_any_work(function, argument, value):
    with pytest.raises(UsageError, match=rf"^{argument} must be a whole number from [01](, or None)?, not "):
        function(**{argument: value})


@pytest.mark.parametrize(
    ("function", "argument"),
    [(BUILD, "images_per_file"), (BUILD, "workers_count"), (VERIFY, "threads"), (SEVERAL, "batch_size"),
     (SEVERAL, "limit"), (SEVERAL, "threads"), (SEVERAL, "processes"), (SEVERAL, "images_per_unit")],
)  # fmt: skip
def test_zero_is_no_default(function, argument):
    with pytest.raises(UsageError, match=rf"^{argument} must be a whole number from 1.*, not 0$"):
        function(**{argument: 0})


def test_names_and_choices_are_checked_before_any_work():
    with pytest.raises(UsageError, match=r"on_error must be .raise. or .skip., not 'ignore'"):
        PLAN(on_error="ignore")
    with pytest.raises(UsageError, match="the source of a build comes from open_source, not str"):
        new_plan("imagenet_c", "path", "nowhere")
    for argument in ("configs", "benchmarks"):
        with pytest.raises(UsageError, match=f"^{argument} must be a name or a list of names, not 3$"):
            SEVERAL(**{argument: 3})


@pytest.mark.parametrize("value", [3, 3.0, np.int64(3), np.uint8(3), np.array(3)])
def test_numbers_of_numpy_are_numbers(value):
    number = optional_number("limit", value)
    assert number == 3 and type(number) is int


def test_none_is_taken_and_named_in_the_message():
    assert optional_number("limit", None) is None
    with pytest.raises(
        UsageError, match=re.escape("limit must be a whole number from 1, or None, not 'all'")
    ):
        optional_number("limit", "all")


@pytest.mark.parametrize("value", [0, 2, 1.5, np.float32(0.5)])
def test_both_ends_of_a_range_are_in_it(value):
    number = real_number("share", value, 2)
    assert number == value and type(number) is float


@pytest.mark.parametrize("value", [-0.01, 2.01, float("nan"), float("inf"), 10**400, "1", None, [1]])
def test_a_number_out_of_its_range_is_named(value):
    with pytest.raises(UsageError, match=r"^share must be a number from 0 to 2, not "):
        real_number("share", value, 2)


def test_names_of_a_set_are_sorted_as_in_the_order_and_those_of_a_list_stay():
    order = ["snow", "fog", "rain"]
    assert name_list("configs", {"rain", "zoom", "fog", "snow", "ant"}, order) == ["ant", "zoom", *order]
    assert name_list("configs", {"rain": 1, "fog": 2}, order) == ["fog", "rain"]
    assert name_list("configs", ("rain", "ant"), order) == ["rain", "ant"]
    assert name_list("configs", "rain", order) == ["rain"]


def test_a_number_of_numpy_can_be_recorded(tmp_path):
    (tmp_path / "val/class").mkdir(parents=True)
    Image.new("RGB", (256, 256)).save(tmp_path / "val/class/a.png")
    plan = new_plan(
        "imagenet_c", open_source(tmp_path / "val"), tmp_path / "out", images_per_file=np.int64(2)
    )
    assert json.loads(json.dumps(plan.identity))["images_per_file"] == 2
