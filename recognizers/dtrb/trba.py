"""TRBA, the benchmark's best network: TPS rectifier, ResNet, two bidirectional LSTMs and an attention decoder."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from recognizers.attention import AttentionDecoder, Hypothesis, Inspection, beam_decode, greedy_decode, teacher_decode
from recognizers.charset import ALNUM36, Charset
from recognizers.configuration import AttentionNetwork
from recognizers.dtrb.decoder import AttentionLstm
from recognizers.dtrb.rectifier import POINTS, Rectifier
from recognizers.dtrb.rectifier import WIDTHS as LOCALISER_WIDTHS
from recognizers.dtrb.resnet import ResNet
from recognizers.dtrb.sequence import columns, sequence_model
from recognizers.dtrb.vgg import GREY
from recognizers.preprocess import InputSpec
from recognizers.rectification import Rectified, localiser_channels
from segrec.core.errors import ConfigError
from segrec.core.network_size import MOST_POINTS, MOST_STEPS, WIDEST_LAYER, check_whole

WIDTHS = (32, 64, 128, 256, 512, 512)
_CHARSET = ALNUM36.with_kind("go-first")


class Trba(AttentionNetwork):
    """`TPS-ResNet-BiLSTM-Attn` of the benchmark; its modules carry the names of its files.

    Args:
        charset: of kind "go-first".
        input_spec: 1, 3 or 4 input channels; the height is 32; rectified images have the same size.
        widths: channels of the ResNet's two first convolutions and of its four stages.
        hidden: units of each LSTM direction and of the decoder.
        localiser_widths: channels of the localiser's four convolutions.
        points: control points, even.
        max_length: steps of a word at most, its end among them.
        mask_in_rectifier: whether the localiser sees a mask channel; if not, it sees colour only, and the grid it
            gives warps all channels.
        grey_rectifier: whether the localiser sees the luma of a colour image, as it does after a grey network was
            widened for RGB + mask.

    Raises:
        ConfigError: a charset of another kind, or sizes that make no network.
    """

    architecture = "trba"
    charset_kind = "go-first"
    input_layer = "FeatureExtraction.ConvNet.conv0_1"
    rectifier_layer = "Transformation.LocalizationNetwork.conv.0"

    def __init__(
        self,
        *,
        charset: Charset = _CHARSET,
        input_spec: InputSpec = GREY,
        widths: Sequence[int] = WIDTHS,
        hidden: int = 256,
        localiser_widths: Sequence[int] = LOCALISER_WIDTHS,
        points: int = POINTS,
        max_length: int = 26,
        mask_in_rectifier: bool = False,
        grey_rectifier: bool = False,
    ) -> None:
        sizes = {
            "widths": list(widths),
            "hidden": hidden,
            "localiser_widths": list(localiser_widths),
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
        _check_sizes(charset, input_spec, (widths, localiser_widths), (hidden, points, max_length))
        self.Transformation = Rectifier(
            1 if grey_rectifier else localiser_channels(input_spec, mask_in_rectifier),
            size=(input_spec.height, input_spec.width),
            widths=localiser_widths,
            points=points,
        )
        self.FeatureExtraction = nn.Sequential(OrderedDict(ConvNet=ResNet(input_spec.channels, widths)))
        self.SequenceModeling = sequence_model(widths[-1], hidden)
        self.Prediction = AttentionLstm(charset, features=hidden, hidden=hidden)

    @property
    def localiser_channels(self) -> int:
        """Channels that the localiser looks at, which widening may change."""
        return self.Transformation.LocalizationNetwork.in_channels

    @property
    def attention_decoder(self) -> AttentionDecoder:
        """The decoder that writes from left to right, `Prediction` in the public files."""
        return self.Prediction

    def forward(self, images: Tensor, targets: Tensor | None = None) -> Tensor:
        """Return logits (N, T, classes): greedy until every word has ended, or with targets, T = L, teacher-forced.

        Args:
            images: (N, C, H, W), at least 8x8, as `preprocess.normalise` gives them: colour in [-1, 1], mask in [0, 1].
            targets: (N, L) int64: characters, the end, then any class.

        Raises:
            ValueError: images of another shape.
        """
        features = self.encode(images)
        if targets is not None:
            return self.teach(features, targets)[0]
        return greedy_decode(self.Prediction, features, max_length=self.max_length).logits

    def teach(self, features: Tensor, targets: Tensor) -> tuple[Tensor, ...]:
        """Return teacher-forced logits (N, L, classes) of the one decoder."""
        return (teacher_decode(self.Prediction, features, targets).logits,)

    def encode(self, images: Tensor) -> Tensor:
        """Return features (N, S, hidden) of the rectified images, S = width // 4 + 1; for errors see `forward`."""
        return self._read_columns(self.rectify(images).images)

    def rectify(self, images: Tensor) -> Rectified:
        """Return the straightened images, all channels by one grid, and the control points; errors as in `forward`."""
        channels = self.input_spec.channels
        if images.ndim != 4 or images.shape[1] != channels or min(images.shape[2:]) < 8:
            raise ValueError(f"images must be (N, {channels}, H, W) with H and W at least 8, got {tuple(images.shape)}")
        rectified, control_points = self.Transformation(images)
        return Rectified(rectified, (control_points + 1) / 2)

    def beam_search(self, images: Tensor, width: int = 5) -> list[Hypothesis]:
        """Return each image's likeliest word by a beam of `width` prefixes; see `recognizers.attention.beam_decode`."""
        with torch.no_grad():
            features = self.encode(images)
        return beam_decode(self.Prediction, features, max_length=self.max_length, width=width)

    @torch.no_grad()
    def inspect(self, images: Tensor) -> Inspection:
        """Return what was seen on the way to each greedily written word."""
        rectified = self.rectify(images)
        features = self._read_columns(rectified.images)
        decoded = greedy_decode(self.Prediction, features, max_length=self.max_length)
        return Inspection(decoded.logits, decoded.attention, rectified.images, rectified.control_points)

    def _read_columns(self, rectified: Tensor) -> Tensor:
        features: Tensor = self.SequenceModeling(columns(self.FeatureExtraction(rectified)))
        return features


def _check_sizes(
    charset: Charset, spec: InputSpec, widths: tuple[Sequence[int], Sequence[int]], numbers: tuple[int, int, int]
) -> None:
    if spec.height != 32 or charset.kind != "go-first":
        raise ConfigError(
            "Trba takes input height 32 and a charset of kind 'go-first', "
            f"got height {spec.height} and kind {charset.kind!r}; use charset.with_kind('go-first')"
        )
    backbone, localiser = (tuple(own) for own in widths)
    check_whole("Trba's widths", backbone + localiser, 1, WIDEST_LAYER)
    if (len(backbone), len(localiser)) != (6, 4) or localiser[-1] < 2:
        raise ConfigError(f"Trba needs 6 positive widths and 4 of its localiser, got {backbone}, {localiser}")
    hidden, points, max_length = numbers
    check_whole("Trba's hidden size", hidden, 1, WIDEST_LAYER)
    check_whole("Trba's points", points, 4, MOST_POINTS)
    check_whole("Trba's max_length", max_length, 1, MOST_STEPS)
    check_whole("Trba's input width", spec.width, 8, 1024)  # each pixel of a rectified image has a row in its spline
    if points % 2:
        raise ConfigError(f"Trba needs an even number of points from 4, got {points}")
