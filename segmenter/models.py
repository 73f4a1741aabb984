"""The segmentation networks by the names of weights files and of the command line."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from segmenter.choices import OURS, PRESETS
from segmenter.interface import SegmentationNetwork
from segrec.core.errors import ConfigError

MODELS = {
    OURS: "segmenter.network:MutuallyGuidedNet",
    "cenet": "segmenter.baselines.cenet:CENet",
    "segnet": "segmenter.baselines.segnet:SegNet",
    "unet": "segmenter.baselines.unet:UNet",
    "deeplab-v3": "segmenter.baselines.deeplab:DeepLabV3",
    "smanet": "segmenter.baselines.smanet:SMANet",
    "mser-swt": "segmenter.baselines.mser:MserSwt",
}
"""`module:class` of each; the module is imported when the network is asked for."""


def model_class(name: str) -> type[SegmentationNetwork]:
    """Return the class of the network that goes by a name.

    Raises:
        ConfigError: none does.
    """
    if name not in MODELS:
        raise ConfigError(f"unknown model {name!r}; use one of {', '.join(MODELS)}")
    module, _, attribute = MODELS[name].partition(":")
    found: type[SegmentationNetwork] = getattr(import_module(module), attribute)
    return found


def fresh_model(
    name: str,
    *,
    preset: str | None = None,
    width: int | None = None,
    polygon_branch: bool = False,
    working_height: int = 32,
) -> SegmentationNetwork:
    """Return an untrained network.

    Args:
        name: a key of `MODELS`.
        preset: for the mutually guided network alone, a key of `PRESETS`.
        width: channels of the first stage; None takes the preset's, or that of the published network.
        polygon_branch: give a network that knows text alone a branch for polygons (Exp-2).
        working_height: height of word crops.

    Raises:
        ConfigError: an unknown name or preset, a branch for a network that has one, or sizes that cannot be.
    """
    options: dict[str, Any] = {"working_height": working_height}
    if name == OURS:
        options |= _preset(preset or "mgnet-slim")
        if polygon_branch:
            raise ConfigError(f"{OURS} learns from polygons as it is; leave out --polygon-branch")
    elif polygon_branch:
        options["polygon_branch"] = True
    if width is not None:
        options["width"] = width
    try:
        return model_class(name)(**options)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"no {name} can be made of {_shown(options)}: {error}") from error


def _preset(name: str) -> Mapping[str, Any]:
    if name not in PRESETS:
        raise ConfigError(f"unknown preset {name!r}; use one of {', '.join(PRESETS)}")
    return PRESETS[name]


def _shown(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in options.items())
