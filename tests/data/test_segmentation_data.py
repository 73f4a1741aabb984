"""Training samples of the segmenter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from segmenter.augment import SegmentationSample
from segrec.core.errors import ConfigError, DataError
from segrec.core.files import write_json
from segrec.core.images import encode_jpeg, encode_png, opencv
from segrec.data.masked_images import MaskedScenes, MaskedWords, binary, open_masked, softened
from segrec.data.masks.kinds import ORACLE, REGIONS
from segrec.data.masks.record import MaskRecord, SourceRecord
from segrec.data.masks.writer import MaskStoreWriter
from segrec.data.segmentation import IGNORE, SegmentationDataset, collate
from segrec.data.words import WordLmdb, WordWriter

SIZES = [(10, 40), (30, 20), (64, 200)]


def masks_of(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return a word of one bar: its text mask, and its region one pixel larger."""
    height, width = size
    text, region = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
    text[height // 3 : height // 2, width // 4 : width // 2] = 255
    region[height // 3 - 1 : height // 2 + 1, width // 4 - 1 : width // 2 + 1] = 255
    return text, region


class OnePicture:
    """A picture whose left half is text."""

    def __init__(self, height: int, width: int) -> None:
        self.text = np.zeros((height, width), np.uint8)
        self.text[:, : width // 2] = 255

    def __len__(self) -> int:
        return 1

    def name(self, position: int) -> str:
        return "picture"

    def sample(self, position: int) -> SegmentationSample:
        return SegmentationSample(np.repeat(self.text[:, :, None], 3, axis=2), self.text, None)

    def visited(self, position: int, *, seed: int, visit: int) -> SegmentationSample:
        return self.sample(position)


def test_a_tall_word_is_learnt_from_on_its_side_as_it_is_predicted():
    tall = SegmentationDataset(OnePicture(120, 40), (32, 96), seed=0, words=True)[0, 0]
    flat = SegmentationDataset(OnePicture(40, 120), (32, 96), seed=0, words=True)[0, 0]
    known = tall.text != 128
    assert known.mean() > 0.5, "upright, a tall word would fill a ninth of the sample"
    rows, columns = (np.abs(np.diff(tall.text.astype(int) * known, axis=axis)).mean() for axis in (0, 1))
    assert rows > columns, "the edge between its halves runs along the sample"
    rows, columns = (np.abs(np.diff(flat.text.astype(int) * (flat.text != 128), axis=axis)).mean() for axis in (0, 1))
    assert columns > rows


def write_words(folder: Path, *, stores: tuple[str, ...] = (ORACLE, REGIONS), done: int = 3) -> Path:
    with WordWriter(folder) as writer:
        for size in SIZES:
            text, _ = masks_of(size)
            writer.add(encode_png(np.repeat(text[:, :, None], 3, axis=2)), "bar")
    source = SourceRecord.of(WordLmdb(folder))
    for name in stores:
        record = MaskRecord(
            kind="oracle" if name == ORACLE else "region",
            source=source,
            segmenter=None,
            input_size=(None, None),
            span=(1, len(SIZES)),
        )
        with MaskStoreWriter.open(folder / name, record) as store:
            store.write(1, [masks_of(size)[stores.index(name)] for size in SIZES[:done]])
    return folder


@pytest.fixture
def words(tmp_path) -> Path:
    return write_words(tmp_path / "words")


@pytest.fixture
def scenes(tmp_path) -> Path:
    text, region = masks_of((48, 80))
    for kind, content in {
        "images/a.jpg": encode_jpeg(np.repeat(text[:, :, None], 3, axis=2)),
        "text/a.png": encode_png(text // 2),
        "regions/a.png": encode_png(region),
    }.items():
        (tmp_path / "scenes" / kind).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "scenes" / kind).write_bytes(content)
    write_json(tmp_path / "scenes" / "scenes.json", {"seed": 0, "scenes": ["a"]})
    return tmp_path / "scenes"


def test_words_come_with_both_masks(words):
    data = MaskedWords(words)
    assert len(data) == len(SIZES)
    for position, size in enumerate(SIZES):
        sample = data.sample(position)
        text, region = masks_of(size)
        assert np.array_equal(sample.text, text) and np.array_equal(sample.region, region)
        assert np.array_equal(sample.image[:, :, 0], text)


def test_words_without_whole_masks_of_their_own_are_refused(tmp_path):
    with pytest.raises(DataError, match="has no exact masks; name words that segrec render words wrote"):
        MaskedWords(write_words(tmp_path / "bare", stores=()))
    with pytest.raises(DataError, match="regions does not exist"):
        MaskedWords(write_words(tmp_path / "half", stores=(ORACLE,)))
    with pytest.raises(DataError, match="is unfinished: 2 of 3 masks"):
        MaskedWords(write_words(tmp_path / "cut", done=2))
    foreign = write_words(tmp_path / "foreign")
    with WordWriter(foreign, overwrite=True) as writer:
        writer.add(encode_png(np.zeros((4, 4, 3), np.uint8)), "new")
    with pytest.raises(DataError, match="was made from"):
        MaskedWords(foreign)


def test_scenes_come_with_binary_masks(scenes):
    data = MaskedScenes(scenes)
    text, region = masks_of((48, 80))
    sample = data.sample(0)
    assert len(data) == 1 and sample.image.shape == (48, 80, 3)
    assert np.array_equal(sample.text, text) and np.array_equal(sample.region, region)


def test_a_folder_without_scenes_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"cannot read .*scenes\.json"):
        MaskedScenes(tmp_path)
    for content in ({}, [], {"scenes": 3}):
        write_json(tmp_path / "scenes.json", content)
        with pytest.raises(DataError, match=r"scenes\.json names no scenes; render them again"):
            MaskedScenes(tmp_path)


@pytest.mark.parametrize("words_at_height", [True, False])
@pytest.mark.parametrize("size", [(32, 64), (64, 16)])
def test_samples_have_one_size_and_masks_with_text_ground_and_ignored(words, words_at_height, size):
    data = SegmentationDataset(MaskedWords(words), size, seed=0, words=words_at_height)
    values = set()
    for position in range(len(data)):
        for visit in range(4):
            sample = data[position, visit]
            assert sample.image.shape == (*size, 3) and sample.image.dtype == np.uint8
            assert sample.text.shape == sample.region.shape == size
            values |= set(np.unique(sample.text).tolist()) | set(np.unique(sample.region).tolist())
    assert {0, IGNORE, 255} <= values


def test_small_words_teach_soft_edges_at_the_networks_size_and_not_blocks(tmp_path):
    text = np.zeros((8, 24), np.uint8)
    text[:, 6:8], text[:, 14] = 255, 68  # a stroke, and one that covers a quarter of its pixels
    folder = tmp_path / "words"
    with WordWriter(folder) as writer:
        writer.add(encode_png(np.repeat(text[:, :, None], 3, axis=2)), "ll")
    for name in (ORACLE, REGIONS):
        record = MaskRecord("oracle", SourceRecord.of(WordLmdb(folder)), None, (None, None), (1, 1))
        with MaskStoreWriter.open(folder / name, record) as store:
            store.write(1, [text])
    blocks, soft = MaskedWords(folder).sample(0).text, open_masked(f"words={folder}", soft=True).sample(0).text
    assert set(np.unique(blocks)) == {0, 255} and not blocks[:, 14].any()
    assert soft[0, 6] == 255 and 95 <= soft[0, 14] <= 99
    values = np.unique(SegmentationDataset(MaskedWords(folder, soft=True), (32, 96), seed=0, words=True)[0, 0].text)
    assert len(values) > 20


def test_a_softened_mask_is_half_text_where_the_binary_one_is_text_and_never_says_ignore():
    coverage = np.arange(256, dtype=np.uint8)[None]
    soft = softened(coverage)
    assert np.array_equal(soft >= 128, binary(coverage) == 255)
    assert IGNORE not in soft and np.all(np.diff(soft.astype(int)) >= 0) and soft[0, 0] == 0 and soft[0, -1] == 255


def test_text_supervision_drops_the_region(words):
    data = SegmentationDataset(MaskedWords(words), (32, 64), seed=0, words=True, supervision="text")
    both = SegmentationDataset(MaskedWords(words), (32, 64), seed=0, words=True)
    assert data[2, 0].region is None and np.array_equal(data[2, 0].text, both[2, 0].text)


def test_masks_move_with_the_image(words):
    data = SegmentationDataset(MaskedWords(words), (32, 64), seed=1, words=True)
    found = 0
    for visit in range(20):
        image, text, region = data[2, visit]
        known = text != IGNORE
        if (text == 255).sum() > 20 and (text[known] == 0).sum() > 20:
            grey = image.astype(float).mean(axis=2)
            assert abs(grey[text == 255].mean() - grey[known & (text == 0)].mean()) > 40  # either way: inversion
            assert (region[text == 255] != 0).mean() > 0.98
            found += 1
    assert found > 10


def test_a_short_word_is_ignored_beside_itself_and_not_called_background(words):
    data = SegmentationDataset(MaskedWords(words), (32, 256), seed=0, words=True)
    shares = [float((data[1, visit].text == IGNORE).mean()) for visit in range(6)]  # 32 x 21 of 32 x 256 pixels
    assert min(shares) > 0.8


def test_a_sample_depends_on_position_and_visit_alone(words):
    first, second = (SegmentationDataset(MaskedWords(words), (32, 64), seed=5, words=True) for _ in range(2))
    second[1, 0]
    assert np.array_equal(first[2, 3].image, second[2, 3].image)
    assert np.array_equal(first[2, 3].text, second[2, 3].text)
    other = SegmentationDataset(MaskedWords(words), (32, 64), seed=6, words=True)
    for sample in (first[2, 4], first[0, 3], other[2, 3]):
        assert not np.array_equal(sample.image, first[2, 3].image)


def test_pictures_of_a_batch_lie_plane_after_plane_so_that_thin_networks_stay_clear_of_channels_last():
    sample = SegmentationSample(np.zeros((8, 9, 3), np.uint8), None, None)
    assert collate([sample, sample]).images.is_contiguous()


def test_a_batch_says_which_masks_it_has():
    image, on = np.full((16, 32, 3), (1, 2, 3), np.uint8), np.full((16, 32), 255, np.uint8)
    batch = collate(
        [SegmentationSample(image, on, None), SegmentationSample(image, None, on), SegmentationSample(image, on, on)]
    )
    assert batch.images.shape == (3, 3, 16, 32) and batch.images.dtype == torch.uint8
    assert batch.images[0, :, 0, 0].tolist() == [1, 2, 3]
    assert batch.text.shape == batch.region.shape == (3, 1, 16, 32)
    assert batch.has_text.tolist() == [True, False, True] and batch.has_region.tolist() == [False, True, True]
    assert batch.text[1].unique().tolist() == [IGNORE] and batch.text[0].unique().tolist() == [255]


def test_a_word_that_became_unreadable_is_named(words, tmp_path):
    broken = tmp_path / "broken"
    with WordWriter(broken) as writer:
        for size in SIZES:
            writer.add(b"" if size == SIZES[1] else encode_png(masks_of(size)[0]), "bar")
    for name in (ORACLE, REGIONS):
        record = MaskRecord("oracle", SourceRecord.of(WordLmdb(broken)), None, (None, None), (1, 3))
        with MaskStoreWriter.open(broken / name, record) as store:
            store.write(1, [masks_of(size)[0] for size in SIZES])
    with pytest.raises(DataError, match=r"image-000000002: the image is empty .*; render the words again"):
        MaskedWords(broken).sample(1)


def test_a_drawn_sample_has_one_of_its_masks_and_the_draw_depends_on_the_visit(words):
    drawn = SegmentationDataset(MaskedWords(words), (32, 64), seed=0, words=True, supervision="draw")
    both = SegmentationDataset(MaskedWords(words), (32, 64), seed=0, words=True)
    kept = []
    for visit in range(40):
        sample, whole = drawn[2, visit], both[2, visit]
        assert (sample.text is None) != (sample.region is None)
        assert np.array_equal(sample.image, whole.image)
        mask, of_both = (sample.region, whole.region) if sample.text is None else (sample.text, whole.text)
        assert np.array_equal(mask, of_both)
        kept.append(sample.text is not None)
    assert 10 <= sum(kept) <= 30
    assert [drawn[2, visit].text is not None for visit in range(40)] == kept


def test_scene_windows_keep_the_scale_of_the_scene_and_mostly_hold_text(tmp_path):
    text = np.zeros((400, 600), np.uint8)
    text[300:310, 500:540] = 255
    for kind, array in {"images": text, "text": text}.items():
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "a.png").write_bytes(encode_png(array))
    data = SegmentationDataset(open_masked(f"folder={tmp_path}"), (64, 64), seed=0, words=False)
    areas = np.array([int((data[0, visit].text == 255).sum()) for visit in range(60)])
    assert (areas > 50).mean() > 0.5 and (areas == 0).any()
    assert areas.max() < 1.8**2 * 400 and np.median(areas[areas > 300]) > 0.4**2 * 400


def test_a_low_zoom_shows_large_letters_small_without_aliasing(tmp_path):
    """Stripes of one pixel average to grey; a letter of 400 pixels is some 40 to 120 high in windows of 128."""
    stripes = np.tile(np.array([[0, 255], [255, 0]], np.uint8), (400, 400))
    stripes[200:600, 200:600] = 255
    text = np.zeros((800, 800), np.uint8)
    text[200:600, 200:600] = 255
    for kind, array in {"images": stripes, "text": text}.items():
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "a.png").write_bytes(encode_png(array))
    data = SegmentationDataset(
        open_masked(f"folder={tmp_path}"), (128, 128), seed=0, words=False, scene_zoom=(0.1, 0.3)
    )
    heights = []
    for visit in range(30):
        sample = data[0, visit]
        assert sample.image.shape == (128, 128, 3)
        ground = opencv().erode((sample.text == 0).astype(np.uint8), np.ones((7, 7))) > 0
        assert ground.sum() < 50 or sample.image[ground].std() < 30
        heights.append(int((sample.text > IGNORE).any(axis=1).sum()))
    assert min(heights) < 60 < max(heights) <= 128


def test_the_default_zoom_is_that_of_before(tmp_path):
    for kind in ("images", "text"):
        (tmp_path / kind).mkdir()
        noise = np.random.default_rng(0).integers(0, 2, (300, 300), dtype=np.uint8) * 255
        (tmp_path / kind / "a.png").write_bytes(encode_png(noise))
    images = open_masked(f"folder={tmp_path}")
    plain, said = (
        SegmentationDataset(images, (32, 32), seed=0, words=False, **zoom) for zoom in ({}, {"scene_zoom": (0.5, 1.6)})
    )
    assert all(np.array_equal(plain[0, visit].image, said[0, visit].image) for visit in range(5))


def test_a_scene_smaller_than_the_window_is_continued_and_ignored_outside(tmp_path):
    for kind in ("images", "text"):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "a.png").write_bytes(encode_png(np.full((5, 200), 255, np.uint8)))
    data = SegmentationDataset(open_masked(f"folder={tmp_path}"), (64, 64), seed=0, words=False)
    for visit in range(10):
        sample = data[0, visit]
        assert sample.image.shape == (64, 64, 3) and sample.region is None
        assert {128, 255} == set(np.unique(sample.text))


def test_specs_name_kind_split_and_path(words, scenes):
    assert isinstance(open_masked(f"words={words}"), MaskedWords)
    assert open_masked(f"scenes={scenes}").name(0) == "a" and open_masked(f"words={words}").name(1) == "image-000000002"
    with pytest.raises(
        ConfigError, match=r"expected KIND=PATH or KIND:SPLIT=PATH, got '/data'; kinds: words, scenes, "
    ):
        open_masked("/data")
    with pytest.raises(ConfigError, match="rendered words have no splits; write words=x"):
        open_masked("words:train=x")
    with pytest.raises(ConfigError, match="no dataset kind 'totltext', did you mean totaltext"):
        open_masked("totltext=x")


@pytest.mark.parametrize("names", [[], [3], None])
def test_a_folder_that_names_no_scenes_is_refused(scenes, names):
    write_json(scenes / "scenes.json", {"scenes": names})
    with pytest.raises(DataError, match="names no scenes; render them again"):
        MaskedScenes(scenes)


def test_a_folder_without_scenes_says_how_other_data_are_named(tmp_path):
    with pytest.raises(DataError, match=r"holds no rendered scenes.* name other data as KIND=PATH"):
        MaskedScenes(tmp_path)


def test_a_scene_whose_mask_has_another_size_is_refused(scenes):
    (scenes / "regions" / "a.png").write_bytes(encode_png(np.zeros((48, 81), np.uint8)))
    with pytest.raises(DataError, match=r"a.png is 81 x 48 pixels but its image .*a.jpg is 80 x 48"):
        MaskedScenes(scenes).sample(0)
