"""The benchmark's CRNN: a VGG-style convolutional network, two bidirectional LSTMs and a CTC head."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from recognizers.charset import ALNUM36, Charset
from recognizers.configuration import RecognizerNetwork
from recognizers.dtrb.sequence import columns, sequence_model
from recognizers.preprocess import InputSpec
from segrec.core.errors import ConfigError
from segrec.core.network_size import WIDEST_LAYER, check_whole

WIDTHS = (64, 128, 256, 256, 512, 512, 512)
GREY = InputSpec(interpolation="bicubic")
_BATCH_NORMED = (4, 5)


class VggBiLstmCtc(RecognizerNetwork):
    """`None-VGG-BiLSTM-CTC` of the benchmark; its modules carry the names of its files.

    Args:
        charset: the classes of the head, blank first.
        input_spec: 1, 3 or 4 input channels; the height is a multiple of 16, at least 32. The benchmark's is 32, and
            EasyOCR's 64, whose last three rows of features are averaged.
        widths: output channels of the seven convolutions.
        hidden: units of each LSTM direction.

    Raises:
        ConfigError: another height, a charset of another kind, or not seven widths.
    """

    architecture = "vgg-bilstm-ctc"
    input_layer = "FeatureExtraction.ConvNet.0"

    def __init__(
        self,
        *,
        charset: Charset = ALNUM36,
        input_spec: InputSpec = GREY,
        widths: Sequence[int] = WIDTHS,
        hidden: int = 256,
    ) -> None:
        super().__init__()
        if input_spec.height < 32 or input_spec.height % 16 or charset.kind != "ctc":
            raise ConfigError(
                "VggBiLstmCtc takes an input height of 32, 48, 64 and so on and a charset of kind 'ctc', "
                f"got height {input_spec.height} and kind {charset.kind!r}"
            )
        check_whole("VggBiLstmCtc's widths and hidden size", (*widths, hidden), 1, WIDEST_LAYER)
        if len(widths) != 7:
            raise ConfigError(
                f"VggBiLstmCtc needs 7 positive widths and a positive hidden size, got {tuple(widths)}, {hidden}"
            )
        self.charset = charset
        self.input_spec = input_spec
        self.widths = tuple(widths)
        self.hidden = hidden
        self.FeatureExtraction = nn.Sequential(OrderedDict(ConvNet=_convolutions(input_spec.channels, self.widths)))
        self.SequenceModeling = sequence_model(self.widths[-1], hidden)
        self.Prediction = nn.Linear(hidden, charset.classes)

    def sizes(self) -> dict[str, Any]:
        """Return what `config` says of this kind of network alone."""
        return {
            "widths": list(self.widths),
            "hidden": self.hidden,
        }

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (N, T, classes) with T = W // 4 - 1; class 0 is the blank.

        Args:
            images: (N, C, H, W), H the input's height, W >= 8, as `preprocess.normalise` gives them: colour in [-1, 1],
                mask in [0, 1].

        Raises:
            ValueError: another shape.
        """
        logits: Tensor = self.Prediction(self.encode(images))
        return logits

    def encode(self, images: Tensor) -> Tensor:
        """Return the head's input (N, T, hidden); for the arguments and errors see `forward`."""
        channels, height = self.input_spec.channels, self.input_spec.height
        if images.ndim != 4 or images.shape[1:3] != (channels, height) or images.shape[3] < 8:
            raise ValueError(f"images must be (N, {channels}, {height}, W) with W >= 8, got {tuple(images.shape)}")
        context: Tensor = self.SequenceModeling(columns(self.FeatureExtraction(images)))
        return context


def _convolutions(in_channels: int, widths: Sequence[int]) -> nn.Sequential:
    """Return seven convolutions, numbered as in the files, from height H to H // 16 - 1; two pools halve the height."""
    pools = {0: (2, 2), 1: (2, 2), 3: (2, 1), 5: (2, 1)}
    layers: list[nn.Module] = []
    for index, width in enumerate(widths):
        kernel, padding = (2, 0) if index == 6 else (3, 1)
        is_normed = index in _BATCH_NORMED
        layers.append(nn.Conv2d(in_channels, width, kernel, padding=padding, bias=not is_normed))
        if is_normed:
            layers.append(nn.BatchNorm2d(width))
        layers.append(nn.ReLU(inplace=True))
        if index in pools:
            layers.append(nn.MaxPool2d(pools[index]))
        in_channels = width
    return nn.Sequential(*layers)
