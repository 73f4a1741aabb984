"""Small pieces of the report's HTML: safe text, numbers, interval plots, tables and images held in the page itself."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape

MINUS = "\u2212"


def safe_text(text: str) -> str:
    """Return text that is safe between tags and in attributes; characters that HTML cannot carry become U+FFFD."""
    return escape("".join(character if _allowed(ord(character)) else "\ufffd" for character in text))


def _allowed(code: int) -> bool:
    return code in (0x09, 0x0A) or not (code < 0x20 or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000)


def percent(share: float) -> str:
    """Return a share in [0, 1] as per cent with one decimal, without the sign."""
    return f"{100 * share:.1f}"


def signed_points(share: float) -> str:
    """Return a difference of shares in per cent points with its sign; what rounds to 0.0 has none."""
    points = percent(abs(share))
    if float(points) == 0:
        return points
    return f"+{points}" if share > 0 else f"{MINUS}{points}"


def interval_cell(
    words: str, interval: tuple[float, float], middle: float, axis: tuple[float, float], *, zero: bool = False
) -> str:
    """Return a table cell with an interval drawn on a horizontal axis and written out beside it.

    Args:
        words: the interval in words, for all; the drawing is kept from screen readers.
        interval: its two ends.
        middle: where the point is drawn.
        axis: the values at the two ends of the axis.
        zero: draw a line in the middle of the axis, which must be symmetric.
    """
    start, end = axis
    left, point, right = (100 * (value - start) / (end - start) for value in (interval[0], middle, interval[1]))
    return (
        '<td class="plot"><div><span class="range" aria-hidden="true">'
        + ('<span class="zero"></span>' if zero else "")
        + f'<span class="whisker" style="left:{left:.2f}%;width:{right - left:.2f}%"></span>'
        + f'<span class="point" style="left:{point:.2f}%"></span></span>'
        + f'<span class="span">{words}</span></div></td>'
    )


def interval_heading(ticks: Sequence[str]) -> str:
    """Return the heading cell over a column of `interval_cell`, with the values along its axis."""
    marks = "".join(f"<span>{tick}</span>" for tick in ticks)
    return (
        f'<th scope="col" class="plot"><div><span class="axis" aria-hidden="true">{marks}</span>'
        '<span class="span">95% interval</span></div></th>'
    )


def section(name: str, title: str, content: str) -> str:
    """Return a section with a heading that names it; `content` is HTML."""
    return f'<section aria-labelledby="{name}">\n<h2 id="{name}">{title}</h2>\n{content}\n</section>'


def scrolling_table(label: str, kind: str, head: str, bodies: str) -> str:
    """Return a table that scrolls sideways, also by keyboard, on a screen that it does not fit.

    Args:
        label: what a screen reader calls it.
        kind: the table's CSS class.
        head: HTML cells of the heading row.
        bodies: HTML of the tbody elements.
    """
    return (
        f'<div class="panel" role="region" aria-label="{label}" tabindex="0">\n'
        f'<table class="{kind}">\n<thead><tr>{head}</tr></thead>\n{bodies}\n</table>\n</div>'
    )


def inline_image(form: str, data: bytes, alt: str, shape: tuple[int, ...]) -> str:
    """Return an image with its bytes inside.

    Args:
        form: `png` or `jpeg`.
        alt: safe text for those who do not see it.
        shape: of the pixels, (height, width, ...).
    """
    source = f"data:image/{form};base64,{b64encode(data).decode('ascii')}"
    return f'<img src="{source}" alt="{alt}" width="{shape[1]}" height="{shape[0]}">'
