"""The `segrec` command; each subcommand is imported only when it is called."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout

import click

from segrec import __version__
from segrec.cli.supervised import supervised
from segrec.core.errors import SegrecError
from segrec.core.printable import PrintableOutput, printable, shortened

COMMANDS = {
    "app": ("segrec.cli.app", "Mask, read and edit pictures in a browser."),
    "convert": ("segrec.cli.convert", "Turn a public checkpoint into segrec weights."),
    "demo": ("segrec.cli.demo", "Render words, read them with and without masks, and write a report."),
    "edit": ("segrec.cli.edit", "Recolour, erase or copy the text of a picture."),
    "eval": ("segrec.cli.evaluate", "Score recognizers on word databases under each kind of mask."),
    "eval-segmenter": ("segrec.cli.evaluate_segmenter", "Score segmenters against true masks."),
    "export": ("segrec.cli.export", "Write a network as ONNX, to be run without PyTorch."),
    "finetune": ("segrec.cli.finetune", "Widen a recognizer by a mask channel and fine-tune it."),
    "import": ("segrec.cli.importing", "Write the words of an original release as an lmdb."),
    "info": ("segrec.cli.info", "Say what a file or folder is and whether it is sound."),
    "label-masks": ("segrec.cli.label_masks", "Find pixel masks of real words by reading their binarisations."),
    "precompute-masks": ("segrec.cli.precompute", "Predict and store a mask for every word of a database."),
    "read": ("segrec.cli.read", "Read pictures of single words, and photographs."),
    "render": ("segrec.cli.render", "Render words or scenes with exact masks and polygons."),
    "segment": ("segrec.cli.segment", "Write the text and region masks of pictures."),
    "train": ("segrec.cli.train", "Train a recognizer or the segmenter from scratch."),
}
INTERRUPTED = 130


class LazyGroup(click.Group):
    """A group that knows its commands' names and one-line helps without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in alphabetical order."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command, or None when there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in sorted(COMMANDS)])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="segrec")
def root() -> None:
    """Make a pretrained scene-text recognizer read better with a text mask as its fourth input channel."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 1 an error in one line, 2 usage, 130 interrupted."""
    try:
        with redirect_stdout(PrintableOutput(sys.stdout)):  # labels, names and paths may be anybody's
            result = root.main(args=None if arguments is None else list(arguments), standalone_mode=False)
    except SegrecError as error:
        print(f"segrec: {shortened(printable(str(error)))}", file=sys.stderr)
        return 1
    except (RecursionError, MemoryError) as error:
        what = "is nested too deeply" if isinstance(error, RecursionError) else "needs more memory than there is"
        print(f"segrec: what was read {what}; check the files that were named", file=sys.stderr)
        return 1
    except click.ClickException as error:
        with redirect_stderr(PrintableOutput(sys.stderr)):
            error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        print("segrec: interrupted; run the same command again to go on", file=sys.stderr)
        return INTERRUPTED
    return result if isinstance(result, int) else 0


def script() -> None:
    """Run the command line as the `segrec` program."""
    sys.exit(supervised(main))
