"""How strongly a widened recognizer's first layer weighs the mask beside the colours."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from recognizers.widen import input_layers

HARDLY, WEAKLY = 0.1, 0.5
"""Shares of a colour's norm below which a mask's kernel is hardly, or only weakly, there."""


class ChannelNorms(NamedTuple):
    """Euclidean norms of a first layer's kernels: the mask's, and the mean of the colours' one by one."""

    mask: float
    colour: float

    @property
    def share(self) -> float:
        """The mask's as a share of a colour's; 0 where all are 0."""
        return self.mask / self.colour if self.colour else 0.0

    @property
    def words(self) -> str:
        """Both for people."""
        return f"{self.mask:.3f}, a colour's is {self.colour:.3f} (mean of the colours)"


def channel_norms(weight: Tensor) -> ChannelNorms:
    """Return the norms of a convolution's (out, colours + 1, kh, kw) weights, whose last input is the mask."""
    norms = weight.detach().double().square().sum(dim=(0, 2, 3)).sqrt()
    return ChannelNorms(float(norms[-1]), float(norms[:-1].mean()))


def mask_facts(model: nn.Module) -> dict[str, str]:
    """Return facts about the mask's kernel in each layer that sees it, and what they mean together.

    Args:
        model: a recognizer with a mask channel.
    """
    norms = {name: channel_norms(model.get_parameter(f"{name}.weight")) for name in input_layers(model)}
    kernels = "; ".join(f"{f'{name}: ' if len(norms) > 1 else ''}{found.words}" for name, found in norms.items())
    strongest = max(norms.values(), key=lambda found: found.share)
    return {"mask kernel's norm": kernels, "mask used": verdict(strongest)}


def verdict(norms: ChannelNorms) -> str:
    """Return in plain words whether a network with such kernels can make much of its mask."""
    if norms.mask == 0:
        return "no: its kernel is zero, so every mask gives the same reading; fine-tune it first"
    share = f"its kernel has {100 * norms.share:.1f} % of a colour's norm"
    check = "segrec eval --mask-check tells what it does to readings"
    if norms.share < HARDLY:
        return f"hardly: {share}, so the mask moves little; {check}"
    if norms.share < WEAKLY:
        return f"weakly: {share}; {check}"
    return f"it can be: {share}; {check}"
