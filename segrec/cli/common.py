"""What the commands share: options, recipes, the way messages and errors are shown."""

from __future__ import annotations

import difflib
import logging
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from segrec.cli.setting import Command, long_names, setting
from segrec.core.errors import DataError
from segrec.core.printable import printable, shortened
from segrec.core.recipe import load_recipe
from segrec.jobs.common_settings import Common
from segrec.jobs.recognizer_settings import Optimisation
from segrec.jobs.segmenter_evaluation_settings import SegmenterEvaluation


def common_options(*, seed: bool = True, device: bool = True) -> Callable[[Command], Command]:
    """Return a decorator that adds `--device`, `--seed`, `--quiet` and `--config`.

    Args:
        seed: whether the command draws by chance; without, it takes no seed.
        device: whether a network computes; without, `--device` is taken, so that one recipe or script may give it to
            every command, but it has no effect, does not reach the command and is not in its help.
    """

    def decorate(command: Command) -> Command:
        options = [
            click.option(
                "--device",
                default=Common.device,
                show_default=True,
                hidden=not device,
                expose_value=device,
                help="auto, cpu, cuda, cuda:N or mps.",
            ),
            click.option(
                "--quiet",
                is_flag=True,
                callback=_set_up_messages,
                expose_value=False,
                is_eager=True,
                help="No progress and no messages on stderr.",
            ),
            click.option(
                "--config",
                type=click.Path(),
                callback=_read_recipe,
                expose_value=False,
                is_eager=True,
                help="A TOML file with option values.",
            ),
        ]
        if seed:
            options.append(setting(Common, "seed", "Random seed.", kind=click.IntRange(0)))
        for option in options:
            command = option(command)
        return command

    return decorate


def amp_option(command: Command) -> Command:
    """Add `--amp`."""
    return setting(Common, "amp", "Mixed precision.")(command)


def training_amp_option(command: Command) -> Command:
    """Add `--amp` of a training, which may measure what is faster."""
    text = "Mixed precision; auto: bf16 where a short measurement finds it clearly faster."
    return setting(Optimisation, "amp", text)(command)


def format_option(command: Command) -> Command:
    """Add `--format`, as `output_format`."""
    return click.option(
        "--format",
        "output_format",
        type=click.Choice(["markdown", "json", "csv"]),
        default="markdown",
        show_default=True,
        help="How tables are printed.",
    )(command)


def detector_option(command: Command) -> Command:
    """Add `--detector`."""
    return click.option(
        "--detector",
        type=click.Choice(["own", "rapidocr"]),
        default="own",
        show_default=True,
        help="What finds the words of photographs: the segmenter, or RapidOCR (segrec[ppocr]).",
    )(command)


def open_detector(name: str) -> Any:
    """Return the detector of that name, None for the segmenter's own region map.

    Raises:
        LibraryError: it is not installed.
    """
    if name == "own":
        return None
    from segrec.pages.rapidocr_detector import RapidDetector

    return RapidDetector()


class _Scales(click.ParamType[Any]):
    """What `Segmenter(scales=)` takes: `auto` or numbers with commas between them; in a recipe also numbers as such."""

    name = "scales"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return `auto` or a tuple of numbers."""
        if value == "auto":
            return value
        parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list | tuple) else [value]
        try:
            if any(isinstance(part, bool) or not isinstance(part, str | int | float) for part in parts):
                raise ValueError("something else than numbers")
            return tuple(float(part) for part in parts)
        except (ValueError, OverflowError):
            shown = repr(value)[:100]
            self.fail(f"expected auto or numbers such as 1,0.5 or 1,512,256, got {shown}", param, ctx)


def scales_option(command: Command) -> Command:
    """Add `--scales`."""
    return setting(
        SegmenterEvaluation,
        "scales",
        "Sizes of scenes in the network: shares of their own up to 1, longest sides above; 1: their own alone.",
        kind=_Scales(),
        metavar="auto|N[,N...]",
    )(command)


def workers_option(command: Command) -> Command:
    """Add `--workers`."""
    return setting(Common, "workers", "Loader processes or threads.", kind=click.IntRange(0))(command)


def _set_up_messages(context: click.Context, parameter: click.Parameter, quiet: bool) -> None:
    logger = logging.getLogger("segrec")
    logger.setLevel(logging.ERROR if quiet else logging.INFO)
    logger.handlers[:] = [_StderrHandler()]
    logger.propagate = False


class _StderrHandler(logging.Handler):
    """Writes messages to whatever stderr is now, above a progress bar where there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        prefix = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
        message = prefix + shortened(printable(record.getMessage()))
        if sys.stderr.isatty():
            from tqdm import tqdm

            tqdm.write(message, file=sys.stderr)
        else:
            print(message, file=sys.stderr, flush=True)


def _read_recipe(context: click.Context, parameter: click.Parameter, path: str | None) -> None:
    """Take option defaults from a TOML file; a key that is not an option is refused with the nearest one."""
    if path is None:
        return
    try:
        recipe = load_recipe(path)
    except DataError as error:
        raise click.UsageError(str(error), context) from error
    parameters = _recipe_parameters(context.command)
    values = {}
    for key, value in recipe.items():
        parameter_of_key = parameters.get(key.replace("_", "-"))
        if parameter_of_key is None or parameter_of_key.name is None:
            near = difflib.get_close_matches(key.replace("_", "-")[:60], parameters, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the keys are {', '.join(sorted(parameters))}"
            raise click.UsageError(f"{path}: unknown key {key[:60]!r}; {hint}", context)
        _check_shape(path, key, value, parameter_of_key)
        values[parameter_of_key.name] = value
    context.default_map = {**(context.default_map or {}), **values}


def _check_shape(path: str, key: str, value: Any, parameter: click.Parameter) -> None:
    """Refuse a list for what takes one value, and one value for what takes a list, which click would not say."""
    if isinstance(parameter.type, _Scales):
        return
    takes_list = getattr(parameter, "multiple", False) or parameter.nargs != 1
    if takes_list and not isinstance(value, list):
        raise click.UsageError(f"{path}: {key} takes a list, [...] or [[{key}]] tables; got {repr(value)[:100]}")
    if not takes_list and isinstance(value, list | dict):
        raise click.UsageError(f"{path}: {key} takes one value; got {repr(value)[:100]}")


def _recipe_parameters(command: click.Command) -> dict[str, click.Parameter]:
    """Return the parameter behind each key of a recipe; the keys are the options' names on the command line."""
    parameters: dict[str, click.Parameter] = {}
    for parameter in command.params:
        if parameter.name and parameter.name != "config":
            for written in long_names(parameter):
                parameters[written.removeprefix("--").replace("_", "-")] = parameter
    return parameters


def parse_named(values: tuple[str, ...], option: str) -> list[tuple[str, str]]:
    """Return (name, path) pairs of `NAME=PATH` values; a bare path is named after its folder.

    Raises:
        click.BadParameter: a value has an empty name or path.
    """
    pairs = []
    for value in values:
        name, sign, path = value.partition("=")
        if not sign:
            name, path = os.path.basename(os.path.realpath(value)), value
        if not name or not path:
            raise click.BadParameter(f"expected NAME=PATH, got {value!r}", param_hint=option)
        pairs.append((name, path))
    return pairs


def check_names(images: Iterable[str], ending: str) -> None:
    """Refuse two pictures for which files of the same name would be written.

    Raises:
        ConfigError: names both.
    """
    from segrec.core.errors import ConfigError

    seen: dict[str, str] = {}
    for path in images:
        other = seen.setdefault(Path(path).stem, path)
        if other != path:
            raise ConfigError(
                f"{other} and {path} would both be written as {Path(path).stem}{ending}; "
                "rename one, or write them to two outputs"
            )
