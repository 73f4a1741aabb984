"""What a recognizer learns from: the loss of loaded batches, and the network with what helps it to learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from recognizers.configuration import AttentionNetwork, RecognizerNetwork
from recognizers.training import JointCtcAttention, recognition_loss
from segrec.core.errors import DataError
from segrec.data.recognition import LoadedBatch, reasons_for
from segrec.training.distributed import World


class CountedLoss:
    """The loss of loaded batches, the mean over the words of all processes, and the words that are missing in them."""

    def __init__(self, model: RecognizerNetwork, world: World, amp: str) -> None:
        self._reasons = reasons_for(model.charset)
        spec = model.input_spec
        self._no_images = torch.empty((0, spec.channels, spec.height, spec.width), dtype=torch.uint8)
        self._world, self._amp = world, amp

    def __call__(self, model: nn.Module, loaded: LoadedBatch) -> Mapping[str, Tensor]:
        """Return the terms of `recognition_loss`.

        A process whose share holds no usable word adds nothing, as long as another one's does.

        Raises:
            DataError: all words are lost, or all but one and the network normalises over the words of a batch.
        """
        own = len(loaded.batch.lengths)
        words = words_of_all(self._world, own, self.left_out(loaded))
        if words == 1 and any(isinstance(part, nn.BatchNorm1d) and part.training for part in model.modules()):
            raise DataError(
                "only 1 word of a batch can be used for training, but this network normalises over several; "
                "check the data, or raise --batch-size"
            )
        batch = loaded.batch if own else loaded.batch._replace(images=self._no_images)
        terms = recognition_loss(model, batch, device=self._world.device, amp=self._amp)
        return shared_terms(terms, self._world, own, words)

    def left_out(self, loaded: LoadedBatch) -> dict[str, int]:
        """Return how many words this process's share of a batch lost, by reason; a reason without words counts 0."""
        return {reason: loaded.skipped.get(reason, 0) for reason in self._reasons}


def words_of_all(world: World, own: int, left_out: Mapping[str, int]) -> int:
    """Return how many words all processes have in a step, of which this one has `own` and left others out, by reason.

    Raises:
        DataError: there is none.
    """
    words = int(world.sum({"words": own})["words"])
    if not words:
        lost = world.sum(left_out)
        reasons = ", ".join(f"{count:.0f} x {reason}" for reason, count in lost.items() if count)
        raise DataError(
            f"not one of {sum(lost.values()):.0f} words in a row can be used for training ({reasons}); check the data"
        )
    return words


def shared_terms(terms: Mapping[str, Tensor], world: World, own: int, words: int) -> Mapping[str, Tensor]:
    """Return means over this process's `own` words as the loop wants them: its means over processes, of all words."""
    return {name: term * (own * world.size / words) for name, term in terms.items()} if world.size > 1 else terms


def frames_of(model: RecognizerNetwork) -> int:
    """Return how many CTC frames a recognizer gives for one word at its input size."""
    return _shape(model, model)[1]


def with_ctc_head(model: RecognizerNetwork, ctc_weight: float) -> nn.Module:
    """Return what is to be trained: the recognizer, wrapped where it has a second decoder or gets a CTC head.

    Args:
        model: the recognizer.
        ctc_weight: weight of the CTC head's loss, 0 for none.
    """
    if not isinstance(model, AttentionNetwork) or not (ctc_weight or model.bidirectional):
        return model
    features = _shape(model, model.encode)[2]
    return JointCtcAttention(model, features, weight=ctc_weight).to(next(model.parameters()).device)


def _shape(model: RecognizerNetwork, function: Callable[[Tensor], Tensor]) -> tuple[int, ...]:
    """Return the shape of what a part of a recognizer gives for one word at its input size."""
    spec = model.input_spec
    modes = {part: part.training for part in model.modules()}  # parts may be in other modes than the whole
    model.eval()
    with torch.inference_mode():
        device = next(model.parameters()).device
        shape = function(torch.zeros(1, spec.channels, spec.height, spec.width, device=device)).shape
    for part, training in modes.items():
        part.training = training
    return tuple(shape)
