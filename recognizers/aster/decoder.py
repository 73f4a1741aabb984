"""ASTER's decoder: additive attention over the features and a GRU that writes one character a step."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from recognizers.attention import Decoded, Hidden, Memory, Step, greedy_decode, teacher_decode
from recognizers.charset import Charset


class AttentionUnit(nn.Module):
    """Weights of the score w . tanh(S state + X features) + b of each feature."""

    def __init__(self, state: int, features: int, attention: int) -> None:
        super().__init__()
        self.sEmbed = nn.Linear(state, attention)
        self.xEmbed = nn.Linear(features, attention)
        self.wEmbed = nn.Linear(attention, 1)


class AttentionGru(nn.Module):
    """One step of the decoder, with what does not depend on the step computed once for a word.

    The modules carry aster.pytorch's names. `memory` projects the features for the attention, and the embeddings of all
    characters by the GRU's input weights. The features are not projected by those: words end after a few steps, and
    until then one product of their weighted sum per step costs less.

    Args:
        charset: of kind "aster".
        features: width of the encoder's features.
        state: units of the GRU.
        attention: width of the attention's and the embedding's space.
    """

    def __init__(self, charset: Charset, *, features: int, state: int, attention: int) -> None:
        super().__init__()
        self.charset = charset
        self.attention_unit = AttentionUnit(state, features, attention)
        self.tgt_embedding = nn.Embedding(charset.classes + 1, attention)  # the last row starts a word
        self.gru = nn.GRU(attention + features, state, batch_first=True)
        self.fc = nn.Linear(state, charset.classes)
        nn.init.normal_(self.tgt_embedding.weight, 0, 0.01)

    def memory(self, features: Tensor) -> Memory:
        """Return what all steps share: projected features (N, S, A) and features (N, S, D).

        For all words: gate inputs of characters (K, 3H), the GRU's weights of the features (3H, D) and of its state
        (3H, H), and the state's bias (3H,).
        """
        weights, bias, of_state, state_bias = (
            self.gru.get_parameter(f"{name}_l0") for name in ("weight_ih", "bias_ih", "weight_hh", "bias_hh")
        )
        of_embedding, of_features = torch.split(weights, [self.tgt_embedding.embedding_dim, features.shape[2]], dim=1)
        of_characters = functional.linear(self.tgt_embedding.weight, of_embedding, bias)
        of_words = (self.attention_unit.xEmbed(features), features)
        return Memory(of_words, (of_characters, of_features, of_state, state_bias))

    def initial(self, memory: Memory) -> Hidden:
        """Return a state of zeros (N, H)."""
        projected = memory.of_words[0]
        return (projected.new_zeros(projected.shape[0], self.gru.hidden_size),)

    def step(self, memory: Memory, hidden: Hidden, previous: Tensor) -> Step:
        """Return the next character after `previous` (N,), which names classes or the start."""
        (projected, features), (of_characters, weights, of_state, state_bias) = memory
        (state,) = hidden
        unit = self.attention_unit
        scores = unit.wEmbed((projected + unit.sEmbed(state)[:, None]).tanh_()).squeeze(2)  # (N, S)
        attention = scores.float().softmax(dim=1).to(scores.dtype)
        context = torch.bmm(attention[:, None], features).squeeze(1)  # (N, D)
        of_context = functional.linear(context, weights)  # (N, 3H)
        of_input = of_context + functional.embedding(previous, of_characters).to(of_context.dtype)
        state = _gates(of_input, functional.linear(state, of_state, state_bias), state)
        return Step(self.fc(state), (state,), attention)


class GruDecoder(nn.Module):
    """Writes words from features; `decoder` holds the weights, as in the public files."""

    def __init__(self, charset: Charset, *, features: int, state: int, attention: int) -> None:
        super().__init__()
        self.decoder = AttentionGru(charset, features=features, state=state, attention=attention)

    def forward(self, features: Tensor, targets: Tensor | None, *, max_length: int) -> Decoded:
        """Return greedy words, or with targets (N, L) what follows each true prefix."""
        if targets is not None:
            return teacher_decode(self.decoder, features, targets)
        return greedy_decode(self.decoder, features, max_length=max_length)


def _gates(of_input: Tensor, of_state: Tensor, state: Tensor) -> Tensor:
    """Return the GRU's next state (N, H) from its projected input and state (N, 3H), in torch.nn.GRU's order."""
    reset_in, update_in, new_in = of_input.chunk(3, dim=1)
    reset_state, update_state, new_state = of_state.chunk(3, dim=1)
    reset = torch.sigmoid(reset_in + reset_state)
    update = torch.sigmoid(update_in + update_state)
    new = torch.tanh(new_in + reset * new_state)
    return new + update * (state - new)
