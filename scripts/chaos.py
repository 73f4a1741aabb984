"""Does bad things to the commands that write, and checks that nothing is lost, mixed or altered."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from faults import data_trials, import_trials, ray_trials, run_trials, signal_trials
from faults.disks import MountError
from faults.workplace import Outcome, Workplace

from segrec.core.tables import markdown_table

Trial = Callable[[Workplace, random.Random], Outcome]


def all_trials(kills: int) -> dict[str, Trial]:
    """Return the trials by their name in the table."""
    changes = {
        f"source {how} while it is read": partial(data_trials.changing_source, change=change)
        for how, change in data_trials.CHANGES.items()
    }
    return {
        f"{kills} x SIGKILL": partial(run_trials.killed, kills=kills),
        "SIGINT, SIGTERM": run_trials.interrupted,
        "full disk": run_trials.full_disk,
        "read-only output": run_trials.read_only_output,
        "read-only source": run_trials.read_only_source,
        "two processes, one store": run_trials.two_at_once,
        **changes,
        "source cut short": data_trials.cut_source,
        "store cut short": data_trials.cut_store,
        "odd pictures and bombs": data_trials.odd_pictures,
        "no network": run_trials.no_network,
        "Ray: driver killed": ray_trials.driver_killed,
        "Ray: actors killed": ray_trials.actors_killed,
        "Ray: no internet": ray_trials.without_internet,
        "1, 2 and 3 shards, local and Ray": ray_trials.engines_agree,
        f"{kills} x SIGKILL to segrec import": partial(import_trials.import_killed, kills=kills),
        **{
            f"{kills} x SIGTERM, SIGKILL inside segrec {name}": partial(
                signal_trials.signalled, name=name, moments=kills
            )
            for name in signal_trials.NAMES
        },
        **{
            f"read-only disk under segrec {name}": partial(signal_trials.on_read_only_disk, name=name)
            for name in signal_trials.NAMES
        },
        "source untouched by all this": data_trials.source_untouched,
    }


def verdict(trial: Trial, work: Workplace, seed: int) -> tuple[str, str, list[str]]:
    """Return what is to stand in the table, holds, BROKEN or left out, and why; with what was broken."""
    try:
        outcome = trial(work, random.Random(seed))
    except MountError as error:
        return "left out", str(error).strip(), []
    return ("BROKEN" if outcome.violations else "holds"), outcome.seen, outcome.violations


def hold_trials(folder: Path, *, seed: int, kills: int, words: int, only: Sequence[str] = ()) -> bool:
    """Print a table of what was done and what came of it, and each trial as it ends to stderr.

    Args:
        folder: to work in.
        seed: of the moments.
        kills: of each trial of signals.
        words: of the database.
        only: texts, of which one is in the name of each trial that is held; all trials where there is none.

    Returns:
        Whether every promise held.
    """
    work = Workplace(folder, words)
    click.echo(f"{words} words; an undisturbed run takes {work.seconds:.1f} s\n")
    sound, rows = True, []
    for number, (name, trial) in enumerate(all_trials(kills).items()):
        if only and not any(text in name for text in only):
            continue
        begun = time.monotonic()
        promise, seen, violations = verdict(trial, work, seed + number)
        click.echo(f"{name}: {promise}", err=True)
        rows.append((name, promise, seen, f"{time.monotonic() - begun:.0f}"))
        for violation in violations:
            click.echo(f"{name}: {violation}", err=True)
        sound = sound and not violations
    click.echo(markdown_table(("fault", "promise", "seen", "s"), rows, numbers=1), nl=False)
    return sound


@click.command()
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Chooses the moments.")
@click.option("--kills", type=click.IntRange(0), default=25, show_default=True, help="Signals of each trial.")
@click.option("--words", type=click.IntRange(600), default=6000, show_default=True, help="Size of the database.")
@click.option("--only", multiple=True, metavar="TEXT", help="Hold the trials with this in their names; repeatable.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where to work; kept.  [default: a temporary one]")
def main(seed: int, kills: int, words: int, only: tuple[str, ...], folder: Path | None) -> None:
    """Kill, fill, cut, change and crowd the commands that write, on few words; exit 1 if a promise is broken.

    Full and read-only disks, and a machine without network, need root; without it they are left out, and said to be.
    """
    if folder is not None and folder.exists() and any(folder.iterdir()):
        raise click.BadParameter(f"{folder} is not empty; name a new folder", param_hint="--folder")
    with TemporaryDirectory() as temporary:
        sound = hold_trials(folder or Path(temporary), seed=seed, kills=kills, words=words, only=only)
    sys.exit(0 if sound else 1)


if __name__ == "__main__":
    main()
