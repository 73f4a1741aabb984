from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from crnn_states import small_state
from small_aster import small_aster, small_images

from recognizers import Aster, Recognizer, load_pretrained, normalise_label, widen_input
from recognizers.decoding import ctc_beam
from recognizers.lexicon import Lexicon
from recognizers.lexicon_reading import TOO_LONG
from recognizers.preprocess import normalise, prepare
from segrec.core.errors import ConfigError


def crops(count: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (rng.integers(1, 60), rng.integers(1, 200), 3), dtype=np.uint8) for _ in range(count)]


def masks_for(images: list[np.ndarray]) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.integers(0, 256, image.shape[:2], dtype=np.uint8) for image in images]


@pytest.fixture
def plain() -> Recognizer:
    return Recognizer(load_pretrained(small_state()))


@pytest.fixture
def wide() -> Recognizer:
    model = widen_input(load_pretrained(small_state()), "luma")
    model.cnn.conv0.weight.data[:, 3] = 1.0
    return Recognizer(model)


@pytest.fixture(scope="module")
def attentive() -> Aster:
    return small_aster()


def test_no_images_give_no_readings(plain, wide):
    assert plain.read([]) == []
    assert wide.read([]) == [] and wide.read([], []) == []


def test_a_reading_does_not_depend_on_the_batch_it_came_in(plain):
    images = crops(7)
    together = plain.read(images)
    assert len(together) == 7
    for batch_size in (1, 3):
        again = plain.read(images, batch_size=batch_size)
        assert [reading.text for reading in again] == [reading.text for reading in together]
        assert [r.confidence for r in again] == pytest.approx([r.confidence for r in together], abs=1e-5)


def test_the_mask_is_read_along(wide):
    images = crops(5)
    masks = masks_for(images)
    assert wide.needs_mask
    readings = wide.read(images, masks, batch_size=2)
    blind = wide.read(images, [np.zeros_like(mask) for mask in masks])
    assert [r.confidence for r in readings] != [r.confidence for r in blind]


def test_a_widened_reader_reads_grey_crops_as_the_plain_one(plain):
    images = [np.repeat(crop[:, :, :1], 3, axis=2) for crop in crops(5)]
    wide = Recognizer(widen_input(plain.model, "luma"))
    before, after = plain.read(images), wide.read(images, masks_for(images))
    assert [reading.text for reading in after] == [reading.text for reading in before]
    assert [r.confidence for r in after] == pytest.approx([r.confidence for r in before], abs=1e-5)


def test_wrong_masks_are_refused_in_words(plain, wide):
    images = crops(2)
    masks = masks_for(images)
    with pytest.raises(ValueError, match="takes RGB \\+ mask: give one"):
        wide.read(images)
    with pytest.raises(ValueError, match="got 1 masks for 2 images"):
        wide.read(images, masks[:1])
    with pytest.raises(ValueError, match="mask 1 must have its image's size"):
        wide.read(images, [masks[0], masks[1][:, :-1]])
    with pytest.raises(ValueError, match="takes no mask"):
        plain.read(images, masks)
    with pytest.raises(ValueError, match="uint8"):
        wide.read(images, [mask / 255 for mask in masks])


def test_masks_may_have_their_images_size_enlarged_in_proportion(wide):
    image = np.full((14, 45, 3), 99, np.uint8)
    for size in [(14, 45), (32, 103), (15, 48), (32, 100)]:
        assert len(wide.read([image], [np.zeros(size, np.uint8)])) == 1
    for size in [(13, 45), (32, 120), (32, 90), (7, 22)]:
        with pytest.raises(ValueError, match=r"size \(14, 45\), that enlarged in proportion, or the network's"):
            wide.read([image], [np.zeros(size, np.uint8)])


def test_wrong_images_and_batch_sizes_are_refused(plain):
    with pytest.raises(ValueError, match=r"image must be \(H, W, 3\) uint8 RGB, got \(4, 4\)"):
        plain.read([np.zeros((4, 4), np.uint8)])
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        plain.read([], batch_size=0)


def test_images_that_keep_their_ratio_are_read_by_width_and_given_back_in_order():
    model = load_pretrained(small_state())
    model.input_spec = replace(model.input_spec, keep_ratio=True)
    keeping = Recognizer(model)
    images = crops(9, seed=4)
    assert len({model.input_spec.size_for(image.shape[:2]) for image in images}) > 2
    alone = [keeping.read([image])[0] for image in images]
    for batch_size in (1, 2, 64):
        together = keeping.read(images, batch_size=batch_size)
        assert [reading.text for reading in together] == [reading.text for reading in alone]
        assert [r.confidence for r in together] == pytest.approx([r.confidence for r in alone], abs=1e-5)
    assert len({reading.text for reading in alone}) > 2


def test_a_beam_is_searched_in_ctc_and_attention_models(plain, attentive):
    images = crops(6)
    spec = plain.model.input_spec
    with torch.no_grad():
        logits = plain.model(normalise(torch.from_numpy(np.stack([prepare(i, None, spec) for i in images])), spec))
    searching = Recognizer(plain.model, beam=4)
    assert [r.text for r in searching.read(images)] == [r.text for r in ctc_beam(logits, plain.model.charset, beam=4)]

    pictures = [((one.numpy().transpose(1, 2, 0) + 1) * 127.5).astype(np.uint8) for one in small_images(5)]
    greedy, one, four = (Recognizer(attentive, beam=beam).read(pictures) for beam in (None, 1, 4))
    assert [reading.text for reading in one] == [reading.text for reading in greedy]
    assert all(wide.confidence >= narrow.confidence - 1e-6 for wide, narrow in zip(four, one, strict=True))
    assert all(len(reading.character_confidences) == len(reading.text) for reading in four)


@pytest.mark.parametrize(("beam", "said"), [(0, "at least 1 prefix, got 0; without a beam"), (-1, "got -1")])
def test_a_beam_that_keeps_nothing_is_refused(plain, beam, said):
    with pytest.raises(ConfigError, match=said):
        Recognizer(plain.model, beam=beam)


def test_a_beam_wider_than_an_attention_models_classes_is_refused(attentive):
    with pytest.raises(ConfigError, match="at least 1 prefix and at most 7, the number of classes, got 8"):
        Recognizer(attentive, beam=8)


def test_lexicons_are_one_for_all_or_one_an_image(plain, attentive):
    images = crops(3)
    two = Lexicon(["left", "right"], normalise_label)
    assert {reading.text for reading in plain.read(images, lexicons=two)} <= {"left", "right"}
    own = [Lexicon([word], normalise_label) for word in ("one", "two", "three")]
    assert [reading.text for reading in plain.read(images, lexicons=own, batch_size=2)] == ["one", "two", "three"]
    with pytest.raises(ValueError, match="lexicons must be one per image: got 3 lexicons for 2 images"):
        plain.read(images[:2], lexicons=own)
    assert [reading.text for reading in Recognizer(attentive).read(images, lexicons=own)] == ["one", "two", "three"]


def test_lexicon_words_too_long_for_the_frames_are_counted_for_each_image(plain):
    lexicon = Lexicon(["a" * 26, "a" * 13, "b"], normalise_label)  # 51 and 25 frames with blanks, of 26
    readings, refused = plain.read_and_count(crops(3), lexicons=lexicon)
    assert refused == {TOO_LONG: 3} and not plain.read_and_count(crops(3)).refused
    assert readings == plain.read(crops(3), lexicons=lexicon)
    assert all(len(reading.text) < 26 for reading in readings)
