"""`segrec read`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from segrec.cli.common import check_names, common_options, detector_option, open_detector
from segrec.weights import READER, SEGMENTER

if TYPE_CHECKING:
    from recognizers.lexicon import Lexicon
    from segrec.pages.inputs import Source
    from segrec.pages.turns import Turns
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
@click.option(
    "--segmenter",
    default=SEGMENTER,
    show_default=True,
    callback=lambda context, option, value: None if value == "none" else value,
    help="Shipped name, run or weights; none reads without masks.",
)
@click.option("--onnx", type=click.Path(), help="Read with this network of `segrec export` instead, without PyTorch.")
@click.option("--beam", type=click.IntRange(1), help="Read with a beam search that keeps this many prefixes.")
@click.option("--temperature", type=float, help="For confidences that are right as often as they say.")
@click.option("--lexicon", type=click.Path(), help="A file of the words that readings may be, one per line.")
@click.option(
    "--turns",
    metavar="DEGREES",
    help="Try each crop turned by these, as 0,15,-15, and take the surest reading; none turns nothing.  [default: tall "
    "crops by quarters]",
)
@click.option(
    "--format", "output_format", type=click.Choice(FORMATS), default="text", show_default=True, help="What is printed."
)
@click.option("--overlays", type=click.Path(), help="Folder for pictures NAME.overlay.png of what was read where.")
@click.option(
    "--draw",
    type=click.Path(),
    help="Folder for pictures NAME.reading.png of how each crop is read greedily: rectification and attention, or the "
    "frames of CTC.",
)
@click.option("--threads", type=click.IntRange(1), help="Most CPU threads of the networks.")
@common_options(seed=False)
def command(
    images: tuple[str, ...],
    crop: bool,
    page: bool,
    polygons: str | None,
    detector: str,
    model: str,
    segmenter: str | None,
    onnx: str | None,
    beam: int | None,
    temperature: float | None,
    lexicon: str | None,
    turns: str | None,
    output_format: str,
    overlays: str | None,
    draw: str | None,
    threads: int | None,
    device: str,
) -> None:
    """Read pictures of single words, and photographs.

    IMAGES are files, folders, quoted patterns, word databases, or - for one picture on standard input. In a picture
    that is higher or larger than a word crop the words are looked for first. A file that cannot be read is reported and
    the others are still read, with exit code 1. Recognizers without a mask channel read faster with --segmenter none.
    With --onnx words are read greedily; the word of a --lexicon is then the one nearest to what was read.
    """
    from segrec.jobs.read_pictures import Reading, read_pictures
    from segrec.pages.inputs import sources
    from segrec.pages.polygon_files import read_polygon_file
    from segrec.reader import Reader

    if crop + page + (polygons is not None) > 1:
        raise click.UsageError("--crop, --page and --polygons say different things of a picture; give one")
    _refuse_with_onnx(onnx, beam=beam, draw=draw, temperature=temperature)
    folders = _Folders(overlays, draw)
    pictures = folders.checked(sources(images))
    settings = Reading(
        kind="crop" if crop else "page" if page else "auto",
        polygons=None if polygons is None else read_polygon_file(polygons),
        lexicon=None if lexicon is None else _read_lexicon(lexicon),
        detector=open_detector(detector),
        lines=detector == "rapidocr",
        turns=_turns(turns),
    )
    if onnx is not None:
        reader = Reader.from_onnx(onnx, segmenter=segmenter, threads=threads)
    else:
        _limit_torch(threads)
        reader = Reader.from_pretrained(model, segmenter=segmenter, device=device, beam=beam, temperature=temperature)
    _print(read_pictures(reader, pictures, settings), reader, folders, output_format)


def _print(pictures: Iterator[ReadPicture], reader: Reader, folders: _Folders, output_format: str) -> None:
    """Print what was read, picture by picture, and fill the folders.

    Raises:
        DataError: pictures could not be read; it says how many, and why the first could not.
    """
    from segrec.core.errors import DataError
    from segrec.reports.page_formats import FORMATS as WRITERS

    problems: list[str] = []
    count = 0

    def watched() -> Iterator[ReadPicture]:
        nonlocal count
        for picture in pictures:
            count += 1
            if picture.problem is None:
                folders.write(picture, reader)
            else:
                problems.append(picture.problem)
            yield picture

    for part in WRITERS[output_format].written(watched()):
        sys.stdout.write(part)
    sys.stdout.flush()
    if problems:
        raise DataError(f"{len(problems)} of {count} images were not read, the first: {problems[0]}")


def _read_lexicon(path: str) -> Lexicon:
    from recognizers.lexicon import Lexicon
    from segrec.evaluation.scoring import LabelRule

    return Lexicon.from_file(path, LabelRule())


def _turns(given: str | None) -> Turns:
    """Return the turns that an option says, anticlockwise."""
    if given is None or given == "none":
        return None if given else "auto"
    try:
        return [float(part) for part in given.split(",")]
    except ValueError as error:
        raise click.BadParameter(f"write degrees as 0,15,-15, or none; got {given!r}", param_hint="--turns") from error


def _limit_torch(threads: int | None) -> None:
    """Bound what PyTorch keeps between pictures, and its threads where a number is given."""
    from segrec.core.device import limit_threads
    from segrec.core.memory import keep_few_layers

    keep_few_layers()
    if threads is not None:
        limit_threads(threads)


def _refuse_with_onnx(onnx: str | None, **options: object) -> None:
    """Refuse options that need the weights themselves."""
    given = [f"--{name}" for name, value in options.items() if value is not None]
    if given and onnx is not None:
        raise click.UsageError(f"--onnx reads greedily and draws nothing: leave {' and '.join(given)} out")


class _Folders(NamedTuple):
    """Where pictures of what was read go, None for nowhere.

    Attributes:
        overlays: those of the outlines of words.
        draw: those of how each crop is read.
    """

    overlays: str | None
    draw: str | None

    def checked(self, pictures: Iterable[Source]) -> Iterable[Source]:
        """Return the pictures.

        Raises:
            ConfigError: something is to be written for two of them under the same name.
        """
        if self.overlays is None and self.draw is None:
            return pictures
        listed = list(pictures)
        check_names([picture.name for picture in listed], OVERLAID if self.draw is None else DRAWN)
        return listed

    def write(self, picture: ReadPicture, reader: Reader) -> None:
        """Write what is wanted of one picture that was read; the overlay at last, which is drawn in its own array."""
        from segrec.core.images import write_png

        stem = Path(picture.name).stem
        if self.draw is not None and not picture.is_page:
            from segrec.reports.drawing import draw_reading

            assert picture.image is not None, "a picture without a problem has its pixels"
            write_png(Path(self.draw) / f"{stem}{DRAWN}", draw_reading(reader.explain(picture.image)))
        if self.overlays is not None:
            from segrec.reports.page_overlay import overlay_in

            write_png(Path(self.overlays) / f"{stem}{OVERLAID}", overlay_in(picture))
