"""Trials around a run: kills, interrupts, full and read-only disks, a second process, no network."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
from collections import Counter
from pathlib import Path

from faults.disks import MountError, mount, read_only, small_disk
from faults.workplace import SHARD, Outcome, Workplace, completed, differing, not_one_line, progress, unsound
from segrec.core.lmdb_environments import DATA_FILE, close_environment

INTERRUPTED = 130


def killed(work: Workplace, rng: random.Random, *, kills: int) -> Outcome:
    """Send SIGKILL at chosen times and at chosen writes in turn; a store that is completed is begun again."""
    store, found = work.folder / "killed", []
    when: Counter[str] = Counter()
    while when.total() < kills:
        before = progress(store)
        run = work.start(store)
        if when.total() % 2:
            goal = rng.randrange(before, work.count)
            run.wait_until(lambda goal=goal: progress(store) >= goal)
            run.pause(rng.uniform(0, 0.05))
        else:
            run.pause(rng.uniform(0, work.seconds))
        run.send(signal.SIGKILL)
        ended = run.ended()
        found += unsound(store, work.quiet)
        if ended.code == -signal.SIGKILL:
            when["while writing" if progress(store) > before else "before a new mask"] += 1
        elif ended.code != 0:
            return Outcome("a run failed", [*found, f"exit code {ended.code}: {ended.said[-300:]}"])
        if progress(store) == work.count:
            found += completed(work, store)
            shutil.rmtree(store)
    found += completed(work, store)
    return Outcome(", ".join(f"{count} {what}" for what, count in when.items()), found)


def interrupted(work: Workplace, rng: random.Random) -> Outcome:
    """Send SIGINT three times, and SIGTERM once."""
    store, found, seen = work.folder / "interrupted", [], []
    for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM, signal.SIGINT):
        run, before = work.start(store), progress(store)
        goal = before + rng.randint(1, max(1, (work.count - before) // 4))
        run.wait_until(lambda goal=goal: progress(store) >= goal)
        run.send(number)
        ended = run.ended()
        found += unsound(store, work.quiet)
        seen.append(f"{progress(store)} masks")
        if ended.code != (INTERRUPTED if number == signal.SIGINT else -number):
            found.append(f"exit code {ended.code} after {number.name}")
        if number == signal.SIGINT and not ended.said.endswith("run the same command again to go on\n"):
            found.append(f"said {ended.said[-300:]!r}")
    found += completed(work, store)
    return Outcome("stopped at " + ", ".join(seen), found)


def full_disk(work: Workplace, rng: random.Random) -> Outcome:
    """Try a disk that has room for a part of the store."""
    whole = (work.quiet / SHARD / DATA_FILE).stat().st_size
    with small_disk(work.folder / "small", int(whole * rng.uniform(0.3, 0.7))) as disk:
        found = not_one_line(work.start(disk / "store").ended(), "free space or choose another output")
        found += unsound(disk / "store", work.quiet)
        held = progress(disk / "store")
        mount("-o", f"remount,size={4 * whole}", str(disk))
        found += completed(work, disk / "store")
        close_environment(disk / "store" / SHARD)
    return Outcome(f"full after {held} masks", found)


def read_only_output(work: Workplace, rng: random.Random) -> Outcome:
    """Try a disk that turns read-only under a store that is begun, and under one that is finished."""
    store, found = work.folder / "protected", []
    store.mkdir()
    with read_only(store):
        found += not_one_line(work.start(store).ended(), "Read-only file system", "choose another output")
    _stop_at(work, store, rng)
    held = progress(store)
    with read_only(store):
        found += not_one_line(work.start(store).ended(), "Read-only file system", "choose another output")
    found += unsound(store, work.quiet) + completed(work, store)
    with read_only(store):
        ended = work.start(store).ended()
        found += [] if ended.code == 0 else [f"a finished store cannot be run again: {ended.said[-300:]}"]
    return Outcome(f"refused empty and at {held} masks; nothing to do when finished", found)


def read_only_source(work: Workplace, rng: random.Random) -> Outcome:
    """Try words on a disk that is read-only."""
    with read_only(work.words):
        found = completed(work, work.folder / "of-read-only")
    return Outcome("completed", found)


def no_network(work: Workplace, rng: random.Random) -> Outcome:
    """Try a machine without any network, not even to itself."""
    if subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode != 0:
        raise MountError("this process may not take its network away")
    store = work.folder / "alone"
    ended = work.start(store, before=["unshare", "--net"]).ended()
    return Outcome(f"exit code {ended.code}", differing(store, work.quiet))


def two_at_once(work: Workplace, rng: random.Random) -> Outcome:
    """Try a second process on a store that is being written."""
    store = work.folder / "shared"
    first = work.start(store)
    first.wait_until(lambda: (store / SHARD / DATA_FILE).exists())
    first.send(signal.SIGSTOP)
    second = work.start(store).ended()
    first.send(signal.SIGCONT)
    found = not_one_line(second, "is being written by another process")
    found += [] if first.ended().code == 0 else ["the first process failed"]
    return Outcome("the second one refused", found + differing(store, work.quiet))


def _stop_at(work: Workplace, store: Path, rng: random.Random) -> None:
    run, goal = work.start(store), rng.randint(1, work.count // 2)
    run.wait_until(lambda: progress(store) >= goal)
    run.send(signal.SIGINT)
    run.ended()
