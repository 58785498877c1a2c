"""Data set for worker processes, in a module that is quick to import; and torchvision."""

import importlib
import sys

import pytest
import torch

_defined = []


def load_torchvision(name):
    """Import a module of torchvision, or skip the test.

    The wheel on PyPI is built with CUDA: beside a torch without it, its compiled operators are absent. No test calls
    them, so their names suffice.
    """
    try:
        return importlib.import_module(name)
    except RuntimeError:
        for module in [module for module in sys.modules if module.partition(".")[0] == "torchvision"]:
            del sys.modules[module]
        _defined.append(torch.library.Library("torchvision", "DEF"))
        for operator in ("nms", "qnms"):
            _defined[-1].define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        return importlib.import_module(name)
    except ImportError as error:
        pytest.skip(f"could not import {name}: {error}")


class Corrupted:
    """Eight small grey images, all the same, under two transforms; the second sees the index in a corner."""

    def __init__(self, fresh, seeded):
        self.fresh, self.seeded = fresh, seeded

    def __len__(self):
        return 8

    def __getitem__(self, index):
        if index >= len(self):
            raise IndexError(index)
        image = torch.full((3, 32, 32), 128, dtype=torch.uint8)
        fresh = self.fresh(image)
        image[0, 0, 0] = index
        return fresh, self.seeded(image)
