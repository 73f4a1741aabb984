"""Words as signs show them: effects, layouts and boxes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from segrec.core.errors import ConfigError
from segrec.core.images import decode_image
from segrec.rendering import sign_contours, sign_lights, sign_surfaces
from segrec.rendering.fonts import load_font
from segrec.rendering.layers import TextLayer, draw_text
from segrec.rendering.paint import LUMA
from segrec.rendering.scenes import SceneRenderer
from segrec.rendering.sign_colors import brightness, ground_and_ink
from segrec.rendering.sign_crops import boxed, clipped, crowded, framed
from segrec.rendering.sign_layouts import laid_out, quarter_turned, stacked
from segrec.rendering.signs import EFFECTS, PAINTERS
from segrec.rendering.words import RenderedWord, WordRenderer

COUNT = 60
EM = 52


@pytest.fixture(scope="module")
def words(sources) -> list[RenderedWord]:
    renderer = WordRenderer(5, sources, style="signs")
    return [renderer.render(index) for index in range(COUNT)]


@pytest.fixture(scope="module")
def layer() -> TextLayer:
    drawn = draw_text("SHOP", load_font("", EM))
    assert drawn is not None
    return framed(drawn, np.full(4, 10))


def painted(effect: str, layer: TextLayer, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    canvas = np.full((*layer.coverage.shape, 3), 120, np.float32)
    surface = rng.integers(0, 256, size=canvas.shape, dtype=np.uint8)
    if effect == "dots":
        dots, pitch = sign_lights.dotted(layer, rng, em=EM)
        return sign_lights.board(canvas, dots.coverage, rng, em=EM, pitch=pitch)
    if effect in ("textured", "worn"):
        paint = sign_surfaces.textured if effect == "textured" else sign_surfaces.worn
        return paint(canvas, layer.coverage, rng, em=EM, surface=surface)
    return PAINTERS[effect](canvas, layer.coverage, rng, em=EM)


def test_sizes_masks_and_polygons_belong_together(words):
    for word in words:
        height, width = word.strokes.shape
        assert decode_image(word.jpeg).shape == (height, width, 3) and word.region.shape == (height, width)
        assert len(word.polygon) >= 3 and word.polygon.min() >= -0.01
        assert (word.polygon.max(axis=0) <= np.array([width, height]) + 0.01).all()
    heights = np.array([word.strokes.shape[0] for word in words])
    assert heights.min() >= 8 and 0.25 < np.mean(heights <= 32) < 0.75


def test_a_sign_is_a_function_of_seed_and_index_alone(words, sources):
    again = WordRenderer(5, sources, style="signs")
    for index in (41, 3):
        first, second = again.render(index), words[index]
        assert first.jpeg == second.jpeg and first.text == second.text
        assert np.array_equal(first.strokes, second.strokes) and np.array_equal(first.polygon, second.polygon)
    assert len({word.jpeg for word in words}) == COUNT


def test_the_strokes_lie_in_the_region(words):
    for word in words:
        ink = word.strokes > 127
        beyond = cv2.distanceTransform((word.region == 0).astype(np.uint8), cv2.DIST_L2, 5)[ink]
        assert beyond.max(initial=0) <= max(2.0, 0.1 * ink.shape[0])


@pytest.mark.parametrize("effect", sorted(set(EFFECTS) - {"relief"}))
def test_the_strokes_of_an_effect_are_where_the_picture_differs(effect, layer):
    for seed in range(6):
        image, strokes = painted(effect, layer, seed)
        luma = image @ LUMA
        here = abs(np.corrcoef(luma.ravel(), strokes.ravel())[0, 1])
        away = abs(np.corrcoef(luma.ravel(), np.roll(strokes, (9, 9), (0, 1)).ravel())[0, 1])
        color = max(abs(np.corrcoef(image[:, :, channel].ravel(), strokes.ravel())[0, 1]) for channel in range(3))
        assert max(here, color) > 0.45 and here > away - 0.05


def test_relief_has_its_edges_at_the_edges_of_its_strokes(layer):
    for seed in range(4):
        image, strokes = painted("relief", layer, seed)
        change = np.abs(image @ LUMA - np.median(image @ LUMA))
        edge = cv2.morphologyEx(strokes, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 127
        assert change[edge].mean() > 3 * change[strokes == 0].mean()


def test_ink_is_as_often_lighter_as_darker_than_light_and_dark_grounds():
    for tone in (15, 240):
        canvas = np.full((8, 8, 3), tone, np.float32)
        lighter = 0
        for seed in range(200):
            ground, ink = ground_and_ink(canvas, np.random.default_rng(seed))
            assert abs(brightness(ink) - brightness(ground)) > 15
            lighter += brightness(ink) > brightness(ground)
        assert 75 < lighter < 125


def test_a_hollow_letter_is_its_outline_and_a_contour_counts_where_it_alone_stands_out(layer):
    core = cv2.erode(layer.coverage, np.ones((5, 5), np.uint8)) > 200
    _, strokes = painted("hollow", layer, 0)
    assert strokes[core].mean() < 60 < strokes[strokes > 0].mean()
    sizes = set()
    for seed in range(30):
        image, strokes = painted("outlined", layer, seed)
        behind, fill = image[0, 0] @ LUMA, (image @ LUMA)[core].mean()
        wider = (strokes > 127).sum() > (layer.coverage > 127).sum()
        sizes.add(wider)
        if wider:
            ring = (strokes > 250) & (layer.coverage == 0)
            assert abs((image @ LUMA)[ring].mean() - behind) > abs(fill - behind)
    assert sizes == {True, False}


def test_dots_are_joined_to_letters_and_bridges_open_counters(layer):
    dots, pitch = sign_lights.dotted(layer, np.random.default_rng(0), em=EM)
    letters = sign_lights.joined(dots.coverage, pitch)
    parts = [cv2.connectedComponents((mask > 127).astype(np.uint8))[0] - 1 for mask in (dots.coverage, letters)]
    assert parts[0] > 40 and parts[1] <= 8
    cut = sign_surfaces.stencilled(layer, np.random.default_rng(0), em=EM).coverage
    assert 0.7 * layer.coverage.sum() < cut.sum() < layer.coverage.sum()
    _, levels = cv2.findContours((cut > 127).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    assert (levels[0][:, 3] < 0).all()  # nothing is left inside another outline


def test_cut_letters_have_a_polygon_within_the_crop(layer):
    cut = framed(layer, np.array([-20, -14, 0, -12]))
    height, width = cut.coverage.shape
    assert (height, width) == (layer.coverage.shape[0] - 26, layer.coverage.shape[1] - 20)
    assert np.array_equal(cut.coverage, layer.coverage[14:-12, 20:])
    assert cut.polygon.tolist() == [[0, 0], [width - 12, 0], [width - 12, height], [0, height]] or set(
        map(tuple, cut.polygon.tolist())
    ) == {(0, 0), (width - 12, 0), (width - 12, height), (0, height)}


def test_a_polygon_is_cut_along_the_border():
    """A diamond of which the left corner is cut off at half its depth becomes a pentagon."""
    diamond = np.array([[0, -4], [4, 0], [0, 4], [-4, 0]], np.float32) + np.array([2, 4], np.float32)
    points = clipped(diamond, (8, 6))
    assert sorted(map(tuple, points.tolist())) == [(0, 2), (0, 6), (2, 0), (2, 8), (6, 4)]
    assert np.array_equal(clipped(diamond + 4, (40, 40)), diamond + 4)


def test_no_box_cuts_more_than_a_quarter(layer):
    tight = framed(layer, np.full(4, -12))
    for seed in range(150):
        box = boxed(tight, np.random.default_rng(seed), em=EM, letters=4)
        for axis, most in ((0, 0.5), (1, 0.25)):
            assert box.coverage.shape[axis] >= tight.coverage.shape[axis] * (1 - most) - 2


def test_parts_of_neighbours_are_ink_but_not_strokes_of_the_word(layer):
    block = np.full((40, 90), 255, np.uint8)
    for seed in range(12):
        crop = crowded(layer, [block, block], np.random.default_rng(seed), em=EM)
        own = crop.own(crop.ink)
        assert np.array_equal(own, crop.layer.coverage)
        assert (crop.ink > 0).sum() > (own > 0).sum() == (layer.coverage > 0).sum()
        assert np.count_nonzero(crop.foreign) == 2


def test_stacked_letters_stand_below_one_another_and_quarter_turns_keep_the_words_start(layer):
    pile = stacked("HTE", load_font("", EM), np.random.default_rng(0))
    assert pile is not None and pile.coverage.shape[0] > 2 * pile.coverage.shape[1]
    assert cv2.connectedComponents((pile.coverage > 127).astype(np.uint8))[0] - 1 == 3
    for clockwise in (True, False):
        turned = quarter_turned(layer, clockwise=clockwise)
        assert turned.coverage.shape == layer.coverage.shape[::-1]
        start = turned.polygon[0]
        assert (start[1] < turned.coverage.shape[0] / 2) == clockwise
        assert (start[0] > turned.coverage.shape[1] / 2) == clockwise


@pytest.mark.parametrize("layout", ["line", "arc", "badge", "tilt", "turn"])
def test_every_layout_keeps_its_ink_in_its_polygon(layout):
    word = draw_text("boulevards", load_font("", EM))
    assert word is not None
    for seed in range(4):
        bent = laid_out(word, layout, np.random.default_rng(seed))
        inside = np.zeros(bent.coverage.shape, np.uint8)
        cv2.fillPoly(inside, [np.round(bent.polygon).astype(np.int32)], 255)
        inside = cv2.dilate(inside, np.ones((5, 5), np.uint8))
        assert bent.coverage[inside == 0].sum() < 0.01 * bent.coverage.sum()
        assert bent.coverage.sum() > 0.5 * word.coverage.sum()


def test_stroke_width_is_that_of_a_bar():
    bar = np.zeros((60, 200), np.uint8)
    bar[20:32, 10:190] = 255
    assert sign_contours.stroke_width(bar) == pytest.approx(12, rel=0.2)


def test_scenes_have_no_signs(sources):
    with pytest.raises(ConfigError, match="scenes have no style 'signs'; choose mixed or hard, or render words"):
        SceneRenderer(0, sources, style="signs")
