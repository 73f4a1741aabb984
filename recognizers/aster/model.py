"""ASTER whole: rectify, encode, decode."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from recognizers.aster.decoder import GruDecoder
from recognizers.aster.encoder import BLOCKS, WIDTHS, Encoder
from recognizers.aster.rectifier import POINTS, RECTIFIED_SIZE, Localiser, Rectifier, shrink
from recognizers.aster.rectifier import WIDTHS as LOCALISER_WIDTHS
from recognizers.attention import AttentionDecoder, Decoded, Hypothesis, Inspection, beam_decode, end_of
from recognizers.charset import ALNUM36, PRINTABLE94, Charset
from recognizers.configuration import AttentionNetwork
from recognizers.directions import better_direction, reverse_words
from recognizers.preprocess import InputSpec
from recognizers.rectification import Rectified, localiser_channels, localiser_view
from segrec.core.errors import ConfigError
from segrec.core.network_size import MOST_BLOCKS, MOST_POINTS, MOST_STEPS, WIDEST_LAYER, check_flags, check_whole

_INPUT = InputSpec(height=64, width=256, color="rgb")
_CHARSET = PRINTABLE94.with_kind("aster")


class Aster(AttentionNetwork):
    """The public ASTER; its modules carry the names of aster.pytorch, so that its files load as they are.

    Args:
        charset: of kind "aster".
        input_spec: any size, 1, 3 or 4 input channels.
        widths: channels of the encoder's first convolution and five stages.
        blocks: residual blocks of each stage.
        hidden: units of each direction of the encoder's LSTMs.
        state: units of the decoder's GRU; the attention is as wide.
        localiser_widths: channels of the localiser's six convolutions.
        localiser_hidden: units of its hidden layer.
        points: control points, even.
        max_length: steps of a word at most, its end among them.
        mask_in_rectifier: whether the localiser sees a mask channel; if not, it sees colour only, and the grid it
            gives warps all channels.
        grey_rectifier: whether the localiser sees the luma of a colour image, as it does after a grey network was
            widened for RGB + mask.
        bidirectional: a second decoder writes from right to left, and the more certain word of the two is taken, as
            in the paper; the public weights have one decoder.

    Raises:
        ConfigError: a charset of another kind, or sizes that make no network.
    """

    architecture = "aster"
    charset_kind = "aster"
    input_layer = "encoder.layer0.0"
    rectifier_layer = "stn_head.stn_convnet.0.0"

    def __init__(
        self,
        *,
        charset: Charset = _CHARSET,
        input_spec: InputSpec = _INPUT,
        widths: Sequence[int] = WIDTHS,
        blocks: Sequence[int] = BLOCKS,
        hidden: int = 256,
        state: int = 512,
        localiser_widths: Sequence[int] = LOCALISER_WIDTHS,
        localiser_hidden: int = 512,
        points: int = POINTS,
        max_length: int = 100,
        mask_in_rectifier: bool = False,
        grey_rectifier: bool = False,
        bidirectional: bool = False,
    ) -> None:
        sizes = {
            "widths": list(widths),
            "blocks": list(blocks),
            "hidden": hidden,
            "state": state,
            "localiser_widths": list(localiser_widths),
            "localiser_hidden": localiser_hidden,
            "points": points,
        }
        super().__init__(
            charset,
            input_spec,
            sizes,
            max_length=max_length,
            mask_in_rectifier=mask_in_rectifier,
            grey_rectifier=grey_rectifier,
        )
        _check_kind(charset)
        check_whole("ASTER's hidden sizes", (hidden, state, localiser_hidden), 1, WIDEST_LAYER)
        check_flags(bidirectional=bidirectional)
        _check_sizes(widths, blocks, localiser_widths, points, max_length)
        self.encoder = Encoder(input_spec.channels, widths=widths, blocks=blocks, hidden=hidden)
        decoder = partial(GruDecoder, charset, features=2 * hidden, state=state, attention=state)
        self.bidirectional = bidirectional
        self.decoder, self.backward_decoder = decoder(), decoder() if bidirectional else None
        self.tps = Rectifier(points, RECTIFIED_SIZE)
        self.stn_head = Localiser(
            1 if grey_rectifier else localiser_channels(input_spec, mask_in_rectifier),
            widths=localiser_widths,
            hidden=localiser_hidden,
            points=points,
        )

    def sizes(self) -> dict[str, Any]:
        """Return what `config` says of this kind of network alone."""
        return {**super().sizes(), "bidirectional": self.bidirectional}

    @property
    def localiser_channels(self) -> int:
        """Channels that the localiser looks at, which widening may change."""
        return self.stn_head.in_channels

    @property
    def attention_decoder(self) -> AttentionDecoder:
        """The decoder that writes from left to right, `decoder.decoder` in the public files."""
        return self.decoder.decoder

    def forward(self, images: Tensor, targets: Tensor | None = None) -> Tensor:
        """Return logits (N, T, classes): greedy until every word has ended, or with targets, T = L, teacher-forced.

        Args:
            images: (N, C, H, W) as `preprocess.normalise` gives them: colour in [-1, 1], mask in [0, 1].
            targets: (N, L) int64: characters, the end, then any class.

        Raises:
            ValueError: images of another shape.
        """
        features = self.encode(images)
        if targets is not None or self.backward_decoder is None:
            return self._write(features, targets).logits
        return self._write_both_ways(features).logits

    def forward_both(self, images: Tensor, targets: Tensor) -> tuple[Tensor, ...]:
        """Return teacher-forced logits (N, L, classes) of each decoder; the second, if any, writes backwards."""
        features = self.encode(images)
        return self.teach(features, targets)

    def teach(self, features: Tensor, targets: Tensor) -> tuple[Tensor, ...]:
        """Return what `forward_both` does, of images that are encoded already."""
        forwards = self._write(features, targets).logits
        if self.backward_decoder is None:
            return (forwards,)
        reversed_words = reverse_words(targets, end_of(self.charset))
        backwards = self.backward_decoder(features, reversed_words, max_length=self.max_length)
        return forwards, backwards.logits

    def encode(self, images: Tensor) -> Tensor:
        """Return features (N, 25, 2 * hidden) of the rectified images."""
        features: Tensor = self.encoder(self.rectify(images).images)
        return features

    def rectify(self, images: Tensor) -> Rectified:
        """Return the straightened images, all channels by one grid, and the control points."""
        channels = self.input_spec.channels
        if images.ndim != 4 or images.shape[1] != channels:
            raise ValueError(f"images must be (N, {channels}, H, W), got {tuple(images.shape)}")
        seen = localiser_view(images, self.localiser_channels)
        control_points = self.stn_head(shrink(seen))
        return Rectified(self.tps(images, control_points), control_points)

    @torch.no_grad()
    def beam_search(self, images: Tensor, width: int = 5) -> list[Hypothesis]:
        """Return each image's likeliest word by a beam of `width` prefixes; see `recognizers.attention.beam_decode`."""
        features = self.encode(images)
        found = beam_decode(self.decoder.decoder, features, max_length=self.max_length, width=width)
        if self.backward_decoder is None:
            return found
        backwards = beam_decode(self.backward_decoder.decoder, features, max_length=self.max_length, width=width)
        return [
            one if one.log_probability >= other.log_probability else _turned(other)
            for one, other in zip(found, backwards, strict=True)
        ]

    @torch.no_grad()
    def inspect(self, images: Tensor) -> Inspection:
        """Return what was seen on the way to each greedily written word."""
        rectified = self.rectify(images)
        features = self.encoder(rectified.images)
        decoded = self._write(features, None) if self.backward_decoder is None else self._write_both_ways(features)
        return Inspection(decoded.logits, decoded.attention, rectified.images, rectified.control_points)

    def _write(self, features: Tensor, targets: Tensor | None) -> Decoded:
        decoded: Decoded = self.decoder(features, targets, max_length=self.max_length)
        return decoded

    def _write_both_ways(self, features: Tensor) -> Decoded:
        assert self.backward_decoder is not None
        backwards = self.backward_decoder(features, None, max_length=self.max_length)
        return better_direction(self._write(features, None), backwards, self.charset)


def aster_slim(
    *, charset: Charset | None = None, input_spec: InputSpec | None = None, bidirectional: bool = False
) -> Aster:
    """Return an ASTER with a fifth of the weights, for 0-9 and a-z, 32x128 images and at most 25 characters."""
    return Aster(
        charset=charset or ALNUM36.with_kind("aster"),
        input_spec=input_spec or InputSpec(height=32, width=128, color="rgb"),
        widths=(16, 32, 48, 96, 160, 256),
        blocks=(2, 2, 2, 2, 2),
        hidden=128,
        state=192,
        localiser_widths=(16, 24, 32, 64, 64, 64),
        localiser_hidden=128,
        max_length=26,
        bidirectional=bidirectional,
    )


def _turned(hypothesis: Hypothesis) -> Hypothesis:
    """Return a word that was written backwards, in reading order."""
    ids, score, shares = hypothesis
    return Hypothesis(ids[::-1], score, shares[::-1])


def _check_kind(charset: Charset) -> None:
    if charset.kind != "aster":
        raise ConfigError(
            f"ASTER takes a charset of kind 'aster', got {charset.kind!r}; use charset.with_kind('aster')"
        )


def _check_sizes(
    widths: Sequence[int], blocks: Sequence[int], localiser_widths: Sequence[int], points: int, max_length: int
) -> None:
    check_whole("ASTER's widths", (*widths, *localiser_widths), 1, WIDEST_LAYER)
    check_whole("ASTER's blocks of a stage", tuple(blocks), 1, MOST_BLOCKS)
    check_whole("ASTER's points", points, 4, MOST_POINTS)
    check_whole("ASTER's max_length", max_length, 1, MOST_STEPS)
    if (len(widths), len(blocks), len(localiser_widths)) != (6, 5, 6):
        raise ConfigError(
            f"ASTER needs 6 positive widths, 5 block counts and 6 localiser widths, "
            f"got {tuple(widths)}, {tuple(blocks)}, {tuple(localiser_widths)}"
        )
    if points % 2:
        raise ConfigError(f"ASTER needs an even number of points from 4, got {points}")
