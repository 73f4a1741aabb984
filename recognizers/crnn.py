"""CRNN: a VGG-style convolutional network, two bidirectional LSTMs and a CTC head (Shi et al., TPAMI 2017)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import Tensor, nn

from recognizers.charset import ALNUM36, Charset
from recognizers.configuration import CtcNetwork
from recognizers.preprocess import InputSpec

WIDTHS = (64, 128, 256, 256, 512, 512, 512)
SLIM_WIDTHS = (24, 48, 96, 96, 192, 192, 192)
_GREY = InputSpec()


class CRNN(CtcNetwork):
    """The public CRNN; its modules carry the names of crnn.pytorch, so that its files load as they are.

    Args:
        charset: the classes of the head.
        input_spec: 1, 3 or 4 input channels; the height is 32.
        widths: output channels of the seven convolutions.
        hidden: units of each LSTM direction.

    Raises:
        ConfigError: another height than 32, a charset of another kind, or not seven widths.
    """

    architecture = "crnn"
    input_layer = "cnn.conv0"
    least_width = 4

    def __init__(
        self,
        *,
        charset: Charset = ALNUM36,
        input_spec: InputSpec = _GREY,
        widths: Sequence[int] = WIDTHS,
        hidden: int = 256,
    ) -> None:
        super().__init__(charset, input_spec, widths=widths, hidden=hidden)
        self.cnn = _convolutions(input_spec.channels, self.widths)
        self.rnn = nn.Sequential(
            BidirectionalLSTM(self.widths[-1], hidden, hidden),
            BidirectionalLSTM(hidden, hidden, charset.classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (N, T, classes) with T = W // 4 + 1; class 0 is the blank.

        Args:
            images: (N, C, 32, W), W >= 4, as `preprocess.normalise` gives them: colour in [-1, 1], mask in [0, 1].

        Raises:
            ValueError: another shape.
        """
        self.check(images)
        features = self.cnn(images)  # (N, C, 1, T)
        sequence = features.squeeze(2).permute(2, 0, 1)  # (T, N, C)
        logits: Tensor = self.rnn(sequence)  # (T, N, classes)
        return logits.transpose(0, 1)


class BidirectionalLSTM(nn.Module):
    """An LSTM in both directions and a linear layer on each step: (T, N, inputs) -> (T, N, outputs)."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.rnn = nn.LSTM(inputs, hidden, bidirectional=True)
        self.embedding = nn.Linear(hidden * 2, outputs)

    def forward(self, sequence: Tensor) -> Tensor:
        """Return both directions' states through the linear layer."""
        states, _ = self.rnn(sequence)
        projected: Tensor = self.embedding(states)
        return projected


def crnn_slim(*, charset: Charset = ALNUM36, input_spec: InputSpec = _GREY) -> CRNN:
    """Return a CRNN of about a sixth of the weights (1.4 of 8.3 million), for quick training and small machines."""
    return CRNN(charset=charset, input_spec=input_spec, widths=SLIM_WIDTHS, hidden=128)


def _convolutions(in_channels: int, widths: Sequence[int]) -> nn.Sequential:
    """Return seven convolutions from height 32 to 1; the last two pools halve the height only, to keep the frames."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    pools: dict[int, nn.Module] = {
        0: nn.MaxPool2d(2),
        1: nn.MaxPool2d(2),
        3: nn.MaxPool2d((2, 2), (2, 1), (0, 1)),
        5: nn.MaxPool2d((2, 2), (2, 1), (0, 1)),
    }
    for index, width in enumerate(widths):
        kernel, padding = (2, 0) if index == 6 else (3, 1)
        layers[f"conv{index}"] = nn.Conv2d(in_channels, width, kernel, padding=padding)
        if index in (2, 4, 6):
            layers[f"batchnorm{index}"] = nn.BatchNorm2d(width)
        layers[f"relu{index}"] = nn.ReLU(inplace=True)
        if index in pools:
            layers[f"pooling{len([pool for pool in pools if pool < index])}"] = pools[index]
        in_channels = width
    return nn.Sequential(layers)
