"""Where tensors live and in which precision they are computed."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from segrec.core.amp import AMP_CHOICES
from segrec.core.errors import ConfigError


def resolve_device(name: str = "auto") -> torch.device:
    """Return the device that `name` stands for.

    Args:
        name: `auto` (CUDA, then MPS, then CPU), `cpu`, `cuda`, `cuda:N` or `mps`.

    Raises:
        ConfigError: the name is unknown or this machine has no such device.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"unknown device {name!r}; use auto, cpu, cuda, cuda:N or mps") from error
    if device.type not in ("cpu", "cuda", "mps"):
        raise ConfigError(f"device {name!r} is not supported; use auto, cpu, cuda, cuda:N or mps")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"device {name!r} asked for, but this machine shows {torch.cuda.device_count()} CUDA devices")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("device 'mps' asked for, but this machine has no Apple GPU; use auto or cpu")
    return device


def limit_threads(count: int) -> None:
    """Let networks on the CPU use at most `count` threads, from 1, in this process."""
    torch.set_num_threads(count)


def autocast(device: torch.device, amp: str = "off") -> AbstractContextManager[object]:
    """Return the context in which forward passes run: plain float32 for `off`, else bfloat16 or float16.

    Raises:
        ConfigError: `amp` is not one of `off`, `bf16`, `fp16`, or float16 is asked for on a CPU.
    """
    if amp not in AMP_CHOICES:
        raise ConfigError(f"unknown amp {amp!r}; use one of {', '.join(AMP_CHOICES)}")
    if amp == "off":
        return nullcontext()
    if amp == "fp16" and device.type == "cpu":
        raise ConfigError("amp fp16 needs a GPU; use bf16 or off on a CPU")
    return torch.autocast(device.type, torch.bfloat16 if amp == "bf16" else torch.float16)
