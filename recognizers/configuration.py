"""Building a recognizer from the description that its weights carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from torch import nn

from recognizers.charset import Charset, Kind
from recognizers.preprocess import InputSpec
from segrec.core.errors import ConfigError

Network = TypeVar("Network", bound=nn.Module)


def network_from_config(network: type[Network], config: Mapping[str, Any], *, kind: Kind = "ctc") -> Network:
    """A fresh `network` of the shape that its `config()` described.

    Args:
        network: takes `charset=`, `input_spec=` and the other keys of the description.
        config: characters under "charset", an `InputSpec`'s fields under "input", and the network's own keys.
        kind: the class order that the network has.

    Raises:
        ConfigError: a key is missing, unknown or has an impossible value.
    """
    try:
        values = dict(config)
        charset = Charset(values.pop("charset"), kind)
        spec = InputSpec(**values.pop("input"))
        return network(charset=charset, input_spec=spec, **values)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ConfigError(
            f"this is not the configuration of {network.__name__} ({type(error).__name__}: {error})"
        ) from error
