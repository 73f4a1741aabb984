"""Words as signs show them: in contours, neon, dots, relief and metal, bent, stacked, cut, among other words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from segrec.core.images import Array, decode_jpeg, encode_jpeg
from segrec.data import camera
from segrec.rendering import sign_contours, sign_lights, sign_surfaces
from segrec.rendering.backgrounds import Backgrounds
from segrec.rendering.degrade import photograph
from segrec.rendering.fonts import FontBook
from segrec.rendering.layers import TextLayer, draw_text
from segrec.rendering.paint import plate
from segrec.rendering.sign_crops import Crop, alone, boxed, crowded
from segrec.rendering.sign_layouts import MOST_STACKED, Layout, draw_layout, laid_out, stacked
from segrec.rendering.texts import TextSource

EM = 52
"""Pixels an em at which signs are drawn before they are shrunk or enlarged."""
FINAL_EMS = (10.0, 80.0)
MOST_SIDE = 384
QUALITIES = (35, 97)
HARD_SHARE = 0.4
TRIES = 5
CROWDED_SHARE = 0.22

EFFECTS: dict[str, float] = {
    "plain": 0.17,
    "outlined": 0.13,
    "hollow": 0.08,
    "extruded": 0.08,
    "shadowed": 0.06,
    "neon": 0.09,
    "backlit": 0.05,
    "dots": 0.07,
    "stencil": 0.04,
    "relief": 0.07,
    "textured": 0.05,
    "graded": 0.04,
    "metallic": 0.04,
    "worn": 0.03,
}
"""How often each effect is drawn."""
BOLD = ("outlined", "hollow", "extruded", "dots", "stencil", "relief", "textured", "worn")
"""Effects that need strokes of some width."""
LEAST_EMS = {"relief": 22.0, "hollow": 16.0, "dots": 14.0, "neon": 12.0, "worn": 12.0}
"""Least pixels per em of letters that hardly anybody reads when they are as small as the others become."""
LEAST_STROKE = 0.085
"""Pixels a pixel of the em that the strokes of such effects have at least, where a few draws of fonts allow."""

Painter = Callable[..., sign_contours.Painted]

PAINTERS: dict[str, Painter] = {
    "plain": sign_contours.plain,
    "outlined": sign_contours.outlined,
    "hollow": sign_contours.hollow,
    "extruded": sign_contours.extruded,
    "shadowed": sign_contours.shadowed,
    "neon": sign_lights.neon,
    "backlit": sign_lights.backlit,
    "stencil": sign_contours.plain,
    "relief": sign_surfaces.relief,
    "graded": sign_surfaces.graded,
    "metallic": sign_surfaces.metallic,
}


class Sign(NamedTuple):
    """One word as a sign shows it.

    Attributes:
        text: what it says.
        effect: one of `EFFECTS`.
        layout: how its letters stand.
        layer: its ink and polygon before they were shrunk.
        jpeg: the crop, JPEG bytes of an (H, W, 3) RGB picture.
        strokes: (H, W) uint8, 255 where ink of the word is.
    """

    text: str
    effect: str
    layout: Layout
    layer: TextLayer
    jpeg: bytes
    strokes: Array


class SignMaker:
    """Makes signs of texts, fonts and backgrounds."""

    def __init__(self, fonts: FontBook, texts: TextSource, backgrounds: Backgrounds) -> None:
        self._fonts, self._texts, self._backgrounds = fonts, texts, backgrounds

    def make(self, rng: np.random.Generator) -> Sign:
        """Return a random sign."""
        names = list(EFFECTS)
        effect = names[int(rng.choice(len(names), p=np.array(list(EFFECTS.values()))))]
        layout = draw_layout(rng)
        text, font, layer = self._written(effect, layout, rng)
        pitch = 0
        if effect == "stencil":
            layer = sign_surfaces.stencilled(layer, rng, em=EM)
        if effect == "dots":
            layer, pitch = sign_lights.dotted(layer, rng, em=EM)
        layer = boxed(laid_out(layer, layout, rng), rng, em=EM, letters=len(text))
        crop = alone(layer)
        if effect != "dots" and layout in ("line", "arc") and rng.random() < CROWDED_SHARE:
            crop = self._among_others(layer, font, rng)
        image, strokes = self._painted(crop, effect, rng, pitch=pitch)
        jpeg, strokes = _photographed(image, crop.own(strokes), rng, effect)
        return Sign(text, effect, layout, crop.layer, jpeg, strokes)

    def _written(self, effect: str, layout: Layout, rng: np.random.Generator) -> tuple[str, Any, TextLayer]:
        """Return a text, its font, and it written straight or stacked, in a font as bold as the effect needs."""
        least = LEAST_STROKE * EM * (1.3 if effect == "dots" else effect in BOLD)
        while True:
            text, font = self._texts.draw(rng), self._fonts.pick(rng, EM)
            if layout == "stack":
                text = text[:MOST_STACKED] if rng.random() < 0.25 else text[:MOST_STACKED].upper()
                layer = stacked(text, font, rng)
            else:
                tight, wide = (0.0, 0.2) if effect in ("outlined", "hollow", "neon") else (-0.03, 0.25)
                spacing = 0.0 if rng.random() < 0.65 else float(rng.uniform(tight, wide)) * EM
                layer = draw_text(text, font, spacing=spacing)
            if layer is None:
                continue
            if sign_contours.stroke_width(layer.coverage) >= least:
                return text, font, layer
            least *= 0.9

    def _among_others(self, layer: TextLayer, font: Any, rng: np.random.Generator) -> Crop:
        """Return the word's crop with parts of one to three others in its font."""
        texts = [self._texts.draw(rng) for _ in range(int(rng.choice([1, 1, 1, 2, 2, 3])))]
        others = [draw_text(text, font, margin=0) for text in texts]
        found = [other.coverage for other in others if other is not None]
        return crowded(layer, found, rng, em=EM) if found else alone(layer)

    def _painted(self, crop: Crop, effect: str, rng: np.random.Generator, *, pitch: int) -> tuple[Array, Array]:
        """Return the crop's picture, (H, W, 3), and the strokes of all its words, (H, W), both uint8."""
        size = (crop.ink.shape[0], crop.ink.shape[1])
        canvas = self._backgrounds.cut(rng, size)
        if rng.random() < 0.3:
            canvas = plate(canvas, rng)
        ground = canvas.astype(np.float32)
        if effect == "dots":
            image, strokes = sign_lights.board(ground, crop.ink, rng, em=EM, pitch=pitch)
        elif effect in ("textured", "worn"):
            surface = self._backgrounds.cut(rng, size)
            paint = sign_surfaces.textured if effect == "textured" else sign_surfaces.worn
            image, strokes = paint(ground, crop.ink, rng, em=EM, surface=surface)
        else:
            image, strokes = PAINTERS[effect](ground, crop.ink, rng, em=EM)
        return np.clip(image, 0, 255).astype(np.uint8), strokes


def final_size(size: tuple[int, ...], rng: np.random.Generator, *, least: float = FINAL_EMS[0]) -> tuple[int, int]:
    """Return the (height, width) of a crop: `least` to 80 pixels per em, which makes about half 8 to 32 high."""
    em = float(np.clip(np.exp(rng.normal(np.log(22), 0.5)), least, FINAL_EMS[1]))
    scale = min(em / EM, MOST_SIDE / size[0])
    return max(8, round(size[0] * scale)), max(8, round(size[1] * scale))


def _photographed(image: Array, strokes: Array, rng: np.random.Generator, effect: str) -> tuple[bytes, Array]:
    """Return the JPEG of a photograph in which the word can be read, or of the clearest of some, and its strokes.

    Letters in relief have the ground's colour, so that only a gentle camera leaves them readable.
    """
    size, faint = final_size(image.shape, rng, least=LEAST_EMS.get(effect, FINAL_EMS[0])), effect == "relief"
    gentle = faint or rng.random() >= HARD_SHARE
    chosen, chosen_strokes, best = b"", strokes, -1.0
    for _ in range(1 if faint else TRIES):
        if gentle:
            harshness = (0.5 if faint else 1.0) * min(1.0, 1.2 * EM / image.shape[0])
            taken, (ink,) = photograph(image, (strokes,), size, rng, harshness=harshness)
        else:
            taken, ink = camera.photograph_badly(image, strokes, size, rng, em=EM)
        jpeg = encode_jpeg(taken, int(rng.integers(*QUALITIES)))
        clear = camera.clearness(decode_jpeg(jpeg), ink)
        if clear > best:
            chosen, chosen_strokes, best = jpeg, ink, clear
        if best >= 1:
            break
    return chosen, chosen_strokes
