"""What was read in pictures, as a part of the page, and in one line."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from segrec.app.pictures import SeenPicture
from segrec.core.printable import printable, shortened
from segrec.reports.html import templates_of


def words_table(pictures: Sequence[SeenPicture]) -> str:
    """Return the words of pictures as HTML: crop, masks, and both readings with their confidence."""
    return templates_of("segrec.app", printable).get_template("words.html").render(pictures=pictures)


def said(message: str, *, is_error: bool = False) -> str:
    """Return a message as HTML that screen readers read out."""
    kind, role = ("said error", "alert") if is_error else ("said", "status")
    return Markup('<p class="{}" role="{}">{}</p>').format(kind, role, shortened(printable(message)))


def summary(pictures: Sequence[SeenPicture]) -> str:
    """Return in one line how much was read, and what the mask changed."""
    problems = [picture.problem for picture in pictures if picture.problem is not None]
    if len(problems) == len(pictures):
        return problems[0] if len(problems) == 1 else f"None of {len(problems)} pictures was read: {problems[0]}"
    words = [word for picture in pictures for word in picture.words]
    changed = sum(word.differs for word in words)
    line = f"{_counted(len(words), 'word')} in {_counted(len(pictures) - len(problems), 'picture')}; "
    line += f"the mask changed {_counted(changed, 'reading') if changed else 'no reading'}."
    return line + (f" Not read: {_counted(len(problems), 'picture')}, the first: {problems[0]}" if problems else "")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
