"""The processes that share one training: who they are, and what they tell each other."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn

from segrec.core.device import resolve_device
from segrec.core.errors import ConfigError, SegrecError
from segrec.core.runlog import LOGGER
from segrec.training.global_norm import with_global_norms

Result = TypeVar("Result")
Name = TypeVar("Name", str, tuple[str, str])

GROUP_TIMEOUT = timedelta(hours=4)
"""How long a process waits for another, which may be evaluating; the death of one is noticed by torchrun at once."""


@dataclass(frozen=True)
class World:
    """The processes of a training. All methods but `is_main` are called by all of them together, in the same order.

    Attributes:
        rank: number of this process, from 0.
        size: how many there are; alone, no method uses torch.distributed.
        device: where this process computes.
    """

    rank: int
    size: int
    device: torch.device

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes files, messages and scores."""
        return self.rank == 0

    def barrier(self) -> None:
        """Wait until all processes are here."""
        self.any(False)

    def sum(self, counts: Mapping[Name, float]) -> dict[Name, float]:
        """Return the sums over all processes, in float64; all give the same names."""
        if self.size == 1:
            return dict(counts)
        names: list[Name] = sorted(counts)
        total = torch.tensor([*(counts[name] for name in names), 0.0], dtype=torch.float64, device=self.device)
        torch.distributed.all_reduce(total)
        sums = dict(zip(names, total.tolist(), strict=False))
        return {name: sums[name] for name in counts}

    def any(self, flag: bool) -> bool:
        """Return whether the flag is set in any process."""
        return self.sum({"flag": float(flag)})["flag"] > 0

    def gather(self, tensor: Tensor) -> Tensor:
        """Return (size, ...), the tensors of all processes; all have the same shape and type."""
        if self.size == 1:
            return tensor[None]
        local = tensor.to(self.device)
        parts = [torch.empty_like(local) for _ in range(self.size)]
        torch.distributed.all_gather(parts, local)
        return torch.stack(parts).to(tensor.device)

    def gather_objects(self, value: Result) -> list[Result]:
        """Return what each process gave, in the order of their ranks; any value that can be pickled."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        torch.distributed.all_gather_object(values, value)
        return values

    def together(self, function: Callable[[], Result]) -> list[Result]:
        """Return what the function gives in each process, by rank, once it has ended in all of them.

        Raises:
            SegrecError: in all processes, when the function raises one in some; the first by rank.
        """
        try:
            outcome: Result | SegrecError = function()
        except SegrecError as error:
            outcome = error
        outcomes = self.gather_objects(outcome)
        for found in outcomes:
            if isinstance(found, SegrecError):
                raise found
        return cast(list[Result], outcomes)

    def on_main(self, function: Callable[[], Result]) -> Result:
        """Return in all processes what the function gives in the main one, where alone it is called.

        Raises:
            SegrecError: in all processes, when the function raises one.
        """
        if self.size == 1:
            return function()
        outcome: list[object] = [None]
        if self.is_main:
            try:
                outcome = [function()]
            except SegrecError as error:
                outcome = [error]
        torch.distributed.broadcast_object_list(outcome, device=self.device)
        if isinstance(outcome[0], SegrecError):
            raise outcome[0]
        return cast(Result, outcome[0])


ALONE = World(0, 1, torch.device("cpu"))
"""One process by itself, on whatever device; the loop does not ask which."""


@contextmanager
def launched(device: str = "auto") -> Iterator[World]:
    """Join the processes that torchrun started with this one, or be alone without torchrun; leave them at the end.

    Messages and progress of all processes but the main one are silenced meanwhile.

    Args:
        device: as `resolve_device`; `auto` and `cuda` are one CUDA device for each process of a machine.

    Raises:
        ConfigError: torchrun's environment is incomplete, the processes cannot meet, or there are too few devices.
    """
    rank, size, local_rank = torchrun_ranks()
    if size == 1:
        yield World(0, 1, resolve_device(device))
        return
    world = World(rank, size, own_device(device, local_rank))
    if world.device.type == "cuda":
        torch.cuda.set_device(world.device)
    level = LOGGER.level
    try:
        torch.distributed.init_process_group("nccl" if world.device.type == "cuda" else "gloo", timeout=GROUP_TIMEOUT)
    except (RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"process {rank} of {size} cannot meet the others ({reason}); start with torchrun") from error
    try:
        if not world.is_main:
            LOGGER.setLevel(logging.ERROR)
        yield world
    finally:
        LOGGER.setLevel(level)
        torch.distributed.destroy_process_group()


def is_main_process() -> bool:
    """Return whether this is the only process, or the first of those that torchrun started.

    Raises:
        ConfigError: torchrun's environment is incomplete.
    """
    return torchrun_ranks()[0] == 0


def shared(model: nn.Module, world: World, *, find_unused_parameters: bool = False) -> nn.Module:
    """Return what the loss is to call: the model alone, or wrapped so that gradients are those of the global batch.

    The model's BatchNorms are made to see the global batch, in place; its weights and their names stay, those of the
    main process are copied to all. Call the wrapper, not the model; its gradients are the mean over the processes.

    Args:
        model: on the world's device.
        world: the processes.
        find_unused_parameters: a batch may leave parameters without a gradient.
    """
    if world.size == 1:
        return model
    with_global_norms(model, world.gather)
    return nn.parallel.DistributedDataParallel(model, find_unused_parameters=find_unused_parameters)


def torchrun_ranks() -> tuple[int, int, int]:
    """Return (rank, size, local rank) from torchrun's variables; (0, 1, 0) without them.

    Raises:
        ConfigError: torchrun's environment is incomplete.
    """
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
    if "WORLD_SIZE" not in os.environ:
        return 0, 1, 0
    try:
        rank, size, local_rank = (int(os.environ[name]) for name in names)
    except (KeyError, ValueError) as error:
        raise ConfigError(
            f"WORLD_SIZE is set, but {', '.join(names)} are not all numbers; start with torchrun, or unset WORLD_SIZE"
        ) from error
    return rank, size, local_rank


def own_device(name: str, local_rank: int) -> torch.device:
    """Return the device of one of several processes of a machine: a CUDA device each where there are any.

    Args:
        name: as `resolve_device`; `auto`, `cuda` or `cpu`.
        local_rank: number of this process among those of its machine, from 0.

    Raises:
        ConfigError: one device is named for all of them, or there are too few.
    """
    device = resolve_device(name)
    if device.type == "mps" or device.index is not None:
        raise ConfigError(f"torchrun gives each process a device of its own; use auto, cuda or cpu, not {name!r}")
    if device.type == "cpu":
        return device
    if local_rank >= torch.cuda.device_count():
        raise ConfigError(
            f"torchrun started more processes than this machine's {torch.cuda.device_count()} CUDA devices; "
            "lower --nproc-per-node"
        )
    return torch.device("cuda", local_rank)
