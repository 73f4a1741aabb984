"""Reading crops and regions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import segrec
from recognizers import Recognizer, crnn_slim, widen_input
from segmenter import MutuallyGuidedNet
from segrec.core.errors import CheckpointError, ConfigError, DataError
from segrec.reader import Reader, Segmenter, Word

GENERATOR = np.random.default_rng(0)
CROPS = [
    GENERATOR.integers(0, 256, (*size, 3), dtype=np.uint8) for size in [(20, 60), (31, 9), (1, 1), (20, 60), (64, 200)]
]


def settled(network: torch.nn.Module, *shape: int) -> torch.nn.Module:
    """Return the network of random weights with statistics for its BatchNorms, so that its outputs are lively."""
    network.train()
    for _ in range(30):
        network(torch.rand(4, *shape) * 2 - 1)
    return network.eval()


def random_reader(brightness: float = 0.0) -> Reader:
    """Return a reader of random weights; `brightness` is added to the logits of its masks."""
    torch.manual_seed(0)
    segmenter = MutuallyGuidedNet(width=4, working_height=32)
    recognizer = widen_input(crnn_slim(), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        settled(segmenter, 3, 32, 64)
        settled(recognizer, 4, 32, 100)
        segmenter.text_decoder.head.bias += brightness
        recognizer.get_submodule("rnn.1.embedding").weight *= 40
    return Reader(Recognizer(recognizer), Segmenter(segmenter, scene_height=None))


@pytest.fixture(scope="module")
def reader() -> Reader:
    return random_reader()


def alike(first: Word, second: Word) -> bool:
    return (
        first.text == second.text
        and np.allclose(
            [first.confidence, *first.character_confidences],
            [second.confidence, *second.character_confidences],
            atol=1e-4,
        )
        and np.allclose(first.mask, second.mask, atol=1e-4)
    )


def test_a_plain_list_of_words_is_a_lexicon(reader):
    words = reader.read(CROPS[:2], lexicon=["O'Neil", "Station"])
    assert {word.text for word in words} <= {"O'Neil", "Station"}
    with pytest.raises(ValueError, match=r"must be a list of words, got the text 'words\.txt'"):
        reader.read(CROPS[:2], lexicon="words.txt")
    with pytest.raises(DataError, match="the lexicon holds no word"):
        reader.read(CROPS[:2], lexicon=["!"])


def test_nothing_gives_nothing(reader):
    assert reader.read([]) == []
    assert reader.read_regions(CROPS[0], []) == []


def test_every_crop_gives_a_word_with_its_mask(reader):
    words = reader.read(CROPS)
    assert len(words) == len(CROPS)
    for word, crop in zip(words, CROPS, strict=True):
        assert isinstance(word, Word)
        assert 0 <= word.confidence <= 1
        assert len(word.character_confidences) == len(word.text)
        assert word.mask.shape == crop.shape[:2] and word.mask.dtype == np.float32
        assert word.mask.min() >= 0 and word.mask.max() <= 1
    assert words[0].mask.std() > 0.05


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_words_come_in_the_order_of_the_crops_whatever_the_batch(reader, batch_size):
    alone = [reader.read([crop])[0] for crop in CROPS]
    assert len({word.confidence for word in alone}) == len(CROPS)
    for order in (range(5), [4, 2, 0, 3, 1]):
        words = reader.read([CROPS[position] for position in order], batch_size=batch_size)
        assert all(alike(word, alone[position]) for word, position in zip(words, order, strict=True))


def test_the_mask_reaches_the_recognizer():
    dark, bright = (random_reader(brightness).read(CROPS[:1])[0] for brightness in (-9, 9))
    assert dark.mask.max() < 0.1 and bright.mask.min() > 0.9
    assert abs(dark.confidence - bright.confidence) > 1e-3


def test_a_recognizer_without_a_mask_channel_reads_too(reader):
    torch.manual_seed(0)
    plain = Reader(Recognizer(crnn_slim()), reader._networks.segmenter)
    words = plain.read(CROPS)
    assert [word.mask.shape for word in words] == [crop.shape[:2] for crop in CROPS]
    assert np.allclose(words[0].mask, reader.read(CROPS[:1])[0].mask, atol=1e-5)


def test_a_recognizer_without_a_mask_channel_reads_without_a_segmenter(reader):
    torch.manual_seed(0)
    recognizer = Recognizer(crnn_slim())
    alone, both = Reader(recognizer, None), Reader(recognizer, reader._networks.segmenter)
    words = alone.read(CROPS)
    for word, other, crop in zip(words, both.read(CROPS), CROPS, strict=True):
        assert (word.text, word.confidence) == (other.text, other.confidence)
        assert word.mask.shape == crop.shape[:2] and word.mask.dtype == np.float32 and not word.mask.any()
        assert word.character_boxes.shape == (len(word.text), 4, 2)
    assert alone.read_regions(CROPS[4], [box(10, 5, 90, 40)])[0].text == alone.read([CROPS[4][5:40, 10:90]])[0].text
    assert alone.explain(CROPS[0]).reading.text == words[0].text


def test_what_needs_a_segmenter_says_so(reader):
    plain = Reader(Recognizer(crnn_slim()), None)
    with pytest.raises(ConfigError, match="no segmenter to find words; name a detector, or give the words' polygons"):
        plain.read_page(CROPS[4])
    with pytest.raises(ConfigError, match="this reader has no segmenter, and so no text masks; open it with one"):
        plain.text_mask(CROPS[4], [box(10, 5, 90, 40)])
    with pytest.raises(ConfigError, match="with a mask channel needs a segmenter beside it; only others read without"):
        Reader(reader._networks.recognizer, None)
    with pytest.raises(ConfigError, match="with a mask channel needs a segmenter"):
        Reader.from_pretrained("crnn-slim-predicted", segmenter=None, device="cpu")


def test_grey_and_transparent_crops_are_accepted(reader):
    grey = CROPS[0][:, :, 0]
    colour = np.repeat(grey[:, :, None], 3, axis=2)
    opaque = np.concatenate([colour, np.full((20, 60, 1), 255, np.uint8)], axis=2)
    words = reader.read([colour, grey, grey[:, :, None], opaque])
    assert all(alike(word, words[0]) for word in words)
    cleared = opaque.copy()
    cleared[:, :, 3] = 0
    assert alike(reader.read([cleared])[0], reader.read([np.full_like(colour, 255)])[0])


@pytest.mark.parametrize(
    ("crops", "message"),
    [
        ([CROPS[0], CROPS[1].astype(np.float32)], r"image 1 must be a uint8 array .*, got float32 \(31, 9, 3\)"),
        ([np.zeros((4, 4, 2), np.uint8)], r"got uint8 \(4, 4, 2\)"),
        ([np.zeros((0, 4, 3), np.uint8)], "at least 1x1 pixels"),
        ([7], "got int"),
        ("sign.jpg", "crops must be a list of pictures, got one str; wrap it as"),
        (CROPS[0], r"crops must be a list of pictures, got one array \(20, 60, 3\); wrap it as \[crop\]"),
    ],
)
def test_what_is_no_list_of_pictures_is_refused_in_words(reader, crops, message):
    with pytest.raises(ValueError, match=message):
        reader.read(crops)


def box(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])


def test_regions_are_read_as_their_crops(reader):
    picture = CROPS[4]
    words = reader.read_regions(picture, [box(10, 5, 90, 40), box(100, 0, 200, 64)])
    expected = reader.read([picture[5:40, 10:90], picture[:, 100:]])
    assert all(alike(word, other) for word, other in zip(words, expected, strict=True))


def test_a_degenerate_polygon_keeps_the_positions_of_the_others(reader):
    picture, flat = CROPS[4], box(10, 10, 50, 10)
    good = [box(10, 5, 90, 40), box(100, 0, 200, 64)]
    words = reader.read_regions(picture, [flat, good[0], flat, good[1]])
    expected = reader.read_regions(picture, good)
    assert alike(words[1], expected[0]) and alike(words[3], expected[1])
    for nothing in (words[0], words[2]):
        assert (nothing.text, nothing.confidence, nothing.character_confidences) == ("", 0.0, ())
        assert nothing.mask.shape == (1, 1) and nothing.mask.dtype == np.float32
    assert [word.text for word in reader.read_regions(picture, [flat])] == [""]


def test_a_bad_polygon_is_named_by_its_number(reader):
    with pytest.raises(ValueError, match=r"polygon 1: a polygon must be \(P, 2\) with P >= 4, .*, got \(3, 2\)"):
        reader.read_regions(CROPS[0], [box(0, 0, 9, 9), np.zeros((3, 2))])


def test_the_shipped_weights_read():
    words = segrec.Reader.from_pretrained(device="cpu").read(CROPS)
    assert [word.mask.shape for word in words] == [crop.shape[:2] for crop in CROPS]
    assert all(set(word.text) <= set("0123456789abcdefghijklmnopqrstuvwxyz") for word in words)


def test_names_and_devices_that_do_not_exist_are_refused():
    with pytest.raises(CheckpointError, match="no weights at nothing; name a file"):
        Reader.from_pretrained("nothing", device="cpu")
    with pytest.raises(CheckpointError, match="no weights at nothing; name a file"):
        Reader.from_pretrained(segmenter="nothing", device="cpu")
    with pytest.raises(ConfigError, match="unknown device 'gpu'"):
        Reader.from_pretrained(device="gpu")
