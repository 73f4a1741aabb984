"""Trials of the engine for a cluster: drivers and actors that are killed (Linux), and the bytes of both engines."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from pathlib import Path

from faults.disks import MountError
from faults.run import Run
from faults.workplace import Outcome, Workplace, differing, progress, unsound
from segrec.data.masks.shard_state import add_digests
from segrec.data.masks.store import MaskStore

BLOCKS = 8
RAY = ("--engine", "ray", "--actors", "2", "--blocks")
KILLS = 4


def driver_killed(work: Workplace, rng: random.Random) -> Outcome:
    """Send SIGKILL to the job that started Ray, again and again; the end must not depend on its actors."""
    store, found, seen = work.folder / "ray-driver", [], []
    for number in range(KILLS):
        before = progress(store)
        goal = rng.randint(before, work.count * (number + 1) // (KILLS + 1))
        run = work.start(store, options=[*RAY, str(BLOCKS)])
        run.wait_until(lambda goal=goal: progress(store) > goal)
        run.pause(rng.uniform(0, 0.05))
        run.send(signal.SIGKILL)
        if run.ended().code != -signal.SIGKILL:
            found.append(f"kill {number + 1} came after the end of the run")
        found += unsound(store, work.quiet)
        seen.append(str(progress(store)))
    return Outcome(f"killed at {', '.join(seen)} masks", found + _finished(work, store))


def actors_killed(work: Workplace, rng: random.Random) -> Outcome:
    """Send SIGKILL to actors of a job, which goes on with new ones."""
    store, found, killed = work.folder / "ray-actors", [], 0
    run = work.start(store, options=[*RAY, str(BLOCKS)])
    for number in range(KILLS):
        goal = rng.randint(1, work.count // (2 * KILLS)) + number * work.count // (2 * KILLS)
        run.wait_until(lambda goal=goal: progress(store) >= goal and bool(actors_of(run)))
        actors = actors_of(run)
        if actors:
            os.kill(rng.choice(actors), signal.SIGKILL)
            killed += 1
    ended = run.ended()
    if ended.code != 0:
        found.append(f"the job did not outlive its actors: exit code {ended.code}: {ended.said[-300:]}")
    if not killed:
        found.append("no actor was found to kill")
    return Outcome(f"{killed} actors killed, exit code {ended.code}", found + _finished(work, store))


def engines_agree(work: Workplace, rng: random.Random) -> Outcome:
    """Check that one, two and three shards, made here and by Ray, hold the same masks, equal cuts byte for byte."""
    found, digests = [], {"one shard": _digest(work.quiet)}
    for count in (2, 3):
        local, by_ray = work.folder / f"local-{count}", work.folder / f"ray-{count}"
        _write_locally(work, local, count)
        code = work.start(by_ray, options=[*RAY, str(count)]).ended().code
        found += differing(by_ray, local) if code == 0 else [f"--engine ray exits {code}"]
        digests |= {f"{count} shards": _digest(local), f"{count} shards by ray": _digest(by_ray)}
    if len(set(digests.values())) > 1:
        found.append(f"digests differ: {digests}")
    return Outcome(f"digest {_digest(work.quiet):x}"[:19] + f" of {len(digests)} stores", found)


def without_internet(work: Workplace, rng: random.Random) -> Outcome:
    """Try a machine that reaches itself and no other."""
    alone = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "alone"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode != 0:
        raise MountError("this process may not take its network away, or there is no ip")
    store = work.folder / "ray-alone"
    ended = work.start(store, before=alone, options=[*RAY, str(BLOCKS)]).ended()
    return Outcome(f"exit code {ended.code}", _finished(work, store) if ended.code == 0 else [ended.said[-300:]])


def actors_of(run: Run) -> list[int]:
    """Return the processes of segmenters that a run's Ray holds, as the kernel lists them."""
    parents, actors = {}, []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if b"ShardActor" in (folder / "cmdline").read_bytes():
                actors.append(int(folder.name))
        except (OSError, ValueError):  # it has ended meanwhile
            continue
    return [actor for actor in actors if run.process in _ancestors(actor, parents)]


def _ancestors(process: int, parents: dict[int, int]) -> list[int]:
    found = []
    while process in parents:
        process = parents[process]
        found.append(process)
    return found


def _finished(work: Workplace, store: Path) -> list[str]:
    """Run once more; return what keeps the store from being the one that the local engine writes."""
    ended = work.start(store, options=[*RAY, str(BLOCKS)]).ended()
    if ended.code != 0:
        return [f"the run that should complete it exits {ended.code}: {ended.said[-300:]}"]
    local = work.folder / f"local-{BLOCKS}"
    if not local.exists():
        _write_locally(work, local, BLOCKS)
    return unsound(store, work.quiet) + differing(store, local)


def _write_locally(work: Workplace, store: Path, count: int) -> None:
    for number in range(1, count + 1):
        ended = work.start(store, options=["--shard", f"{number}/{count}"]).ended()
        if ended.code != 0:
            raise RuntimeError(f"shard {number}/{count} failed: {ended.said}")


def _digest(store: Path) -> int:
    return add_digests(shard.digest or 0 for shard in MaskStore(store).shards)
