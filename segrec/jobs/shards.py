"""Which shard of a store this process is to write, as torchrun or SLURM says in its environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import NamedTuple

import torch

from segrec.core.errors import ConfigError
from segrec.core.runlog import LOGGER
from segrec.training.distributed import own_device, torchrun_ranks


class OwnShard(NamedTuple):
    """What one of several processes does: shard (number from 1, count), on a device named as `resolve_device` takes."""

    shard: tuple[int, int]
    device: str


@dataclass(frozen=True)
class _Part:
    """One process among several: its index from 0, how many they are, and who started them so."""

    index: int
    count: int
    starter: str


WHOLE = _Part(0, 1, "")


def shard_of_environment(device: str = "auto") -> OwnShard:
    """Return the shard of this process, said on stderr where it is not the whole; no process group is made.

    The tasks of a SLURM array are parts of the whole, and so are the processes that torchrun or srun started; where an
    array's tasks start several processes each, the parts are cut again. Without any of these it is shard 1/1.

    Args:
        device: `auto` and `cuda` give each process that torchrun or srun started on a machine a CUDA device of its own.

    Raises:
        ConfigError: the variables contradict each other, an array's numbers are not evenly spaced, or torchrun started
            more processes than there are CUDA devices.
    """
    array, process = _array_task(), _process()
    shard = (array.index * process.count + process.index + 1, array.count * process.count)
    if process.count > 1:
        device = str(own_device(device, _local_index()))
    if shard[1] > 1:
        starters = " and ".join(part.starter for part in (array, process) if part.count > 1)
        LOGGER.info("shard %d/%d of %s, device %s; --shard 1/1 does all in one process", *shard, starters, device)
    return OwnShard(shard, device)


def _process() -> _Part:
    """Return which of the processes this is that torchrun, or else srun, started for one job."""
    rank, size, _ = torchrun_ranks()
    if "WORLD_SIZE" in os.environ:
        return _Part(rank, size, "torchrun")
    if "SLURM_PROCID" not in os.environ or "SLURM_NTASKS" not in os.environ:
        return WHOLE
    index, count = _number("SLURM_PROCID"), _number("SLURM_NTASKS")
    if not 0 <= index < count:
        raise ConfigError(f"SLURM_PROCID {index} is not below SLURM_NTASKS {count}; start with srun or give --shard")
    return _Part(index, count, "srun")


def _local_index() -> int:
    """Return the number of this process among those of its machine; srun may have bound it to one device already."""
    if "WORLD_SIZE" in os.environ:
        return torchrun_ranks()[2]
    return (_number("SLURM_LOCALID") if "SLURM_LOCALID" in os.environ else 0) % max(1, torch.cuda.device_count())


def _array_task() -> _Part:
    """Return which task of a SLURM array this is; the array's numbers may begin anywhere and have a step."""
    if "SLURM_ARRAY_TASK_ID" not in os.environ:
        return WHOLE
    task, first, last = (_number(f"SLURM_ARRAY_TASK_{name}") for name in ("ID", "MIN", "MAX"))
    count = _number("SLURM_ARRAY_TASK_COUNT") if "SLURM_ARRAY_TASK_COUNT" in os.environ else last - first + 1
    tasks = range(first, last + 1, max(1, (last - first) // max(1, count - 1)))
    if task not in tasks or len(tasks) != count or tasks[-1] != last:
        raise ConfigError(
            f"task {task} of a SLURM array of {count} from {first} to {last} does not say which shard it is; "
            "use an array without gaps, as --array=0-15, or name --shard I/N"
        )
    return _Part(tasks.index(task), count, "the SLURM array")


def _number(name: str) -> int:
    try:
        return int(os.environ[name])
    except (KeyError, ValueError) as error:
        found = os.environ.get(name)
        raise ConfigError(f"{name} is {found!r}, expected a number; start with sbatch, or name --shard I/N") from error
