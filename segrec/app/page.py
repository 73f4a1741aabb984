"""The page itself: what stands on it, and what happens when something is pressed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from types import ModuleType
from typing import Any

from segrec.app.editing import Deed, edit_seen
from segrec.app.examples import rendered_photograph
from segrec.app.networks import Networks
from segrec.app.pictures import SeenPicture, see_pictures
from segrec.app.words import said, summary, words_table
from segrec.core.errors import SegrecError
from segrec.core.images import decode_image, decode_mask
from segrec.core.packages import package
from segrec.jobs.read_pictures import Kind
from segrec.pages.inputs import SUFFIXES

ABOUT = """# segrec
Drop photographs, or crops of one word each. You see where the mask network finds **text** and **regions of text**, what
is read **without and with** the text mask, and can edit the text along it. Nothing leaves the computer that runs this
page."""
KINDS = [("By its size", "auto"), ("One word each", "crop"), ("Photographs", "page")]
DEEDS = [("Recolour", "recolor"), ("Erase", "erase"), ("Copy to another picture", "copy")]
ORANGE = "#ff8800"
KEPT = 3600
"""Seconds for which pictures are kept after they were used."""
ALONE = {"concurrency_id": "networks", "concurrency_limit": 1}
"""What runs the networks waits for whatever else does."""
MISSING = "the page needs Gradio ({reason}); pip install 'segrec[app]'"
CSS = Path(__file__).parent / "templates" / "page.css"


def gradio() -> ModuleType:
    """Return Gradio.

    Raises:
        LibraryError: it is not installed.
    """
    return package("gradio", MISSING)


def build_page(networks: Networks) -> Any:
    """Return the page as Gradio's `Blocks`, which is not served yet.

    Args:
        networks: to mask and read with, one request after the other.

    Raises:
        LibraryError: Gradio is not installed.
    """
    gr = gradio()
    with gr.Blocks(title="segrec", analytics_enabled=False, delete_cache=(KEPT, KEPT)) as page:
        gr.Markdown(ABOUT)
        _Page(gr, networks).listen()
    page.queue(default_concurrency_limit=1, max_size=32)
    return page


class _Page:
    """The parts of the page, in their order, and what happens to them.

    Args:
        gr: Gradio, within its `Blocks`.
        networks: to mask and read with.
    """

    def __init__(self, gr: ModuleType, networks: Networks) -> None:
        self._gr, self._networks = gr, networks
        self._folder = TemporaryDirectory(prefix="segrec-")  # of rendered photographs, as long as there is the page
        self.seen = gr.State([], time_to_live=KEPT)
        self._put_reading(gr)
        self._put_editing(gr)

    def _put_reading(self, gr: ModuleType) -> None:
        with gr.Row(equal_height=True):
            types = ["image", *sorted(SUFFIXES)]
            self.files = gr.File(
                file_count="multiple", file_types=types, label="Photographs or word crops", height=190, scale=2
            )
            with gr.Column(min_width=260):
                self.kind = gr.Radio(KINDS, value="auto", label="Each picture is taken for")
                self.read = gr.Button("Read", variant="primary", elem_id="read")
                self.example = gr.Button("Try a rendered photograph", elem_id="example")
        self.status = gr.HTML(said("Nothing was read yet."), elem_id="status")
        self.chosen = gr.Dropdown([], label="Picture", visible=False, elem_id="chosen")
        with gr.Row(visible=False) as self.maps:
            shown = {"interactive": False, "buttons": ["download", "fullscreen"], "height": 300, "min_width": 200}
            self.overlay = gr.Image(label="What was read", format="jpeg", elem_id="overlay", **shown)
            self.text = gr.Image(label="Text mask", format="png", elem_id="text-mask", **shown)
            self.region = gr.Image(label="Region mask", format="png", elem_id="region-mask", **shown)
        self.table = gr.HTML("", apply_default_css=False, elem_id="words")

    def _put_editing(self, gr: ModuleType) -> None:
        with gr.Column(visible=False) as self.editing:
            gr.Markdown("## Edit the text")
            self.words = gr.CheckboxGroup([], label="Words", elem_id="chosen-words")
            self.deed = gr.Radio(DEEDS, value="recolor", label="What to do", elem_id="deed")
            self.color = gr.ColorPicker(ORANGE, label="New colour", elem_id="new-colour")
            self.target = gr.File(file_types=["image", *sorted(SUFFIXES)], label="Copy to", visible=False, height=150)
            self.edit = gr.Button("Edit", variant="primary", elem_id="edit")
            self.edit_status = gr.HTML("", elem_id="edit-status")
            buttons = ["download", "fullscreen"]
            self.edited = gr.Image(
                label="Edited", format="png", interactive=False, visible=False, buttons=buttons, elem_id="edited"
            )

    @property
    def _view(self) -> list[Any]:
        """What shows the chosen picture."""
        maps = [self.overlay, self.text, self.region]
        return [self.maps, *maps, self.editing, self.words, self.edit_status, self.edited]

    def listen(self) -> None:
        """Say what is done when something is dropped, chosen or pressed."""
        read = [self.status, self.seen, self.chosen, self.table, *self._view]
        self.read.click(self._read, [self.files, self.kind], read, api_name="read", **ALONE)
        self.files.upload(self._read, [self.files, self.kind], read, api_visibility="private", **ALONE)
        self.example.click(self._example, None, self.files, api_name="example").then(
            self._read, [self.files, self.kind], read, api_visibility="private", **ALONE
        )
        self.chosen.input(self._choose, [self.seen, self.chosen], self._view, api_name="choose")
        self.deed.change(self._fit, self.deed, [self.color, self.target], api_visibility="private")
        asked = [self.seen, self.chosen, self.words, self.deed, self.color, self.target]
        self.edit.click(self._edit, asked, [self.edit_status, self.edited], api_name="edit", **ALONE)

    def _example(self) -> list[str]:
        return rendered_photograph(Path(self._folder.name))

    def _read(self, paths: Sequence[str] | None, kind: Kind) -> list[Any]:
        """Return what is new in status, state, choice, table and view."""
        if not paths:
            return self._unread("nothing was dropped yet: choose pictures, or try the rendered photograph")
        start = perf_counter()
        try:
            seen = see_pictures(self._networks, paths, kind)
        except (SegrecError, ValueError, MemoryError) as error:
            return self._unread(_line(error))
        good = [place for place, picture in enumerate(seen) if picture.problem is None]
        line = f"{summary(seen)} ({perf_counter() - start:.1f} s)" if good else summary(seen)
        choices = [(f"{place + 1}: {seen[place].name}", place) for place in good]
        chosen = self._gr.Dropdown(choices, value=good[0] if good else None, visible=len(good) > 1)
        view = self._shown(seen[good[0]]) if good else self._nothing()
        return [said(line, is_error=not good), seen, chosen, words_table(seen), *view]

    def _unread(self, line: str) -> list[Any]:
        return [said(line, is_error=True), [], self._gr.Dropdown([], visible=False), "", *self._nothing()]

    def _nothing(self) -> list[Any]:
        hidden = self._gr.update(visible=False)
        return [hidden, None, None, None, hidden, self._gr.CheckboxGroup([], value=[]), "", self._unedited()]

    def _choose(self, seen: Sequence[SeenPicture], place: int | None) -> list[Any]:
        return self._nothing() if place is None else self._shown(seen[place])

    def _shown(self, picture: SeenPicture) -> list[Any]:
        """Return what is new in the view."""
        choices = [(f"{place + 1} {word.masked.text}", place) for place, word in enumerate(picture.words)]
        ticks = self._gr.CheckboxGroup(choices, value=list(range(len(choices))))
        region = None if picture.region is None else decode_mask(picture.region)
        there = self._gr.update(visible=True)
        maps = decode_image(picture.overlay), decode_mask(picture.text), region
        return [there, *maps, there, ticks, "", self._unedited()]

    def _unedited(self) -> Any:
        return self._gr.Image(None, visible=False)

    def _fit(self, deed: Deed) -> list[Any]:
        """Return what the deed needs, to be shown, and what it does not, to be hidden."""
        return [self._gr.ColorPicker(visible=deed == "recolor"), self._gr.File(visible=deed == "copy")]

    def _edit(
        self,
        seen: Sequence[SeenPicture],
        place: int | None,
        words: Sequence[int],
        deed: Deed,
        color: str,
        target: str | None,
    ) -> list[Any]:
        """Return what is new in the editing's status and its picture."""
        if place is None or not seen:
            return [said("there is no picture yet: drop one first", is_error=True), self._unedited()]
        try:
            image = edit_seen(self._networks, seen[place], words, deed, color=color, target=target)
        except (SegrecError, ValueError, MemoryError) as error:
            return [said(_line(error), is_error=True), self._unedited()]
        return [said(f"Done, {image.shape[1]} x {image.shape[0]} pixels."), self._gr.Image(image, visible=True)]


def _line(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "this picture needs more memory than there is; shrink it first"
    return str(error)
