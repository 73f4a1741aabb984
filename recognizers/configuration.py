"""Building a recognizer from the description that its weights carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar, cast

from torch import nn

from recognizers.charset import Charset, Kind
from recognizers.fusion import fuse
from recognizers.preprocess import InputSpec
from segrec.core.errors import ConfigError

Network = TypeVar("Network", bound=nn.Module)


def network_from_config(network: type[Network], config: Mapping[str, Any], *, kind: Kind = "ctc") -> Network:
    """A fresh `network` of the shape that its `config()` described.

    Args:
        network: takes `charset=`, `input_spec=` and the other keys of the description.
        config: characters under "charset", an `InputSpec`'s fields under "input", the network's own keys, and those of
            `recognizers.fusion.fusion_config`, which files without a fused mask lack.
        kind: the class order that the network has.

    Raises:
        ConfigError: a key is missing, unknown or has an impossible value.
    """
    try:
        values = dict(config)
        charset = Charset(values.pop("charset"), kind)
        spec = InputSpec(**values.pop("input"))
        fusion, color = values.pop("fusion", "input"), values.pop("fusion_color", spec.color)
        if fusion == "input":
            return network(charset=charset, input_spec=spec, **values)
        built: Any = network(charset=charset, input_spec=replace(spec, color=color, mask=False), **values)
        fuse(built, built.input_layer, fusion)
        built.input_spec = spec
        return cast(Network, built)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ConfigError(
            f"this is not the configuration of {network.__name__} ({type(error).__name__}: {error})"
        ) from error
