"""Damaged files, one after the other, until the time is over: `python tests/fuzz/campaign.py NAME --seconds 60`."""

from __future__ import annotations

import argparse
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from mutations import mutated
from targets import TARGETS, survives

SLOWEST, MOST_BYTES = 5.0, 2_000_000_000
"""Seconds that one file may take of a processor, and room for all of them beside the process that begins."""


def campaign(name: str, *, seed: int, seconds: float, files: int | None = None) -> tuple[int, int]:
    """Return how many damaged files were tried, and how many of them were read all the same.

    Args:
        name: one of `TARGETS`.
        seed: of the damage.
        seconds: after which no other file is tried.
        files: most files; None for no limit.

    Raises:
        AssertionError: a file was answered with anything but a SegrecError of one line, or too late; it is kept.
    """
    target = TARGETS[name]
    read = 0
    end = time.monotonic() + seconds
    for tried, data in enumerate(mutated(target.seeds(), seed)):
        if time.monotonic() > end or tried == files:
            return tried, read
        folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        began = time.process_time()
        try:
            read += survives(target, data, folder)
            assert time.process_time() - began < SLOWEST, "it took too long"
        except Exception as error:
            kept = Path(tempfile.gettempdir()) / f"fuzz-{name.replace(' ', '-')}-{seed}-{tried}"
            kept.write_bytes(data)
            raise AssertionError(f"{name}, seed {seed}, file {tried}: {error!r}; it is kept as {kept}") from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    raise AssertionError("mutations never end")


def limit_memory() -> None:
    """Let this process have `MOST_BYTES` more than now; a file that asks for more raises MemoryError."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MOST_BYTES, resource.RLIM_INFINITY))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(TARGETS), help="of TARGETS; all when none is given")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args(arguments)
    limit_memory()
    for name in options.names:
        tried, read = campaign(name, seed=options.seed, seconds=options.seconds)
        print(f"{name}: {tried} files tried with seed {options.seed}, {read} read, the others refused", flush=True)


if __name__ == "__main__":
    main()
