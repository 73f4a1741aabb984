"""A recognizer gets the same mask from the Reader, from an evaluation on the fly and from one that reads a store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from forked import ranks
from small_segmenter import write_small_segmenter

from recognizers import Recognizer, crnn_slim, widen_input
from segrec.core.errors import DataError
from segrec.core.images import encode_png
from segrec.core.resampling import resample_mask
from segrec.data.masks.predicted import PredictedMasks, as_stored, mask_bytes
from segrec.data.masks.sources import MaskSource, StoredMasks
from segrec.data.masks.store import MaskStore
from segrec.data.words import WordLmdb, WordWriter
from segrec.evaluation.scoring import score_words
from segrec.jobs.finetune_masks import MasksOfRun
from segrec.jobs.finetune_settings import FineTuning
from segrec.jobs.precompute import open_segmenter, precompute_masks
from segrec.reader import Reader, Segmenter
from segrec.training.distributed import ALONE, launched

SIZES = {"small": (14, 40), "wide": (12, 500), "large": (90, 210), "tall": (70, 20)}


def crop(size: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(size[0]).integers(0, 256, (*size, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_segmenter(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> WordLmdb:
    folder = tmp_path_factory.mktemp("data") / "words"
    with WordWriter(folder) as writer:
        for size in SIZES.values():
            writer.add(encode_png(crop(size)), "word")
    return WordLmdb(folder)


class Watched(Recognizer):
    """A recognizer that keeps the mask channel of everything it reads, (H, W) in 0..255."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__(model)
        self.masks: list[np.ndarray] = []
        self.model.register_forward_pre_hook(self._keep)

    def _keep(self, module: torch.nn.Module, inputs: tuple[Any, ...]) -> None:
        self.masks += list(inputs[0][:, 3].numpy() * 255)


@pytest.fixture(params=["bilinear", "bicubic"])
def recognizer(request: pytest.FixtureRequest) -> Watched:
    wide: Any = widen_input(crnn_slim(), "random")
    wide.input_spec = replace(wide.input_spec, interpolation=request.param)
    return Watched(wide)


def given_by(recognizer: Watched, words: WordLmdb, source: MaskSource) -> list[np.ndarray]:
    recognizer.masks.clear()
    score_words(recognizer, words, source)
    return list(recognizer.masks)


def test_the_same_mask_comes_from_the_reader_on_the_fly_and_from_a_store(recognizer, words, weights, tmp_path):
    Reader(recognizer, Segmenter.from_pretrained(weights, device="cpu", scene_height=None)).read(
        [word.image for word in words if word.image is not None], turns=None
    )
    read = list(recognizer.masks)
    store = MaskStore(precompute_masks(words.path, tmp_path / "masks", segmenter=weights, device="cpu").store)
    fly = PredictedMasks(open_segmenter(weights, device="cpu")[0])
    found = {"fly": given_by(recognizer, words, fly), "store": given_by(recognizer, words, StoredMasks(store))}
    for masks in found.values():
        for name, mask, expected in zip(SIZES, masks, read, strict=True):
            assert mask.shape == (32, 100) and mask.std() > 5, "a flat mask would prove nothing"
            assert np.abs(mask - expected).max() <= 1, name


def test_a_small_crops_mask_is_resampled_once(recognizer, words, weights):
    segmenter, _ = open_segmenter(weights, device="cpu")
    small = crop(SIZES["small"])
    network_mask = as_stored(mask_bytes(segmenter.text_of_prepared([segmenter.prepare(small)])[0]))
    assert network_mask.shape == (32, 91)
    given = given_by(recognizer, words, PredictedMasks(segmenter))[0]
    assert np.abs(given - resample_mask(network_mask, (32, 100))).max() <= 1


def predict_together(words: str, segmenter: str, run: str) -> None:
    """Be one of the processes of a fine-tuning that lacks its masks; say what each of them did."""
    with launched("cpu") as world:
        settings = FineTuning(data=[words], output=run, segmenter=segmenter, workers=0)
        masks = MasksOfRun(settings, Path(run), world).open(WordLmdb(words), "0")
        assert isinstance(masks, StoredMasks)
        try:
            world.together(lambda: check_rank(world.rank))
        except DataError as error:
            print(error)


def check_rank(rank: int) -> None:
    if rank == 1:
        raise DataError("the second process failed")


def test_all_processes_of_a_fine_tuning_predict_a_shard_of_the_masks_it_lacks(words, weights, tmp_path):
    processes = ranks(predict_together, str(words.path), str(weights), str(tmp_path / "run"), folder=tmp_path)
    for process in processes:
        assert process.join() == 0, process.errors.read_text()
        assert process.said().strip() == "the second process failed"
    store = tmp_path / "run" / "masks-0"
    assert sorted(path.name for path in store.iterdir()) == ["shard-00001-of-00002", "shard-00002-of-00002"]
    alone = MasksOfRun(
        FineTuning(data=[str(words.path)], output="run", segmenter=str(weights)), tmp_path / "alone", ALONE
    )
    assert alone.open(words, "0") is not None
    together, single = MaskStore(store), MaskStore(tmp_path / "alone" / "masks-0")
    assert together.complete and all(np.array_equal(together[i], single[i]) for i in range(len(words)))
    begun = MasksOfRun(FineTuning(data=[str(words.path)], output="run", segmenter=str(weights)), store.parent, ALONE)
    assert begun.open(words, "0") is not None, "one process goes on with what two have begun"
