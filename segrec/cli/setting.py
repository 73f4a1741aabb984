"""Command line options made from the fields of the jobs' settings, so that each default stands once."""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import click

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Command = TypeVar("Command", bound=Callable[..., Any])


def setting(
    settings: type[DataclassInstance],
    field: str,
    text: str,
    *,
    option: str | None = None,
    former: tuple[str, ...] = (),
    kind: click.ParamType[Any] | Callable[[str], object] | None = None,
    metavar: str | None = None,
    nargs: int = 1,
) -> Callable[[Command], Command]:
    """Return a decorator that adds the option of one field, which reaches the command under the field's name.

    Default, choices and whether the option may be repeated or is a flag come from the field. A default is shown in the
    help, except for None, an empty list and False, of which `text` has to say what they mean.

    Args:
        settings: a dataclass of settings; importing it loads no torch.
        field: one that has a default.
        text: the help.
        option: where it is not the field's name with hyphens.
        former: earlier spellings of the option, which still work, in recipes too.
        kind: what narrows the field's type, such as a range.
        metavar: how the help calls the value.
        nargs: values that the option takes.
    """
    default = default_of(settings, field)
    hint = _without_none(get_type_hints(settings)[field])
    repeated = nargs == 1 and get_origin(hint) is Sequence
    flag = hint is bool
    return click.option(
        option or f"--{field.replace('_', '-')}",
        *former,
        field,
        type=None if flag else kind or _kind(get_args(hint)[0] if repeated or nargs > 1 else hint),
        default=default,
        show_default=default is not None and default != () and (not flag or "/" in (option or "")),
        is_flag=flag,
        multiple=repeated,
        metavar=metavar,
        nargs=nargs,
        help=text,
    )


def default_of(settings: type[DataclassInstance], field: str) -> object:
    """Return the default of a field of a dataclass, which has one."""
    (found,) = (known for known in fields(settings) if known.name == field)
    assert found.default is not MISSING, f"{settings.__name__}.{field} has no default"
    return found.default


def long_names(option: click.Parameter) -> list[str]:
    """Return how an option is written on the command line, `--augment` for `--augment/--no-augment`; aliases too.

    Abbreviations such as `-o` are left out, wherever they stand in the option's declaration; an argument has one name.
    """
    return [name for name in option.opts if name.startswith("--")] or option.opts


def together(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Return a decorator that adds several options, in the order of the help."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _without_none(hint: object) -> object:
    """Return what a setting is where it is not None."""
    if get_origin(hint) not in (Union, types.UnionType):
        return hint
    kinds = [kind for kind in get_args(hint) if kind is not type(None)]
    return kinds[0] if len(kinds) == 1 else hint


def _kind(hint: object) -> click.ParamType[Any]:
    """Return how click reads values of a type."""
    if get_origin(hint) is Literal:
        return click.Choice(get_args(hint))
    kinds: dict[object, click.ParamType[Any]] = {str: click.STRING, int: click.INT, float: click.FLOAT}
    return kinds[hint]
