"""In which precision a run trains when that is left to it: what a short measurement shows to be faster."""

from __future__ import annotations

import time
from pathlib import Path

import torch
from torch import nn

from segrec.core.amp import AMP_CHOICES, Amp, TrainingAmp
from segrec.core.device import autocast
from segrec.core.errors import DataError
from segrec.core.runlog import LOGGER
from segrec.training.distributed import World
from segrec.training.run_directory import RunDirectory

CLEAR_GAIN = 1.2
"""How many times faster bfloat16 must be to be taken: below, the machine's noise could decide."""

_BATCH, _CHANNELS, _HEIGHT, _WIDTH, _STEPS = 16, 64, 16, 50, 4
"""The measurement's input, about that of a slim recognizer's middle, and its steps, of which the fastest counts."""


def chosen_amp(amp: TrainingAmp, output: str | Path, world: World) -> Amp:
    """Return the precision of a run: `amp` itself, or for `auto` that of the run in `output`, or the faster one.

    Args:
        amp: "off", "bf16", "fp16" or "auto".
        output: the run directory; a run that goes on keeps its precision, so that it stays the same run.
        world: the processes that train together; the main one decides.

    Raises:
        ConfigError: `amp` is unknown, or the device cannot compute in it.
    """
    taken = world.on_main(lambda: _recorded(RunDirectory(output)) or _faster(world.device)) if amp == "auto" else amp
    autocast(world.device, taken)
    return taken


def _recorded(run: RunDirectory) -> Amp | None:
    if not run.state.exists():
        return None
    try:
        amp = run.read_record()["settings"].get("amp")
    except DataError:
        return None  # `RunDirectory.begin` says what is wrong with it
    return next((known for known in AMP_CHOICES if known == amp), None)


def _faster(device: torch.device) -> Amp:
    """Return "bf16" where a convolution's training step is clearly faster in it than in float32, else "off"."""
    if device.type == "mps" or (device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False)):
        return "off"
    with torch.random.fork_rng(devices=[]):
        layer = nn.Conv2d(_CHANNELS, _CHANNELS, 3, padding=1).to(device).to(memory_format=torch.channels_last)
        images = torch.rand(_BATCH, _CHANNELS, _HEIGHT, _WIDTH).to(device).to(memory_format=torch.channels_last)
    seconds = {amp: _seconds(layer, images.requires_grad_(), amp) for amp in ("off", "bf16")}
    gain = seconds["off"] / seconds["bf16"]
    LOGGER.info("--amp auto: bfloat16 takes a step in 1/%.1f of float32's time here", gain)
    return "bf16" if gain >= CLEAR_GAIN else "off"


def _seconds(layer: nn.Module, images: torch.Tensor, amp: str) -> float:
    """Return the seconds of the fastest training step."""
    taken = []
    for _ in range(_STEPS):
        start = time.perf_counter()
        with autocast(images.device, amp):
            result = layer(images)
        result.float().mean().backward()
        if images.device.type == "cuda":
            torch.cuda.synchronize(images.device)
        taken.append(time.perf_counter() - start)
    return min(taken)
