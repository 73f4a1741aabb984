"""The benchmark's attention decoder: additive attention over columns, and an LSTM that writes a character a step."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from recognizers.attention import Hidden, Memory, Step
from recognizers.charset import Charset


class AttentionCell(nn.Module):
    """The weights of one step; the LSTM takes the attended features and the previous character as one-hot."""

    def __init__(self, features: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.i2h = nn.Linear(features, hidden, bias=False)
        self.h2h = nn.Linear(hidden, hidden)
        self.score = nn.Linear(hidden, 1, bias=False)
        self.rnn = nn.LSTMCell(features + classes, hidden)


class AttentionLstm(nn.Module):
    """Writes words from features; an `AttentionDecoder` whose modules carry the names of the benchmark's files.

    Args:
        charset: of kind "go-first".
        features: width of the encoder's features.
        hidden: units of the LSTM and width of the attention.
    """

    def __init__(self, charset: Charset, *, features: int, hidden: int) -> None:
        super().__init__()
        self.charset = charset
        self.attention_cell = AttentionCell(features, hidden, charset.classes)
        self.generator = nn.Linear(hidden, charset.classes)

    def memory(self, features: Tensor) -> Memory:
        """Return features (N, S, D) and their projection (N, S, hidden), which is the same in all steps."""
        return Memory((features, self.attention_cell.i2h(features)))

    def initial(self, memory: Memory) -> Hidden:
        """Return two states of zeros (N, hidden)."""
        projected = memory.of_words[1]
        zeros = projected.new_zeros(projected.shape[0], self.generator.in_features)
        return zeros, zeros

    def step(self, memory: Memory, hidden: Hidden, previous: Tensor) -> Step:
        """Return the next character after the class `previous` (N,)."""
        features, projected = memory.of_words
        cell = self.attention_cell
        scores = cell.score(torch.tanh(projected + cell.h2h(hidden[0])[:, None])).squeeze(2)  # (N, S)
        attention = scores.float().softmax(dim=1).to(features.dtype)
        context = torch.bmm(attention[:, None], features).squeeze(1)  # (N, D)
        character = functional.one_hot(previous, self.charset.classes).to(context.dtype)
        state, carried = cell.rnn(torch.cat((context, character), dim=1), hidden)
        return Step(self.generator(state), (state, carried), attention)
