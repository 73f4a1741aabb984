"""What recognizers have in common: they describe themselves, and are built from the description their weights carry."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from torch import Tensor, nn

from recognizers.attention import AttentionDecoder, Hypothesis, Inspection
from recognizers.charset import Charset, Kind
from recognizers.decoding.reading import check_temperature
from recognizers.fused_part import fusion_config
from recognizers.fusion import fuse
from recognizers.preprocess import InputSpec
from segrec.core.errors import ConfigError
from segrec.core.network_size import WIDEST_LAYER, check_flags, check_whole

if TYPE_CHECKING:
    from recognizers.families.report import LoadReport


class RecognizerNetwork(nn.Module):
    """A recognizer of this package, which its configuration rebuilds.

    Attributes:
        architecture: the name that its weights files give it.
        charset_kind: the class order that the network has.
        input_layer: dotted name of the convolution that sees the image.
        rectifier_layer: dotted name of the convolution of a localiser that sees the image too; None without one.
        charset: the classes of the head.
        input_spec: what images it takes.
        mask_in_rectifier: whether the localiser sees a mask channel.
        load_report: of a network that was loaded, what became of the file's tensors.
        temperature: by which logits are divided for confidences that are right as often as they say; 1 where nobody
            measured it.
    """

    architecture: ClassVar[str]
    charset_kind: ClassVar[Kind] = "ctc"
    input_layer: str
    rectifier_layer: ClassVar[str | None] = None
    charset: Charset
    input_spec: InputSpec
    mask_in_rectifier: bool = False
    load_report: LoadReport
    temperature: float = 1.0

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Return a fresh network of the shape that `config()` described.

        Args:
            config: characters under "charset", an `InputSpec`'s fields under "input", the keys of `sizes()`, and those
                of `recognizers.fusion.fusion_config`, which files without a fused mask lack.

        Raises:
            ConfigError: a key is missing, unknown or has an impossible value.
        """
        try:
            values = dict(config)
            charset = Charset(values.pop("charset"), cls.charset_kind)
            spec = InputSpec(**values.pop("input"))
            temperature = check_temperature(values.pop("temperature", 1.0))
            fusion, color = values.pop("fusion", "input"), values.pop("fusion_color", spec.color)
            if fusion == "input":
                network = cls(charset=charset, input_spec=spec, **values)
            else:
                network = cls(charset=charset, input_spec=replace(spec, color=color, mask=False), **values)
                fuse(network, network.input_layer, fusion)
                network.input_spec = spec
            network.temperature = temperature
            return network
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ConfigError(
                f"this is not the configuration of {cls.__name__} ({type(error).__name__}: {error})"
            ) from error

    def config(self) -> dict[str, Any]:
        """Return a JSON-able description from which `from_config` rebuilds the network, without its weights."""
        return {
            "charset": self.charset.characters,
            "input": asdict(self.input_spec),
            **fusion_config(self, self.input_layer),
            **({} if self.temperature == 1.0 else {"temperature": self.temperature}),
            **self.sizes(),
        }

    def sizes(self) -> dict[str, Any]:
        """Return what is particular to this kind of network: keyword arguments of its constructor, JSON-able."""
        return {}


class CtcNetwork(RecognizerNetwork):
    """A recognizer of seven convolutions and two LSTMs, whose columns CTC reads.

    Attributes:
        least_width: of an image.
        heights: that images may have, in words.
        widths: output channels of the seven convolutions.
        hidden: units of each LSTM direction.

    Raises:
        ConfigError: another height, a charset of another kind, or not seven widths.
    """

    least_width: ClassVar[int]
    heights: ClassVar[str] = "32"

    def __init__(self, charset: Charset, input_spec: InputSpec, *, widths: Sequence[int], hidden: int) -> None:
        super().__init__()
        name = type(self).__name__
        if not self.takes_height(input_spec.height) or charset.kind != "ctc":
            raise ConfigError(
                f"{name} takes an input height of {self.heights} and a charset of kind 'ctc', "
                f"got height {input_spec.height} and kind {charset.kind!r}"
            )
        check_whole(f"{name}'s widths and hidden size", (*widths, hidden), 1, WIDEST_LAYER)
        if len(widths) != 7:
            raise ConfigError(
                f"{name} needs 7 positive widths and a positive hidden size, got {tuple(widths)}, {hidden}"
            )
        self.charset, self.input_spec = charset, input_spec
        self.widths, self.hidden = tuple(widths), hidden

    def sizes(self) -> dict[str, Any]:
        """Return what `config` says of this kind of network alone."""
        return {"widths": list(self.widths), "hidden": self.hidden}

    @classmethod
    def takes_height(cls, height: int) -> bool:
        """Return whether images may have this height."""
        return height == 32

    def check(self, images: Tensor) -> None:
        """Refuse images of another shape than (N, C, H, W), H the input's height.

        Raises:
            ValueError: they have another one, or W is below `least_width`.
        """
        channels, height, least = self.input_spec.channels, self.input_spec.height, self.least_width
        if images.ndim != 4 or images.shape[1:3] != (channels, height) or images.shape[3] < least:
            raise ValueError(
                f"images must be (N, {channels}, {height}, W) with W >= {least}, got {tuple(images.shape)}"
            )


class AttentionNetwork(RecognizerNetwork, ABC):
    """A recognizer that straightens a word, writes it character by character, and learns to from the true characters.

    Args:
        charset: the classes of the head.
        input_spec: what images it takes.
        sizes: what the description says of this kind of network alone, beside the other arguments.
        max_length: steps of a word at most, its end among them.
        mask_in_rectifier: whether the localiser sees a mask channel.
        grey_rectifier: whether it sees the luma of a colour image.

    Attributes:
        bidirectional: whether a second decoder writes from right to left.

    Raises:
        ConfigError: the localiser cannot see both.
    """

    bidirectional: bool = False

    def __init__(
        self,
        charset: Charset,
        input_spec: InputSpec,
        sizes: Mapping[str, Any],
        *,
        max_length: int,
        mask_in_rectifier: bool,
        grey_rectifier: bool,
    ) -> None:
        super().__init__()
        check_flags(mask_in_rectifier=mask_in_rectifier, grey_rectifier=grey_rectifier)
        if mask_in_rectifier and grey_rectifier:
            raise ConfigError("mask_in_rectifier and grey_rectifier contradict each other: set one of them")
        self.charset, self.input_spec = charset, input_spec
        self.max_length, self.mask_in_rectifier = max_length, mask_in_rectifier
        self._sizes = dict(sizes)

    def sizes(self) -> dict[str, Any]:
        """Return what `config` says of this kind of network alone."""
        return {
            **self._sizes,
            "max_length": self.max_length,
            "mask_in_rectifier": self.mask_in_rectifier,
            "grey_rectifier": self.localiser_channels == 1,
        }

    @property
    @abstractmethod
    def localiser_channels(self) -> int:
        """Channels that the localiser looks at, which widening may change."""

    @property
    @abstractmethod
    def attention_decoder(self) -> AttentionDecoder:
        """The decoder that writes from left to right. Its module has the name that the public files give it."""

    @abstractmethod
    def encode(self, images: Tensor) -> Tensor:
        """Return features (N, S, D) of images (N, C, H, W)."""

    @abstractmethod
    def teach(self, features: Tensor, targets: Tensor) -> tuple[Tensor, ...]:
        """Return teacher-forced logits (N, L, classes) of each decoder; the second one's words are reversed.

        Args:
            features: as `encode` gives them.
            targets: (N, L) int64: characters, the end, then any class.
        """

    @abstractmethod
    def beam_search(self, images: Tensor, width: int = 5) -> list[Hypothesis]:
        """Return each image's likeliest word by a beam of `width` prefixes; see `recognizers.attention.beam_decode`."""

    @abstractmethod
    def inspect(self, images: Tensor) -> Inspection:
        """Return what was seen on the way to each greedily written word."""
