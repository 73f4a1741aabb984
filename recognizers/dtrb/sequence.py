"""The sequence model that both networks share: two bidirectional LSTMs over the columns of a feature map."""

from __future__ import annotations

from torch import Tensor, nn


class BidirectionalLSTM(nn.Module):
    """An LSTM in both directions and a linear layer on each step: (N, T, inputs) -> (N, T, outputs)."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.rnn = nn.LSTM(inputs, hidden, bidirectional=True, batch_first=True)
        self.linear = nn.Linear(hidden * 2, outputs)

    def forward(self, sequence: Tensor) -> Tensor:
        """Return both directions' states through the linear layer."""
        states, _ = self.rnn(sequence)
        projected: Tensor = self.linear(states)
        return projected


def sequence_model(inputs: int, hidden: int) -> nn.Sequential:
    """Return a model of sequences from (N, T, inputs) to (N, T, hidden)."""
    return nn.Sequential(BidirectionalLSTM(inputs, hidden, hidden), BidirectionalLSTM(hidden, hidden, hidden))


def columns(features: Tensor) -> Tensor:
    """Return (N, T, C), the columns of a feature map (N, C, h, T), each the mean over its height."""
    return features.mean(dim=2).transpose(1, 2)
