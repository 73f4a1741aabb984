"""What recognizers have in common: they describe themselves, and are built from the description their weights carry."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, ClassVar, Self, TypeVar, cast

from torch import nn

from recognizers.charset import Charset, Kind
from recognizers.fusion import fuse, fusion_config
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
        temperature = values.pop("temperature", 1.0)
        fusion, color = values.pop("fusion", "input"), values.pop("fusion_color", spec.color)
        built: Any
        if fusion == "input":
            built = network(charset=charset, input_spec=spec, **values)
        else:
            built = network(charset=charset, input_spec=replace(spec, color=color, mask=False), **values)
            fuse(built, built.input_layer, fusion)
            built.input_spec = spec
        built.temperature = check_temperature(temperature)
        return cast(Network, built)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ConfigError(
            f"this is not the configuration of {network.__name__} ({type(error).__name__}: {error})"
        ) from error


def check_temperature(temperature: float) -> float:
    """The temperature as it came.

    Raises:
        ConfigError: it is not a finite number above 0.
    """
    if not isinstance(temperature, int | float) or not 0 < temperature < math.inf:
        raise ConfigError(f"the temperature must be above 0, got {temperature}; 1 leaves confidences as they are")
    return temperature


class RecognizerNetwork(nn.Module):
    """A recognizer of this package, which its configuration rebuilds.

    Attributes:
        charset_kind: the class order that the network has.
        input_layer: dotted name of the convolution that sees the image.
        charset: the classes of the head.
        input_spec: what images it takes.
        temperature: by which logits are divided for confidences that are right as often as they say; 1 where nobody
            measured it.
    """

    temperature: float = 1.0
    charset_kind: ClassVar[Kind] = "ctc"
    input_layer: str
    charset: Charset
    input_spec: InputSpec

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """A fresh network of the shape that `config()` described.

        Raises:
            ConfigError: a key is missing, unknown or has an impossible value.
        """
        return network_from_config(cls, config, kind=cls.charset_kind)

    def config(self) -> dict[str, Any]:
        """A JSON-able description from which `from_config` rebuilds the network, without its weights."""
        return {
            "charset": self.charset.characters,
            "input": asdict(self.input_spec),
            **fusion_config(self.get_submodule(self.input_layer)),
            **({} if self.temperature == 1.0 else {"temperature": self.temperature}),
            **self.sizes(),
        }

    def sizes(self) -> dict[str, Any]:
        """What the description says of this kind of network alone: keyword arguments of its constructor, JSON-able."""
        return {}
