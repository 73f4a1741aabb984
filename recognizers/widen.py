"""The fourth input channel: widening the layers of a recognizer that see the image, and training only those."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar, get_args

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from recognizers.choices import Fusion, Init
from recognizers.configuration import RecognizerNetwork
from recognizers.fused_part import fused_part, fusion_of
from recognizers.fusion import FusedConvolution, fuse
from segrec.core.images import LUMA_WEIGHTS

Network = TypeVar("Network", bound=nn.Module)

_WIDENED = "widened_layers"
"""Where another project's network keeps the names of its widened layers."""


def widen_input(
    model: Network,
    init: Init = "random",
    *,
    generator: torch.Generator | None = None,
    layer: str | Sequence[str] | None = None,
    mask_in_rectifier: bool = False,
    fusion: Fusion = "input",
) -> Network:
    """Return a copy of `model` that takes (N, 4, H, W): its colour input and a text mask in [0, 1].

    A recognizer of this package says which layers those are. Widened is the backbone's first convolution; the localiser
    of a rectifying one (Aster, TRBA) keeps its weights and sees the colours only, and its grid warps all four channels.
    Another project's network is widened at the convolution that `layer` names. Three things to look out for there:
    a forward that subtracts a mean of three values needs a fourth one (0, and 1 to divide by); one that asserts three
    channels, swaps them or makes them grey must leave the fourth alone; and a network that wants its colours scaled
    otherwise than [-1, 1] still does, whereas the mask is always in [0, 1].

    Args:
        model: a recognizer with 1 (grey) or 3 (RGB) input channels.
        init: "random" draws the whole layer anew, as the paper does; "zero-mask" keeps the pretrained weights and
            starts the mask's at 0; "luma" is that for grey weights, spread over RGB. The last two give the plain
            model's logits before any training, whatever the mask (grey: on the luma of the colour image).
        generator: the source of a random init, on the CPU; None is torch's global one.
        layer: dotted name(s), as in `model.named_modules()`, of the convolution(s) that see the image; only for a model
            that is not of this package.
        mask_in_rectifier: widen the localiser's first convolution too, so that the mask helps to find the word.
        fusion: how the mask joins, see `recognizers.choices.Fusion`. All but "input" leave all weights as they are,
            start as the plain model and use no `init`. A rectifier's localiser sees the colours only, and its grid
            warps picture and mask before they join.

    Raises:
        ValueError: a layer or rectifier is missing or no plain convolution of 1 or 3 channels, or does not go with
            init and fusion, or the network is not built as fusion="stream" needs it.
    """
    _check_ways(init, fusion, mask_in_rectifier)
    names = _named_layers(model, layer) + (_rectifiers(model) if mask_in_rectifier else ())
    for name in names:
        _check_convolution(model.get_submodule(name), init if fusion == "input" else "zero-mask", name)
        if fusion_of(model, name) != "input":
            raise ValueError(f"{name!r} begins a stack with fusion='stream': it is widened already")
    wide = copy.deepcopy(model)
    for name in names:
        _take_mask(wide, name, init, fusion, generator)
    if isinstance(wide, RecognizerNetwork):
        wide.input_spec = replace(wide.input_spec, color="rgb", mask=True)
        wide.mask_in_rectifier = mask_in_rectifier
    else:
        setattr(wide, _WIDENED, names)
    return wide


def input_layers(model: nn.Module) -> tuple[str, ...]:
    """Return the names of layers that see the mask in a widened model; in a plain one, those that would by default.

    Raises:
        ValueError: the model neither names its input layer nor was widened.
    """
    if not isinstance(model, RecognizerNetwork):
        widened: tuple[str, ...] | None = getattr(model, _WIDENED, None)
        return widened or _named_layers(model, None)
    seeing = (model.input_layer, model.rectifier_layer if model.mask_in_rectifier else None)
    return tuple(name for name in seeing if name is not None)


def freeze_all_but_input(model: nn.Module, *, layer: str | Sequence[str] | None = None) -> list[str]:
    """Freeze all but the input layers, and return the names of the parameters that still train.

    Of a layer that a mask is fused into, only the fusion trains.

    Train with `train_input_mode(model)` in place of `model.train()`, or BatchNorm's statistics would still move.

    Args:
        model: a recognizer of this package, or any widened network.
        layer: name(s) of the layer(s) to train instead of `input_layers(model)`.

    Raises:
        ValueError: the model names no input layer and `layer` is not given or unknown.
    """
    names = input_layers(model) if layer is None else _found(model, layer)
    fused = {name: fused_part(model, name) for name in names}
    prefixes = tuple(f"{name}." if part is None else f"{part[0]}.fusion." for name, part in fused.items())
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.startswith(prefixes))
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def train_input_mode(model: nn.Module) -> None:
    """Put `model` in the mode for training its input layer alone: nothing frozen may move or be random.

    The model and its containers are in train mode, since attention recognizers take their targets there. Every part
    without parts of its own (BatchNorm and other normalisation, dropout, stochastic depth, convolutions), and
    attention with its built-in dropout, is in eval mode: running statistics move in train mode even where
    `requires_grad` is False. LSTMs and GRUs are the exception. The gradient has to pass through the frozen ones on its
    way to the input layer, and cuDNN refuses that in eval mode ("cudnn RNN backward can only be called in training
    mode"); frozen weights do not move in train mode, and an RNN has no statistics. (The dropout between the layers of
    an `nn.LSTM(dropout=...)` hangs on the same switch and stays on; no recognizer of this package has it.)
    """
    model.train()
    for module in model.modules():
        is_leaf = next(module.children(), None) is None
        is_frozen = is_leaf or isinstance(module, _NormBase | nn.MultiheadAttention)
        if is_frozen and not isinstance(module, nn.RNNBase | nn.RNNCellBase):
            module.eval()


def _check_ways(init: Init, fusion: Fusion, mask_in_rectifier: bool) -> None:
    if fusion not in get_args(Fusion):
        raise ValueError(f"fusion must be {', '.join(map(repr, get_args(Fusion)))}, got {fusion!r}")
    if mask_in_rectifier and fusion != "input":
        raise ValueError(f"mask_in_rectifier goes with fusion='input', got {fusion!r}: leave one of them out")
    if init not in get_args(Init):
        raise ValueError(f"init must be 'random', 'zero-mask' or 'luma', got {init!r}")


def _rectifiers(model: nn.Module) -> tuple[str, ...]:
    """Return the one layer of a recognizer's rectifier that sees the image."""
    name = model.rectifier_layer if isinstance(model, RecognizerNetwork) else None
    if name is None:
        raise ValueError(f"{type(model).__name__} has no rectifier: leave mask_in_rectifier out")
    return (name,)


def _named_layers(model: nn.Module, layer: str | Sequence[str] | None) -> tuple[str, ...]:
    own = model.input_layer if isinstance(model, RecognizerNetwork) else None
    if layer is None and own is None:
        raise ValueError(f"{type(model).__name__} names no input_layer: pass layer= with its first convolution's name")
    names = _found(model, layer if layer is not None else str(own))
    if own is not None and names != (own,):
        raise ValueError(f"{type(model).__name__} names its own input layer {own!r}: leave layer={layer!r} out")
    return names


def _found(model: nn.Module, layer: str | Sequence[str]) -> tuple[str, ...]:
    names = (layer,) if isinstance(layer, str) else tuple(dict.fromkeys(layer))
    modules = dict(model.named_modules(remove_duplicate=False))
    unknown = [name for name in names if not name or name not in modules]
    if unknown or not names:
        convolutions = [name for name, module in modules.items() if isinstance(module, nn.Conv2d)]
        wanted = f"no layer {unknown[0]!r}" if unknown else "to be told at least one layer"
        raise ValueError(f"{type(model).__name__} has {wanted}; its first convolutions are {convolutions[:3]}")
    return names


def _check_convolution(conv: nn.Module, init: Init, name: str) -> None:
    kind = type(conv).__name__
    if not isinstance(conv, nn.Conv2d):
        raise ValueError(f"layer {name!r} must be a Conv2d to be widened, got {kind}: name the first convolution")
    if isinstance(conv, FusedConvolution):
        raise ValueError(f"layer {name!r} takes a mask through fusion={conv.kind!r}: it is widened already")
    if type(conv) is not nn.Conv2d or set(dict(conv.named_parameters())) - {"weight", "bias"}:
        raise ValueError(
            f"layer {name!r} must be a plain Conv2d to be widened, got a {kind} that computes its weights or padding "
            "in its own way: put a plain nn.Conv2d with its effective weights in its place (model.set_submodule)"
        )
    if conv.groups != 1:
        raise ValueError(
            f"layer {name!r} must be an ungrouped Conv2d to be widened, got groups={conv.groups}, where a mask would "
            "reach some outputs only: put an ungrouped one in its place (model.set_submodule)"
        )
    if conv.in_channels not in (1, 3):
        remedy = "it is widened already" if conv.in_channels == 4 else "name the layer that sees the image"
        raise ValueError(
            f"layer {name!r} must take 1 or 3 channels to be widened to 4, it takes {conv.in_channels}: {remedy}"
        )
    if init == "luma" and conv.in_channels == 3:
        raise ValueError(f"luma is for grey weights, but layer {name!r} takes RGB already: use init='zero-mask'")


def _take_mask(model: nn.Module, name: str, init: Init, fusion: Fusion, generator: torch.Generator | None) -> None:
    if fusion == "input":
        _widen_convolution(model.get_submodule(name), init, generator)
    else:
        fuse(model, name, fusion, generator=generator)


def _widen_convolution(conv: nn.Module, init: Init, generator: torch.Generator | None) -> None:
    assert isinstance(conv, nn.Conv2d)
    weight, bias = conv.weight.detach(), conv.bias
    if init != "random":
        wide = _keep_weights(weight)
    else:
        wide = torch.empty((conv.out_channels, 4, *conv.kernel_size), dtype=weight.dtype)
        nn.init.kaiming_uniform_(wide, a=math.sqrt(5), generator=generator)  # as torch's own Conv2d
        if bias is not None:
            bound = 1 / math.sqrt(wide[0].numel())
            drawn = torch.empty(conv.out_channels, dtype=bias.dtype).uniform_(-bound, bound, generator=generator)
            conv.bias = nn.Parameter(drawn.to(bias.device))
    conv.in_channels = 4
    conv.weight = nn.Parameter(wide.to(weight.device))
    conv.requires_grad_()


def _keep_weights(weight: Tensor) -> Tensor:
    """Return weights (out, 1 or 3, kh, kw) as (out, 4, kh, kw) with zeros for the mask."""
    if weight.shape[1] == 1:
        weight = weight * torch.tensor(LUMA_WEIGHTS, dtype=weight.dtype, device=weight.device).reshape(1, 3, 1, 1)
    return torch.cat((weight, torch.zeros_like(weight[:, :1])), dim=1)
