"""`segrec read`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from segrec.cli.common import check_names, common_options, detector_option, open_detector
from segrec.weights import READER, SEGMENTER

if TYPE_CHECKING:
    from recognizers.lexicon import Lexicon
    from segrec.core.images import Array
    from segrec.pages.word import ReadPicture
    from segrec.reader import Reader

FORMATS = ("text", "json", "csv", "alto", "hocr")
DRAWN, OVERLAID = ".reading.png", ".overlay.png"


@click.command("read")
@click.argument("images", nargs=-1, required=True)
@click.option("--crop", is_flag=True, help="Take every picture for a single word, whatever its size.")
@click.option("--page", is_flag=True, help="Look for words in every picture, whatever its size.")
@click.option("--polygons", type=click.Path(), help="Read these regions: JSON, or ICDAR's lines of 8 numbers.")
@detector_option
@click.option("--model", default=READER, show_default=True, help="Shipped name, run or weights.")
@click.option("--segmenter", default=SEGMENTER, show_default=True, help="Shipped name, run or weights.")
@click.option("--onnx", type=click.Path(), help="Read with this network of `segrec export` instead, without PyTorch.")
@click.option("--beam", type=click.IntRange(1), help="Read with a beam search that keeps this many prefixes.")
@click.option("--temperature", type=float, help="For confidences that are right as often as they say.")
@click.option("--lexicon", type=click.Path(), help="A file of the words that readings may be, one per line.")
@click.option(
    "--format", "output_format", type=click.Choice(FORMATS), default="text", show_default=True, help="What is printed."
)
@click.option("--overlays", type=click.Path(), help="Folder for pictures NAME.overlay.png of what was read where.")
@click.option("--draw", type=click.Path(), help="Folder for pictures NAME.reading.png of how each crop is read.")
@click.option("--threads", type=click.IntRange(1), help="Most CPU threads of the networks.")
@common_options(seed=False)
def command(
    images: tuple[str, ...],
    crop: bool,
    page: bool,
    polygons: str | None,
    detector: str,
    model: str,
    segmenter: str,
    onnx: str | None,
    beam: int | None,
    temperature: float | None,
    lexicon: str | None,
    output_format: str,
    overlays: str | None,
    draw: str | None,
    threads: int | None,
    device: str,
) -> None:
    """Read pictures of single words, and photographs.

    IMAGES are files, folders, quoted patterns, word databases, or - for one picture on standard input. In a picture
    that is higher or larger than a word crop the words are looked for first. A file that cannot be read is reported and
    the others are still read; the exit code is then 1. What --draw writes shows rectification and attention, or the
    frames of CTC, of a crop's greedy reading. With --onnx words are read greedily on the processor, and --segmenter is
    a shipped name or another .onnx file; the words of photographs are then found by --detector rapidocr or --polygons.
    """
    from segrec.core.memory import keep_few_layers
    from segrec.jobs.read_pictures import Reading, read_pictures
    from segrec.pages.inputs import sources
    from segrec.pages.polygon_files import read_polygon_file
    from segrec.reader import Reader

    if crop + page + (polygons is not None) > 1:
        raise click.UsageError("--crop, --page and --polygons say different things of a picture; give one")
    if draw is not None or overlays is not None:
        check_names(images, OVERLAID if draw is None else DRAWN)
    _refuse_with_onnx(onnx, beam=beam, lexicon=lexicon, draw=draw, temperature=temperature)
    settings = Reading(
        kind="crop" if crop else "page" if page else "auto",
        polygons=None if polygons is None else read_polygon_file(polygons),
        lexicon=None if lexicon is None else _read_lexicon(lexicon),
        detector=open_detector(detector),
        lines=detector == "rapidocr",
    )
    if onnx is not None:
        reader = Reader.from_onnx(onnx, segmenter=segmenter, threads=threads)
    else:
        _limit_threads(threads)
        keep_few_layers()
        reader = Reader.from_pretrained(model, segmenter=segmenter, device=device, beam=beam, temperature=temperature)
    _print(read_pictures(reader, sources(images), settings), reader, _Folders(overlays, draw), output_format)


def _print(pictures: Iterator[ReadPicture], reader: Reader, folders: _Folders, output_format: str) -> None:
    """Print what was read, picture by picture, and fill the folders.

    Raises:
        DataError: pictures could not be read; it says how many, and why the first could not.
    """
    from segrec.core.errors import DataError
    from segrec.reports.page_formats import FORMATS as WRITERS

    problems: list[str] = []
    count = 0
    for part in WRITERS[output_format].written(_watched(pictures, reader, folders, problems)):
        sys.stdout.write(part)
        count += 1
    sys.stdout.flush()
    if problems:
        raise DataError(f"{len(problems)} of {count - 2} images were not read, the first: {problems[0]}")


def _read_lexicon(path: str) -> Lexicon:
    from recognizers.lexicon import Lexicon
    from segrec.evaluation.scoring import LabelRule

    return Lexicon.from_file(path, LabelRule())


def _limit_threads(count: int | None) -> None:
    if count is not None:
        from segrec.core.device import limit_threads

        limit_threads(count)


def _refuse_with_onnx(onnx: str | None, **options: object) -> None:
    """Refuse options that need the weights themselves."""
    given = [f"--{name}" for name, value in options.items() if value is not None]
    if given and onnx is not None:
        raise click.UsageError(f"--onnx reads greedily and draws nothing: leave {' and '.join(given)} out")


class _Folders:
    """Where pictures of what was read go; two of the same name are refused.

    Args:
        overlays: folder or None.
        draw: folder or None.
    """

    def __init__(self, overlays: str | None, draw: str | None) -> None:
        self._overlays, self._draw = overlays, draw
        self._seen: dict[str, str] = {}

    def write(self, picture: ReadPicture, reader: Reader) -> None:
        """Write what is wanted of one picture that was read."""
        from segrec.core.errors import ConfigError

        if self._overlays is None and self._draw is None:
            return
        stem = Path(picture.name).stem
        other = self._seen.setdefault(stem, picture.name)
        if other != picture.name:
            ending = OVERLAID if self._draw is None else DRAWN
            raise ConfigError(
                f"{other} and {picture.name} would both be written as {stem}{ending}; "
                "rename one, or write them to two outputs"
            )
        if self._overlays is not None:
            from segrec.reports.page_overlay import page_overlay

            _write_png(Path(self._overlays) / f"{stem}{OVERLAID}", page_overlay(picture))
        if self._draw is not None and not picture.is_page:
            from segrec.reports.drawing import draw_reading

            assert picture.image is not None, "a picture without a problem has its pixels"
            _write_png(Path(self._draw) / f"{stem}{DRAWN}", draw_reading(reader.explain(picture.image)))


def _watched(
    pictures: Iterator[ReadPicture], reader: Reader, folders: _Folders, problems: list[str]
) -> Iterator[ReadPicture]:
    """Yield the pictures, written to the folders; problems are collected."""
    for picture in pictures:
        if picture.problem is None:
            folders.write(picture, reader)
        else:
            problems.append(picture.problem)
        yield picture


def _write_png(path: Path, image: Array) -> None:
    from segrec.core.files import atomic_path
    from segrec.core.images import encode_png

    with atomic_path(path) as partial:
        partial.write_bytes(encode_png(image))
