"""The benchmark's CRNN: a VGG-style convolutional network, two bidirectional LSTMs and a CTC head."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import Tensor, nn

from recognizers.charset import ALNUM36, Charset
from recognizers.configuration import CtcNetwork
from recognizers.dtrb.sequence import columns, sequence_model
from recognizers.preprocess import InputSpec

WIDTHS = (64, 128, 256, 256, 512, 512, 512)
GREY = InputSpec(interpolation="bicubic")
_BATCH_NORMED = (4, 5)


class VggBiLstmCtc(CtcNetwork):
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
    least_width = 8
    heights = "32, 48, 64 and so on"

    def __init__(
        self,
        *,
        charset: Charset = ALNUM36,
        input_spec: InputSpec = GREY,
        widths: Sequence[int] = WIDTHS,
        hidden: int = 256,
    ) -> None:
        super().__init__(charset, input_spec, widths=widths, hidden=hidden)
        self.FeatureExtraction = nn.Sequential(OrderedDict(ConvNet=_convolutions(input_spec.channels, self.widths)))
        self.SequenceModeling = sequence_model(self.widths[-1], hidden)
        self.Prediction = nn.Linear(hidden, charset.classes)

    @classmethod
    def takes_height(cls, height: int) -> bool:
        """Return whether images may have this height."""
        return height >= 32 and height % 16 == 0

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
        self.check(images)
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
