"""Recognizers as one graph from pixels to logits, for export: attention decoders write in a loop with a bound."""

from __future__ import annotations

import copy
import warnings
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from recognizers.attention import Memory, end_of
from recognizers.configuration import AttentionNetwork, RecognizerNetwork
from recognizers.preprocess import InputSpec
from segrec.core.errors import ConfigError


class Pixels(nn.Module):
    """Normalises as `preprocess.normalise` does, in the graph: (N, C, H, W), 0..255, to the network's float32."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, spec: InputSpec) -> None:
        super().__init__()
        colours = spec.channels - int(spec.mask)
        means, deviations = [spec.mean] * colours, [spec.deviation] * colours
        if spec.mask:
            means.append(0.0)
            deviations.append(255.0)
        self.register_buffer("mean", torch.tensor(means)[:, None, None])
        self.register_buffer("deviation", torch.tensor(deviations)[:, None, None])

    def forward(self, pixels: Tensor) -> Tensor:
        """Return the network's input."""
        return (pixels.to(torch.float32) - self.mean) / self.deviation


class CtcGraph(nn.Module):
    """Pixels (N, C, H, W), 0..255, in; logits (N, T, classes) out."""

    def __init__(self, model: RecognizerNetwork) -> None:
        super().__init__()
        self.pixels, self.model = Pixels(model.input_spec), model

    def forward(self, pixels: Tensor) -> Tensor:
        """Return the logits."""
        logits: Tensor = self.model(self.pixels(pixels))
        return logits


def recognizer_graph(model: RecognizerNetwork, example: Tensor) -> nn.Module:
    """Return what `torch.onnx.export` takes: pixels (N, C, H, W), 0..255, in, logits (N, T, classes) out.

    Attention models write greedily, until all words have ended or have `max_length` steps.

    Args:
        model: in eval mode, on the CPU.
        example: pixels (N, C, H, W), N at least 2, by which parts are traced.

    Raises:
        ConfigError: the model has two decoders, of which the surer word is taken.
    """
    if not isinstance(model, AttentionNetwork):
        return CtcGraph(model)
    if model.bidirectional:
        raise ConfigError("an ASTER with two decoders cannot be exported; train one without --bidirectional")
    model = _with_plain_cells(model)
    before = _BeforeDecoder(model)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of TorchScript's age, and that lists stay as long as they are
        memory, state = before(example)
        start = torch.zeros(len(example), dtype=torch.int64)
        step = torch.jit.trace(  # type: ignore[no-untyped-call]
            _DecoderStep(model, example), (memory, state, start), check_trace=False
        )
        traced = torch.jit.trace(before, (example,), check_trace=False)  # type: ignore[no-untyped-call]
        whole = _AttentionGraph(traced, step, model)
        return cast(nn.Module, torch.jit.script(whole))


class _BeforeDecoder(nn.Module):
    """Pixels to what all steps share, and to the first state: of which the parts stand side by side."""

    def __init__(self, model: AttentionNetwork) -> None:
        super().__init__()
        self.pixels, self.model = Pixels(model.input_spec), model

    def forward(self, pixels: Tensor) -> tuple[list[Tensor], Tensor]:
        decoder = self.model.attention_decoder
        memory = decoder.memory(self.model.encode(self.pixels(pixels)))
        return [*memory.of_words, *memory.of_all], torch.cat(decoder.initial(memory), dim=1)


class _DecoderStep(nn.Module):
    """One step of the decoder between tensors alone."""

    def __init__(self, model: AttentionNetwork, example: Tensor) -> None:
        super().__init__()
        decoder = model.attention_decoder
        memory = decoder.memory(model.encode(Pixels(model.input_spec)(example)))
        self.decoder, self.of_words = decoder, len(memory.of_words)
        self.sizes = [part.shape[1] for part in decoder.initial(memory)]

    def forward(self, memory: list[Tensor], state: Tensor, previous: Tensor) -> tuple[Tensor, Tensor]:
        shared = Memory(tuple(memory[: self.of_words]), tuple(memory[self.of_words :]))
        step = self.decoder.step(shared, torch.split(state, self.sizes, dim=1), previous)
        return step.logits, torch.cat(step.hidden, dim=1)


class _AttentionGraph(nn.Module):
    """The loop that `attention.greedy_decode` is, in TorchScript, which becomes a Loop of ONNX."""

    def __init__(self, before: nn.Module, step: nn.Module, model: AttentionNetwork) -> None:
        super().__init__()
        assert model.charset.start is not None
        self.before, self.step = before, step
        self.start, self.end = model.charset.start, end_of(model.charset)
        self.classes, self.max_length = model.charset.classes, model.max_length

    def forward(self, pixels: Tensor) -> Tensor:
        memory, state = self.before(pixels)
        previous = torch.full((state.shape[0],), self.start, dtype=torch.int64)
        ended = torch.zeros((state.shape[0],), dtype=torch.int64)
        logits: Tensor = state.new_zeros((state.shape[0], 0, self.classes))
        number = 0
        writing = True
        while writing and number < self.max_length:
            written, state = self.step(memory, state, previous)
            logits = torch.cat([logits, written[:, None]], dim=1)
            previous = written.argmax(dim=1)
            ended = torch.maximum(ended, (previous == self.end).to(torch.int64))
            number += 1
            writing = bool(ended.min() < 1)
        return logits


class _PlainLstmCell(nn.Module):
    """An `nn.LSTMCell` whose gates are split at known places, since the exporter does not know a loop's shapes."""

    def __init__(self, cell: nn.LSTMCell) -> None:
        super().__init__()
        self.cell, self.sizes = cell, [cell.hidden_size] * 4

    def forward(self, inputs: Tensor, hidden: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        state, carried = hidden
        cell = self.cell
        of_inputs = functional.linear(inputs, cell.weight_ih, cell.bias_ih)
        gates = of_inputs + functional.linear(state, cell.weight_hh, cell.bias_hh)
        entering, keeping, new, leaving = torch.split(gates, self.sizes, dim=1)
        carried = keeping.sigmoid() * carried + entering.sigmoid() * new.tanh()
        return leaving.sigmoid() * carried.tanh(), carried


def _with_plain_cells(model: AttentionNetwork) -> AttentionNetwork:
    """Return a copy of which the exporter knows all operators."""
    plain = copy.deepcopy(model)
    for name, module in model.named_modules():
        if isinstance(module, nn.LSTMCell):
            plain.set_submodule(name, _PlainLstmCell(module))
    return plain.eval()
