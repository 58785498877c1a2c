"""Devices of an evaluation, and its place among the processes that a launcher started."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence

from ..errors import UsageError
from ..jobs.cores import available_cores
from ..jobs.job_folder import Shard
from ..jobs.memory import available_memory, default_workers
from .models.model import import_library
from .models.pytorch import find_device

#: Beginning of the names of models that run on PyTorch.
_TORCH = ("timm:", "torchvision:", "hf:")
#: Bytes of a process that runs a ResNet-50 or a ViT-B on batches of 64 and makes their images.
_PROCESS_MEMORY = 2_000_000_000
#: Bytes of each further model in such a process.
_MODEL_MEMORY = 500_000_000
#: Bytes of a GPU for each process on it, with batches of up to so many images.
_GPU_MEMORY, _GPU_BATCH = 8_000_000_000, 256
#: Cores whose threads one process keeps busy; more wait for Python's lock (tests/benchmarks/results/accelerator.md).
_CORES = 4
#: Variables of a launcher: number of a process, their number, and its number on its machine.
_LAUNCHERS = (
    ("RANK", "WORLD_SIZE", "LOCAL_RANK"),
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID"),
)


def find_shard(environment: Mapping[str, str] = os.environ) -> tuple[Shard, int]:
    """Shard of this process and its number on its machine, as torchrun or Slurm's srun set them.

    Returns
    -------
    Shard
        All of the work without a launcher.
    int
        Number of the process on its machine.
    """
    for rank, count, local in _LAUNCHERS:
        if environment.get(rank, "").isdecimal() and environment.get(count, "").isdecimal():
            shard = Shard(int(environment[rank]) + 1, int(environment[count]))
            number = environment.get(local, "")
            return shard, int(number if number.isdecimal() else environment[rank])
    return Shard(), 0


def find_devices(device: str, models: Sequence[object], local: int | None = None) -> tuple[str, ...]:
    """List the devices that worker processes use in turn.

    Parameters
    ----------
    device : str
        Such as ``auto``, ``cpu``, ``cuda`` for all visible GPUs, or ``cuda:1``.
    models : sequence
        The models; those given as functions choose their devices themselves.
    local : int, optional
        Number of this process on its machine where a launcher started one for each device: ``auto`` is all GPUs then.

    Raises
    ------
    UsageError
        The device is not available, or all models choose theirs themselves.
    """
    check_device(device, models)
    devices: tuple[str, ...] = (device,)
    if any(isinstance(model, str) and model.startswith(_TORCH) for model in models):
        found = device if local is None and device != "cuda" else find_device(device)
        if found == "cuda":
            count = import_library("torch").cuda.device_count()
            devices = tuple(f"cuda:{number}" for number in range(count))
    return devices


def default_processes(devices: Sequence[str], models: Sequence[str], batch_size: int) -> int | None:
    """Count the processes for models on some devices, as far as the memory reaches.

    On the CPU there is one for each core. On a GPU there is one for every four cores, since a GPU is faster than the
    threads of one process can make its images; several models need fewer images in the same time.

    Parameters
    ----------
    devices : sequence of str
        From `find_devices`.
    models : sequence of str
        Names of the models, all of which every process holds.
    batch_size : int
        Images of a batch.

    Returns
    -------
    int, optional
        None for other devices, and if a model is not of PyTorch by its name: it has threads or a device of its own.
    """
    if not all(name.startswith(_TORCH) for name in models):
        return None
    kinds = {find_device(device).partition(":")[0] for device in devices}
    each = _PROCESS_MEMORY + (len(models) - 1) * _MODEL_MEMORY
    if kinds == {"cpu"}:
        return default_workers("process", each)
    if kinds != {"cuda"}:
        return None
    cuda = import_library("torch").cuda
    free: int = min(cuda.mem_get_info(None if device == "auto" else device)[0] for device in devices)
    limits = [
        available_cores() // (_CORES * len(models) * len(devices)),
        free // (_GPU_MEMORY * math.ceil(batch_size / _GPU_BATCH)),
    ]
    if (memory := available_memory()) is not None:
        limits.append(memory // (each * len(devices)))
    return len(devices) * max(1, min(limits))


def check_device(device: str, models: Sequence[object]) -> None:
    """Raise UsageError if no model takes the device, since all choose theirs themselves."""
    names = [model for model in models if isinstance(model, str)]
    if device != "auto" and not any(name.startswith(_TORCH) or name.endswith(".onnx") for name in names):
        raise UsageError(
            f"the device {device!r} is for models of timm:, torchvision:, hf: and ONNX; a function chooses its own"
        )
