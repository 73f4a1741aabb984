"""The first steps of an ASTER: its convolutions learn to see what those of a trained CRNN see (FitNets, ICLR 2015).

Alone, an attention decoder over a residual network reads nothing for several thousand steps; with the columns of a CRNN
as hints it begins to after one thousand.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from recognizers import Aster, aster_slim, save_recognizer
from recognizers.rectification import localiser_view
from recognizers.training import JointCtcAttention, JointLogits, joint_loss
from segrec.data.recognition import LoadedBatch, WordSet
from segrec.data.words import WordLmdb
from segrec.jobs.recognizer_fit import optimizer_of, recognition_batches
from segrec.jobs.train_recognizer import RecognizerTraining
from segrec.training.distributed import ALONE
from segrec.training.loop import Training, fit
from segrec.training.memory_format import with_channels_last
from segrec.training.run_directory import RunDirectory

HINT_WEIGHT = 2.0


class Hinted(JointCtcAttention):
    """An ASTER in training that is also told what a CRNN sees in the rectified image, and what it reads there.

    Args:
        recognizer: to be trained.
        teacher: a grey CRNN of the same characters; it is not trained.
    """

    def __init__(self, recognizer: Aster, teacher: nn.Module) -> None:
        super().__init__(recognizer, 2 * recognizer.encoder.rnn.hidden_size)
        self._teacher: list[Any] = [teacher.eval()]  # in a list, so that its weights are none of this module's
        self.adapter = nn.Conv1d(recognizer.encoder.rnn.input_size, _teacher_columns(teacher), 3, padding=1)
        self.hints: dict[str, Tensor] = {}

    def forward(self, images: Tensor, targets: Tensor) -> JointLogits:
        """Return both heads' logits, as `JointCtcAttention` does; the losses of the hints lie in `hints` afterwards."""
        rectified = self.recognizer.rectify(images).images
        columns = self.recognizer.encoder.columns(rectified)  # (N, S, C)
        features = self.recognizer.encoder.rnn(columns)[0]
        assert self.head is not None, "the CTC loss has a weight"
        ctc = self.head(features)
        seen, read = self._teacher_outputs(rectified.detach(), columns.shape[1])
        spread = seen.std((0, 2), keepdim=True) + 1e-3
        self.hints = {
            "hint": (((self.adapter(columns.transpose(1, 2)) - seen) / spread) ** 2).mean(),
            "frames": functional.kl_div(ctc.log_softmax(dim=2), read, reduction="none").sum(dim=2).mean(),
        }
        return JointLogits(self.recognizer.teach(features, targets), ctc)

    @torch.no_grad()
    def _teacher_outputs(self, rectified: Tensor, columns: int) -> tuple[Tensor, Tensor]:
        """Return the teacher's columns (N, C, S) and class probabilities (N, S, classes), brought to S columns."""
        teacher = self._teacher[0]
        maps = teacher.cnn(localiser_view(rectified, 1)).squeeze(2)  # (N, C, T)
        shares = teacher.rnn(maps.permute(2, 0, 1)).softmax(dim=2).permute(1, 2, 0)  # (N, classes, T)
        seen, read = (
            functional.interpolate(part, columns, mode="linear", align_corners=True) for part in (maps, shares)
        )
        return seen, read.transpose(1, 2)


def train_with_hints(settings: RecognizerTraining, teacher: nn.Module) -> Path:
    """Train a slim ASTER with hints, or resume; return its weights' file.

    Args:
        settings: data, output, steps, batch size, rate; no validation.
        teacher: the CRNN.
    """
    torch.manual_seed(settings.seed)
    model = aster_slim()
    hinted = with_channels_last(Hinted(model, teacher))
    run = RunDirectory(settings.output)
    state = run.begin("train with hints", settings)

    def loss(network: nn.Module, loaded: LoadedBatch) -> Mapping[str, Tensor]:
        terms = joint_loss(network, loaded.batch, device=torch.device("cpu"))
        total = terms["loss"] + HINT_WEIGHT * hinted.hints["hint"] + hinted.hints["frames"]
        return {**terms, **{name: part.detach() for name, part in hinted.hints.items()}, "loss": total}

    fit(
        Training(
            model=hinted,
            loss=loss,
            optimizer=optimizer_of(hinted, model, settings),
            save=lambda path: save_recognizer(path, model),
            train_mode=hinted.train,
        ),
        recognition_batches(
            [WordSet(WordLmdb(path), None) for path in settings.data], model, settings=settings, world=ALONE
        ),
        settings=settings.loop(),
        run=run,
        state=state,
    )
    return run.last


def _teacher_columns(teacher: Any) -> int:
    return int(teacher.widths[-1])
