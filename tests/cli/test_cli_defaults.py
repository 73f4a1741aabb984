"""What a command does by default is what its job does: each default of an option is that of the setting behind it."""

from __future__ import annotations

import dataclasses
import enum
import importlib
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from segrec.cli import COMMANDS, root

JOBS = {
    "app": "segrec.app.server:serve",
    "convert": "segrec.jobs.convert:convert_checkpoint",
    "demo": "segrec.jobs.demo:demo",
    "edit": "segrec.jobs.edit:Editing",
    "eval": "segrec.jobs.evaluation_settings:Evaluation",
    "eval-segmenter": "segrec.jobs.segmenter_evaluation_settings:SegmenterEvaluation",
    "export": "segrec.jobs.export:export_onnx",
    "finetune": "segrec.jobs.finetune_settings:FineTuning",
    "import": "segrec.jobs.import_words:import_words",
    "info": "segrec.jobs.info:describe",
    "label-masks": "segrec.jobs.label_masks:label_masks",
    "precompute-masks": "segrec.jobs.precompute:precompute_masks",
    "read": "segrec.reader:open_recognizer",
    "render corrupt": "segrec.jobs.corrupt_words:corrupt_words",
    "render scenes": "segrec.rendering.writing:render_scenes",
    "render warp-icdar13": "segrec.jobs.warp_icdar13:warp_icdar13",
    "render words": "segrec.rendering.writing:render_words",
    "segment": "segmenter.predictor:TorchSegmenter",
    "train aster": "segrec.jobs.recognizer_settings:RecognizerTraining",
    "train crnn": "segrec.jobs.recognizer_settings:RecognizerTraining",
    "train segmenter": "segrec.jobs.segmenter_settings:SegmenterTraining",
}
"""The settings, or the function, that each command fills from its options."""

OF_THE_COMMAND = {
    ("edit", "detector"): "own: the segmenter's regions, for which Python says None",
    ("eval-segmenter", "segmenters"): "the callback names the shipped one",
    ("finetune", "architecture"): "the command's argument, which has no default",
    ("precompute-masks", "shard"): "auto: of torchrun or SLURM, else all",
    ("render corrupt", "kinds"): "None: all, which its callback names",
    ("render corrupt", "levels"): "None: 3, or all where they are mixed",
    ("segment", "device"): "auto; in Python it is the CPU",
}
"""Options whose default is the command's own, and why."""


def leaves(command: click.Command = root, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield every command that does something, by its words."""
    if not isinstance(command, click.Group):
        yield name, command
        return
    with click.Context(command) as context:
        for word in command.list_commands(context):
            part = command.get_command(context, word)
            assert part is not None
            yield from leaves(part, f"{name} {word}".strip())


def defaults(job: str) -> dict[str, object]:
    """Return the default of each field or parameter that has one."""
    module, name = job.split(":")
    found: Callable = getattr(importlib.import_module(module), name)
    if dataclasses.is_dataclass(found):
        return {
            field.name: field.default_factory() if callable(field.default_factory) else field.default
            for field in dataclasses.fields(found)
            if (field.default, field.default_factory) != (dataclasses.MISSING, dataclasses.MISSING)
        }
    given = inspect.signature(found).parameters.values()
    return {one.name: one.default for one in given if one.default is not inspect.Parameter.empty}


def test_every_command_has_its_job_here():
    assert sorted(name for name, _ in leaves()) == sorted(JOBS)
    assert {name.split()[0] for name in JOBS} == set(COMMANDS)


@pytest.mark.parametrize(("name", "command"), list(leaves()), ids=[name for name, _ in leaves()])
def test_an_options_default_is_that_of_the_setting_behind_it(name, command):
    of_job, differing = defaults(JOBS[name]), {}
    with click.Context(command) as context:
        for option in command.params:
            shown, meant = option.get_default(context), of_job.get(option.name)
            if isinstance(shown, enum.Enum):  # click's sign of an option without a default
                shown = None
            if option.name in of_job and (shown or None) != (str(meant) if isinstance(meant, Path) else meant or None):
                differing[option.name] = (shown, meant)
    assert differing.keys() == {option for of, option in OF_THE_COMMAND if of == name}, differing


@pytest.mark.parametrize(
    ("name", "expected"),
    [("finetune", 25), ("train crnn", 20), ("train segmenter", 33), ("eval", 11), ("eval-segmenter", 13)],
)
def test_most_options_of_the_large_commands_are_settings(name, expected):
    fields = defaults(JOBS[name])
    assert sum(option.name in fields for option in dict(leaves())[name].params) >= expected


def test_a_changed_default_of_a_setting_is_the_options_default():
    from segrec.cli.setting import setting

    @dataclasses.dataclass
    class Settings:
        width: int = 7
        parts: tuple[str, ...] | None = None
        quick: bool = False
        fine: bool = True

    @click.command()
    @setting(Settings, "width", "Width.")
    @setting(Settings, "quick", "Quick.")
    @setting(Settings, "fine", "Fine.", option="--fine/--coarse")
    def command(**given: object) -> None:
        click.echo(repr(given))

    assert run(command) == "{'width': 7, 'quick': False, 'fine': True}"
    assert run(command, "--width", "8", "--quick", "--coarse") == "{'width': 8, 'quick': True, 'fine': False}"
    assert "[default: 7]" in run(command, "--help")


def run(command: click.Command, *arguments: str) -> str:
    from click.testing import CliRunner

    return CliRunner().invoke(command, list(arguments)).output.strip()
