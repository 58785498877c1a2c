"""Devices of worker processes, and shards of a launcher; GPUs are pretended."""

import types

import pytest

from imagenet_cp.errors import UsageError
from imagenet_cp.evaluation import devices, run
from imagenet_cp.evaluation.devices import default_processes, find_devices, find_shard
from imagenet_cp.evaluation.models.spec import ModelSpec
from imagenet_cp.jobs.job_folder import Shard


@pytest.fixture
def two_gpus(monkeypatch):
    torch = types.SimpleNamespace(cuda=types.SimpleNamespace(device_count=lambda: 2))
    monkeypatch.setattr(devices, "import_library", lambda name: {"torch": torch}[name])
    monkeypatch.setattr(devices, "find_device", lambda device: "cuda" if device == "auto" else device)


def test_cuda_is_all_visible_gpus(two_gpus):
    assert find_devices("cuda", ["timm:resnet50"]) == ("cuda:0", "cuda:1")
    assert find_devices("cuda:1", ["hf:org/name"]) == ("cuda:1",)
    assert find_devices("auto", ["timm:resnet50"]) == ("auto",)
    assert find_devices("cuda", ["model.onnx"]) == ("cuda",)


def test_cuda_that_is_not_available_is_an_error(two_gpus, monkeypatch):
    def unavailable(device):
        raise UsageError(f"{device} is not available")

    monkeypatch.setattr(devices, "find_device", unavailable)
    with pytest.raises(UsageError, match=r"^cuda is not available$"):
        find_devices("cuda", ["timm:resnet50"])


@pytest.mark.parametrize("device", ["gpu9", "cuda", "cpu"])
def test_a_function_takes_no_device(device):
    for model in (len, "package.module:function"):
        assert find_devices("auto", [model]) == ("auto",)
        with pytest.raises(
            UsageError, match=f"the device '{device}' is for models of timm:.* chooses its own"
        ):
            find_devices(device, [model])


def test_a_launched_process_has_the_device_of_its_number(two_gpus, monkeypatch):
    assert find_devices("auto", ["timm:resnet50"], local=1) == ("cuda:0", "cuda:1")
    assert find_devices("cpu", ["timm:resnet50"], local=1) == ("cpu",)
    chosen = []
    monkeypatch.setattr(run, "check_device", lambda *_: None)
    monkeypatch.setattr(ModelSpec, "open", lambda spec, device: chosen.append(device) or 1 / 0)
    for local in (0, 4):
        with pytest.raises(ZeroDivisionError):
            run.evaluate_models([len], source="nowhere", devices=["cuda:5", "cuda:6", "cuda:7"], local=local)
    assert chosen == ["cuda:5", "cuda:6"]


def test_a_list_of_devices_is_of_models_that_take_them():
    with pytest.raises(UsageError, match=r"the device 'cuda:5' is for models of timm:.* chooses its own"):
        run.evaluate_models([len], source="nowhere", devices=["auto", "cuda:5"])


def test_launchers_name_the_shard():
    assert find_shard({}) == (Shard(), 0)
    assert find_shard({"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1"}) == (Shard(6, 8), 1)
    of_slurm = {"SLURM_PROCID": "3", "SLURM_STEP_NUM_TASKS": "4", "SLURM_LOCALID": "1"}
    assert find_shard(of_slurm) == (Shard(4, 4), 1)
    for local in ({}, {"LOCAL_RANK": ""}, {"LOCAL_RANK": "x"}):
        assert find_shard({"RANK": "1", "WORLD_SIZE": "2", **local}) == (Shard(2, 2), 1)
    # The script of a batch job has the first number too, but runs once.
    assert find_shard({"SLURM_PROCID": "0", "SLURM_NTASKS": "4"}) == (Shard(), 0)


def test_on_the_cpu_networks_have_a_process_per_core(monkeypatch):
    asked = []
    monkeypatch.setattr(devices, "find_device", lambda device: "cpu" if device == "auto" else device)
    monkeypatch.setattr(devices, "default_workers", lambda *needs: asked.append(needs) or 5)
    assert default_processes(("auto",), ["timm:a"], 64) == 5
    assert default_processes(("auto",), ["timm:a", "torchvision:b", "hf:c/d"], 64) == 5
    assert default_processes(("mps",), ["timm:a"], 64) is None
    for model in ("model.onnx", "package.module:function"):
        assert default_processes(("auto",), ["timm:a", model], 64) is None
    assert asked == [("process", 2_000_000_000), ("process", 3_000_000_000)]


def test_a_gpu_has_a_process_for_every_four_cores_as_far_as_its_memory_reaches(two_gpus, monkeypatch):
    free = {"cuda:0": 80e9, "cuda:1": 24e9, None: 80e9}
    devices.import_library("torch").cuda.mem_get_info = lambda device: (int(free[device]), 0)
    monkeypatch.setattr(devices, "available_cores", lambda: 40)
    monkeypatch.setattr(devices, "available_memory", lambda: None)

    def count(*names, models=1, batch_size=64):
        return default_processes(names, ["timm:resnet50"] * models, batch_size)

    assert count("auto") == count("cuda:0") == 10
    assert count("cuda:1") == 3  # of 8 GB each
    assert count("cuda:0", "cuda:1") == 6
    assert count("cuda:0", models=3) == 3  # which need a third of the images
    assert count("cuda:0", batch_size=256) == 10 and count("cuda:0", batch_size=257) == 5
    monkeypatch.setattr(devices, "available_memory", lambda: int(9e9))
    assert count("cuda:0") == 4 and count("cuda:0", models=2) == 3 and count("cuda:0", "cuda:1") == 4
    monkeypatch.setattr(devices, "available_cores", lambda: 8)
    assert count("cuda:0") == count("cuda:0", "cuda:1") == 2
    free["cuda:0"] = 1e9
    assert count("cuda:0") == 1
