"""EasyOCR's files load as they are: their inputs, characters, readings and masks."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from small_easyocr import easyocr_input, easyocr_state

from recognizers import InputSpec, Recognizer, ctc_greedy, load_pretrained, save_recognizer, widen_input
from recognizers.families import family_of
from recognizers.families.easyocr import character_tables
from recognizers.preprocess import normalise, prepare
from recognizers.state_dict import unwrap
from segrec.core.errors import CheckpointError, ConfigError

SIZES = [(20, 61), (64, 64), (100, 333), (31, 10), (9, 40), (50, 49), (3, 2), (30, 1), (1, 30), (120, 360)]
CLASSES = {
    "english_g2": 97, "latin_g2": 352, "zh_sim_g2": 6719, "japanese_g2": 2215, "korean_g2": 1009, "telugu": 166,
    "kannada": 168, "cyrillic_g2": 208,
}  # fmt: skip


def crops(sizes=SIZES, seed: int = 0) -> list[np.ndarray]:
    """Return smooth coloured crops of the sizes."""
    rng = np.random.default_rng(seed)
    coarse = [rng.integers(0, 256, (-(-height // 4), -(-width // 4), 3), np.uint8) for height, width in sizes]
    return [
        np.ascontiguousarray(one.repeat(4, 0).repeat(4, 1)[:height, :width])
        for one, (height, width) in zip(coarse, sizes, strict=True)
    ]


def saved(tmp_path, name: str = "english_g2"):
    path = tmp_path / f"{name}.pth"
    torch.save(easyocr_state(name), path)
    return path


@pytest.mark.parametrize("size", SIZES)
def test_the_input_is_easyocrs_own_up_to_the_rounding_of_grey(size):
    spec = load_pretrained(easyocr_state()).input_spec
    crop = crops([size])[0]
    mine = normalise(torch.from_numpy(prepare(crop, None, spec))[None], spec)
    theirs = easyocr_input(crop)
    assert mine.shape == theirs.shape
    torch.testing.assert_close(mine, theirs, atol=2.01 / 127.5, rtol=0)  # one level of grey, and one of each filter


def test_the_readings_are_those_of_easyocrs_steps_in_any_company(tmp_path):
    model = load_pretrained(saved(tmp_path))
    pictures = [np.repeat(crop[:, :, :1], 3, axis=2) for crop in crops(SIZES[:6] * 4)]  # without a rounding of grey
    with torch.inference_mode():
        alone = [ctc_greedy(model(easyocr_input(picture)), model.charset)[0].text for picture in pictures]
    assert [reading.text for reading in Recognizer(model).read(pictures, batch_size=7)] == alone
    assert len(set(alone)) > 4 and any(text.lower() != text for text in alone), "case and symbols are kept"


@pytest.mark.parametrize("name", ["english_g2", "latin_g2", "cyrillic_g2", "telugu"])
def test_the_number_of_classes_tells_the_characters(name, tmp_path):
    model = load_pretrained(saved(tmp_path, name))
    assert model.charset == character_tables()[name] and model.charset.classes == CLASSES[name]
    assert (model.input_spec.height, model.input_spec.padding, model.input_spec.color) == (64, "edge", "grey")


def test_the_tables_are_those_of_eight_files():
    assert {name: charset.classes for name, charset in character_tables().items()} == CLASSES
    english = character_tables()["english_g2"].characters
    assert english[:10] == "0123456789" and english[42:46] == " \u20acAB" and english[-1] == "z"


def test_a_file_of_the_benchmark_stays_one(tmp_path):
    state, _ = unwrap(easyocr_state(), "it")
    assert family_of(state, "it").name == "EasyOCR"
    wide = {**state, "FeatureExtraction.ConvNet.0.weight": torch.zeros(64, 1, 3, 3)}
    usual = {**state, "Prediction.weight": torch.zeros(37, 8)}
    assert family_of(wide, "it").name == family_of(usual, "it").name == "deep-text-recognition-benchmark CRNN"


def test_characters_of_an_own_training_can_be_given():
    state = easyocr_state()
    for key in ("module.Prediction.weight", "module.Prediction.bias"):
        state[key] = state[key][:4]
    with pytest.raises(CheckpointError, match=r"has 4 classes, and only it knows which: pass charset= with its 3 char"):
        load_pretrained(state)
    assert load_pretrained(state, charset="abc").charset.characters == "abc"


@pytest.mark.parametrize("fusion", ["input", "adapter", "sft"])
def test_a_widened_network_reads_as_before_and_comes_back_from_its_file(fusion, tmp_path):
    plain = load_pretrained(saved(tmp_path))
    wide = widen_input(plain, "zero-mask", fusion=fusion)
    pictures = [np.repeat(crop[:, :, :1], 3, axis=2) for crop in crops()]
    masks = [np.full(picture.shape[:2], 255, np.uint8) for picture in pictures]
    save_recognizer(tmp_path / "wide.safetensors", wide)
    again = load_pretrained(tmp_path / "wide.safetensors")
    assert again.config() == wide.config() and again.input_spec.padding == "edge" and again.input_spec.mask
    expected = [reading.text for reading in Recognizer(plain).read(pictures)]
    assert [reading.text for reading in Recognizer(again).read(pictures, masks)] == expected


def test_a_mask_goes_on_with_zeros_where_the_image_is_padded():
    spec = InputSpec(
        height=64, color="rgb", mask=True, interpolation="opencv-bilinear", keep_ratio=True, padding="edge"
    )
    image = np.zeros((10, 15, 3), np.uint8)
    image[:, 14] = 200
    prepared = prepare(image, np.full((10, 15), 255, np.uint8), spec)
    assert prepared.shape == (4, 64, 128)
    assert (prepared[3, :, :96] == 255).all() and (prepared[3, :, 96:] == 0).all()
    assert (prepared[:3, :, 96:] == 200).all()


def test_an_unknown_padding_is_refused():
    with pytest.raises(ConfigError, match=re.escape("input padding must be none or edge, got 'zeros'")):
        InputSpec(padding="zeros")


@pytest.mark.parametrize("size", [(1, 5000), (5000, 1)])
def test_an_endless_image_is_squeezed_to_thirty_two_heights(size):
    spec = load_pretrained(easyocr_state()).input_spec
    assert prepare(np.zeros((*size, 3), np.uint8), None, spec).shape == (1, 64, 2048)
