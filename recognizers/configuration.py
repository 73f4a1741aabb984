"""What recognizers have in common: they describe themselves, and are built from the description their weights carry."""

from __future__ import annotations

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
    """Return a fresh `network` of the shape that its `config()` described.

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


class RecognizerNetwork(nn.Module):
    """A recognizer of this package, which its configuration rebuilds.

    Attributes:
        charset_kind: the class order that the network has.
        input_layer: dotted name of the convolution that sees the image.
        charset: the classes of the head.
        input_spec: what images it takes.
    """

    charset_kind: ClassVar[Kind] = "ctc"
    input_layer: str
    charset: Charset
    input_spec: InputSpec

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Return a fresh network of the shape that `config()` described.

        Raises:
            ConfigError: a key is missing, unknown or has an impossible value.
        """
        return network_from_config(cls, config, kind=cls.charset_kind)

    def config(self) -> dict[str, Any]:
        """Return a JSON-able description from which `from_config` rebuilds the network, without its weights."""
        return {
            "charset": self.charset.characters,
            "input": asdict(self.input_spec),
            **fusion_config(self.get_submodule(self.input_layer)),
            **self.sizes(),
        }

    def sizes(self) -> dict[str, Any]:
        """Return what is particular to this kind of network: keyword arguments of its constructor, JSON-able."""
        return {}
