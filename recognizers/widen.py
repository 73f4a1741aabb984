"""The fourth input channel: widening a recognizer's first layer for a text mask, and training only that layer."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

Init = Literal["random", "zero-mask", "luma"]

LUMA = (0.299, 0.587, 0.114)
"""ITU-R 601 weights of red, green and blue; they sum to 1, so normalising before or after makes no difference."""

_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
_DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)


def widen_input(
    model: nn.Module, init: Init = "random", *, generator: torch.Generator | None = None, layer: str | None = None
) -> nn.Module:
    """A copy of `model` that takes (N, 4, H, W): RGB in [-1, 1] and a text mask in [0, 1].

    Args:
        model: a recognizer with 1 (grey) or 3 (RGB) input channels.
        init: "random" draws the whole first layer anew, as the paper does; "zero-mask" keeps the pretrained weights and
            starts the mask's at 0; "luma" is that for grey weights, spread over RGB. The last two give the plain
            model's logits before any training, whatever the mask (grey: on the luma of the colour image).
        generator: the source of a random init, on the CPU; None is torch's global one.
        layer: name of the first convolution, for a model that does not name its own in `input_layer`.

    Raises:
        ValueError: the layer is unknown or no convolution of 1 or 3 channels, or the init does not go with it.
    """
    if init not in ("random", "zero-mask", "luma"):
        raise ValueError(f"init must be 'random', 'zero-mask' or 'luma', got {init!r}")
    name = input_layer_of(model, layer)
    wide: Any = copy.deepcopy(model)
    conv = wide.get_submodule(name)
    if not isinstance(conv, nn.Conv2d) or conv.groups != 1:
        raise ValueError(f"layer {name!r} must be an ungrouped Conv2d to be widened, got {type(conv).__name__}")
    wide.set_submodule(name, _widen_convolution(conv, init, generator, name))
    wide.input_layer = name
    if hasattr(model, "input_spec"):
        wide.input_spec = replace(wide.input_spec, color="rgb", mask=True)
    return wide


def freeze_all_but_input(model: nn.Module, *, layer: str | None = None) -> list[str]:
    """Names of the parameters that still train: those of the input layer; all others get `requires_grad=False`.

    Train with `train_input_mode(model)` in place of `model.train()`, or BatchNorm's statistics would still move.

    Raises:
        ValueError: the model names no input layer and `layer` is not given or unknown.
    """
    prefix = input_layer_of(model, layer) + "."
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.startswith(prefix))
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def train_input_mode(model: nn.Module) -> None:
    """Put `model` in train mode (cuDNN needs it for an LSTM's backward) with BatchNorm and dropout left in eval."""
    model.train()
    for module in model.modules():
        if isinstance(module, _BATCH_NORMS + _DROPOUTS):
            module.eval()


def input_layer_of(model: nn.Module, layer: str | None = None) -> str:
    """Name of the layer that sees the image: `layer`, or what the model itself says.

    Raises:
        ValueError: neither names a layer of the model.
    """
    name = layer or getattr(model, "input_layer", None)
    if not name:
        raise ValueError(f"{type(model).__name__} names no input_layer: pass layer= with its first convolution's name")
    try:
        model.get_submodule(name)
    except AttributeError:
        convolutions = [found for found, module in model.named_modules() if isinstance(module, nn.Conv2d)]
        raise ValueError(
            f"{type(model).__name__} has no layer {name!r}; its first convolutions are {convolutions[:3]}"
        ) from None
    return str(name)


def _widen_convolution(conv: nn.Conv2d, init: Init, generator: torch.Generator | None, name: str) -> nn.Conv2d:
    if conv.in_channels not in (1, 3):
        raise ValueError(f"layer {name!r} must take 1 or 3 channels to be widened to 4, it takes {conv.in_channels}")
    if init == "luma" and conv.in_channels == 3:
        raise ValueError(f"luma is for grey weights, but layer {name!r} takes RGB already: use init='zero-mask'")
    wide: nn.Conv2d = nn.utils.skip_init(
        nn.Conv2d,
        4,
        conv.out_channels,
        conv.kernel_size,
        stride=conv.stride,
        padding=conv.padding,
        dilation=conv.dilation,
        bias=conv.bias is not None,
        padding_mode=conv.padding_mode,
        dtype=conv.weight.dtype,
    )
    with torch.no_grad():
        if init == "random":
            _draw_convolution(wide, generator)
        else:
            wide.weight.copy_(_keep_weights(conv.weight.cpu()))
            if wide.bias is not None and conv.bias is not None:
                wide.bias.copy_(conv.bias)
    return wide.to(conv.weight.device).train(conv.training)


def _keep_weights(weight: Tensor) -> Tensor:
    """(out, 1 or 3, kh, kw) -> (out, 4, kh, kw) with zeros for the mask."""
    if weight.shape[1] == 1:
        weight = weight * torch.tensor(LUMA, dtype=weight.dtype).reshape(1, 3, 1, 1)
    return torch.cat((weight, torch.zeros_like(weight[:, :1])), dim=1)


def _draw_convolution(conv: nn.Conv2d, generator: torch.Generator | None) -> None:
    """torch's own initial distribution of a Conv2d, from `generator`."""
    nn.init.kaiming_uniform_(conv.weight, a=math.sqrt(5), generator=generator)
    if conv.bias is not None:
        bound = 1 / math.sqrt(conv.weight[0].numel())
        nn.init.uniform_(conv.bias, -bound, bound, generator=generator)
