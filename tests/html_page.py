"""A page taken apart, for tests that look at its tags and text."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "img", "input"}


class Page(HTMLParser):
    """The tags of a page with their attributes, and its text outside the style sheet; tags must balance."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.style = ""
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if "style" in self._open:
            self.style += data
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        """The text, with one space for any run of spaces and line ends."""
        return " ".join("".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of every tag of a name."""
        return [attributes for name, attributes in self.tags if name == tag]

    def classed(self, tag: str, name: str) -> list[dict[str, str | None]]:
        """Return the attributes of every tag of a name that has a class."""
        return [attributes for attributes in self.all(tag) if name in (attributes.get("class") or "").split()]
