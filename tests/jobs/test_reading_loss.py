"""Promises of the recognizer's loss that teaches the segmenter."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from recognizers import CRNN, aster_slim, save_recognizer, widen_input
from recognizers.preprocess import InputSpec, normalise, prepare
from segmenter import MutuallyGuidedNet
from segrec.core.errors import ConfigError, DataError
from segrec.core.images import encode_png
from segrec.data.reading_batches import REASONS, UNREADABLE, ReadingBatch, collate_reading, open_reading
from segrec.data.recognition import ReaderInput
from segrec.data.segmenter_batches import BatchSettings, StageData, StagedBatches
from segrec.data.words import WordLmdb, WordWriter
from segrec.jobs.reading_loss import ReadingLoss, as_read, left_out, masks_seen
from segrec.rendering.writing import render_words
from segrec.training.distributed import ALONE

SMALL = {"widths": (4, 4, 6, 6, 8, 8, 8), "hidden": 6}


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reading") / "words"
    render_words(folder, 12, seed=5)
    return str(folder)


def saved_reader(folder, name: str, **spec) -> str:
    torch.manual_seed(1)
    network = widen_input(CRNN(**SMALL), init="random")
    network.input_spec = replace(network.input_spec, **spec)
    save_recognizer(folder / f"{name}.safetensors", network)
    return str(folder / f"{name}.safetensors")


@pytest.fixture(scope="module")
def readers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("readers")
    return [saved_reader(folder, "stretched"), saved_reader(folder, "padded", keep_ratio=True, padding="edge")]


@pytest.fixture(params=[0, 1], ids=["stretched", "padded"])
def loss(request, readers):
    return ReadingLoss([readers[request.param]], 0.5, world=ALONE, amp="off")


def dataset_of(words: str, reader: ReaderInput):
    (dataset,) = open_reading([words], reader, height=32, widest=96, seed=0)
    return dataset


def batch_of(words: str, loss: ReadingLoss, count: int = 6, *, reader: int = 0) -> ReadingBatch:
    dataset = dataset_of(words, loss.inputs[reader])
    return collate_reading([dataset[position, 0] for position in range(count)], reader=reader)


def test_batches_are_padded_and_say_the_words_own_widths(words, loss):
    batch = batch_of(words, loss)
    assert batch.images.shape == (6, 3, 32, -(-int(batch.widths.max()) // 16) * 16)
    assert batch.widths.max() <= 96 and len(batch.targets) == batch.lengths.sum()
    pairs = (batch.images, batch.widths), (batch.seen, batch.contents)
    for image, width in (
        (image, width) for images, widths in pairs for image, width in zip(images, widths, strict=True)
    ):
        assert torch.equal(image[:, :, width:], image[:, :, width - 1 : width].expand_as(image[:, :, width:]))


def test_the_pictures_of_words_of_one_width_lie_plane_after_plane(words, loss):
    sample = dataset_of(words, loss.inputs[0])[0, 0]._replace(image=np.zeros((32, 48, 3), np.uint8))
    assert collate_reading([sample, sample]).images.is_contiguous()


def test_a_sample_is_a_function_of_position_and_visit(words, loss):
    def sample(visit: int) -> np.ndarray:
        return dataset_of(words, loss.inputs[0])[3, visit].image

    assert np.array_equal(sample(0), sample(0)) and not np.array_equal(sample(0), sample(1))


def test_the_gradient_reaches_the_segmenter_and_not_the_reader(words, loss):
    torch.manual_seed(0)
    segmenter = MutuallyGuidedNet(width=4, working_height=32)
    before = {name: value.clone() for name, value in loss.networks[0].state_dict().items()}
    terms = loss(segmenter, batch_of(words, loss), phases=1)
    terms["loss"].backward()
    assert float(terms["loss"].detach()) == pytest.approx(0.5 * float(terms["reading"]))
    assert float(segmenter.text_decoder.head.weight.grad.abs().sum()) > 0
    assert all(parameter.grad is None for parameter in loss.networks[0].parameters())
    assert all(torch.equal(before[name], value) for name, value in loss.networks[0].state_dict().items())
    norms = [part for part in loss.networks[0].modules() if isinstance(part, torch.nn.BatchNorm2d)]
    assert norms and not any(norm.training for norm in norms)


def test_a_segmenter_learns_to_be_read(words, loss):
    torch.manual_seed(0)
    segmenter = MutuallyGuidedNet(width=4, working_height=32)
    optimizer, batch = torch.optim.Adam(segmenter.parameters(), lr=3e-3), batch_of(words, loss)
    readings = []
    for _ in range(12):
        terms = loss(segmenter, batch, phases=1)
        optimizer.zero_grad()
        terms["loss"].backward()
        optimizer.step()
        readings.append(float(terms["reading"]))
    assert readings[-1] < readings[0]


@pytest.mark.parametrize("padding", ["none", "edge"])
def test_a_reader_sees_masks_as_of_a_prepared_word(padding):
    rng = np.random.default_rng(0)
    spec = InputSpec(height=32, width=96, color="rgb", mask=True, padding=padding)
    image, mask = rng.integers(0, 256, (32, 80, 3), dtype=np.uint8), rng.integers(0, 256, (32, 80), dtype=np.uint8)
    expected = normalise(torch.from_numpy(prepare(image, mask, spec))[None], spec)[:, 3:]
    masks = torch.from_numpy(np.pad(mask, ((0, 0), (0, 32)), "edge"))[None, None].float() / 255
    content = spec.content_size((32, 80))[1]
    given = masks_seen(masks, torch.tensor([80]), torch.tensor([content]), (32, 96))
    assert torch.allclose(given, expected, atol=3e-3)


def test_readers_see_the_words_as_recognizers_prepare_them(words, loss, monkeypatch):
    monkeypatch.setattr("segrec.data.reading_batches.augment_word", lambda picture, rng, color_channels: picture)
    spec = loss.networks[0].input_spec.stretched()
    batch, database = batch_of(words, loss), WordLmdb(words)
    for position, (seen, content) in enumerate(zip(batch.seen, batch.contents.tolist(), strict=True)):
        expected = prepare(database[position].image, None, replace(spec, mask=False))[:, :, :content]
        difference = np.abs(seen.numpy()[:, :, :content].astype(float) - expected)
        assert difference.mean() < 8, "resampled once more, for the segmenter's size"


@pytest.mark.parametrize("color", ["grey", "rgb"])
def test_a_reader_without_a_mask_channel_reads_the_mask_as_a_picture(color):
    spec = InputSpec(height=32, width=96, color=color)
    mask = np.random.default_rng(0).integers(0, 256, (32, 96), dtype=np.uint8)
    expected = normalise(torch.from_numpy(prepare(np.stack([mask] * 3, axis=2), None, spec))[None], spec)
    given = torch.from_numpy(mask)[None, None].float() / 255
    picture = torch.zeros(1, 3, 32, 96, dtype=torch.uint8)
    torch.testing.assert_close(as_read(picture, given, spec), expected, atol=1e-5, rtol=0)


def test_the_gradient_of_a_reader_of_masks_alone_does_not_depend_on_the_picture_that_others_see(words, tmp_path):
    torch.manual_seed(1)
    save_recognizer(tmp_path / "plain.safetensors", CRNN(**SMALL))
    loss = ReadingLoss([str(tmp_path / "plain.safetensors")], 1.0, world=ALONE, amp="off")
    batch = batch_of(words, loss)

    def gradient(batch: ReadingBatch) -> torch.Tensor:
        torch.manual_seed(0)
        segmenter = MutuallyGuidedNet(width=4, working_height=32)
        loss(segmenter, batch, phases=1)["loss"].backward()
        return segmenter.text_decoder.head.weight.grad

    found = gradient(batch)
    assert float(found.abs().sum()) > 0
    assert torch.equal(found, gradient(batch._replace(seen=torch.zeros_like(batch.seen))))


def test_a_reader_with_attention_is_refused(tmp_path):
    save_recognizer(tmp_path / "aster.safetensors", aster_slim())
    with pytest.raises(ConfigError, match="takes CTC recognizers"):
        ReadingLoss([str(tmp_path / "aster.safetensors")], 1.0, world=ALONE, amp="off")


def test_readers_take_turns(words, readers):
    loss = ReadingLoss(readers, 1.0, world=ALONE, amp="off")
    settings = BatchSettings((32, 96), (64, 64), 2, 2, 4, "both", seed=0, workers=0, reading_batch=4)
    reading = [[dataset_of(words, reader)] for reader in loss.inputs]
    batches = StagedBatches([StageData(10, [f"words={words}"], [])], settings, reading=reading)
    turns = [item.batch.reader for item in batches(0) if isinstance(item.batch, ReadingBatch)]
    assert turns == [0, 1, 0, 1, 0]
    whole, resumed = list(batches(0)), list(batches(5))
    for before, after in zip(whole[5:], resumed, strict=True):
        assert torch.equal(before.batch.images, after.batch.images)
    segmenter = MutuallyGuidedNet(width=4, working_height=32).eval()
    first, second = (float(loss(segmenter, batch_of(words, loss, reader=turn), phases=1)["reading"]) for turn in (0, 1))
    assert first != second


@pytest.mark.parametrize(("phases", "guided"), [(1, False), (2, True)])
def test_the_guided_pass_is_judged_where_there_is_one(words, loss, phases, guided):
    torch.manual_seed(0)
    segmenter = MutuallyGuidedNet(width=4, working_height=32)
    loss(segmenter, batch_of(words, loss), phases=phases)["loss"].backward()
    reached = [name for name, one in segmenter.named_parameters() if one.grad is not None and one.grad.any()]
    assert any(name.startswith("text_guidance") for name in reached) == guided
    assert any(name.startswith("region_decoder") for name in reached) == guided, "its mask guides the text"


def test_words_of_no_use_are_counted_and_a_batch_of_them_is_refused(tmp_path, loss):
    pictures = {"tall": (60, 20), "": (32, 60), "w" * 90: (32, 60), "fine": (32, 60)}
    with WordWriter(tmp_path / "words") as writer:
        for label, size in pictures.items():
            writer.add(encode_png(np.full((*size, 3), 90, np.uint8)), label)
        writer.add(b"no picture", "damaged")
    dataset = dataset_of(str(tmp_path / "words"), loss.inputs[0])
    batch = collate_reading([dataset[position, 0] for position in range(5)])
    assert len(batch.lengths) == 1 and left_out(batch) == dict.fromkeys(REASONS, 1)
    assert left_out("scenes") == dict.fromkeys(REASONS, 0)
    nothing = collate_reading([dataset[position, 0] for position in range(3)])
    with pytest.raises(DataError, match="not one of 3 words in a row can be used for training"):
        loss(MutuallyGuidedNet(width=4, working_height=32), nothing, phases=1)


def test_a_share_without_a_word_goes_through_and_gives_nothing(words, loss):
    class OfTwo:
        """The first of two processes, the other of which has six words."""

        size, device = 2, torch.device("cpu")

        def sum(self, numbers):
            return {name: number + 6 for name, number in numbers.items()}

    of_two = copy.copy(loss)
    of_two._world = OfTwo()
    segmenter = MutuallyGuidedNet(width=4, working_height=32)
    nothing = of_two(segmenter, collate_reading([UNREADABLE]), phases=1)
    nothing["loss"].backward()
    assert float(nothing["loss"].detach()) == 0 and not segmenter.text_decoder.head.weight.grad.any()
    batch = batch_of(words, loss)
    torch.manual_seed(0)
    assert float(of_two(segmenter.eval(), batch, phases=1)["reading"]) == pytest.approx(
        float(loss(segmenter, batch, phases=1)["reading"]) * 6 * 2 / 12
    )
