"""Damaged files, one after the other, until the time is over: `python tests/fuzz/campaign.py NAME --seconds 60`.

With the package atheris (`pip install 'segrec[fuzz]'`) damage is guided by the code that it reaches, else by a seed.
"""

from __future__ import annotations

import argparse
import importlib.util
import resource
import shutil
import subprocess
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
        read += attempted(name, data, f"seed {seed}, file {tried}")
    raise AssertionError("mutations never end")


def attempted(name: str, data: bytes, place: str) -> bool:
    """Return whether a damaged file was read, False where it was refused.

    Args:
        name: one of `TARGETS`.
        data: the file.
        place: where it stands in the campaign, for the message.

    Raises:
        AssertionError: it was answered with anything but a SegrecError of one line, or too late; it is kept.
    """
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    began = time.process_time()
    try:
        read = survives(TARGETS[name], data, folder)
        assert time.process_time() - began < SLOWEST, "it took too long"
        return read
    except Exception as error:
        kept = Path(tempfile.gettempdir()) / f"fuzz-{name}-{place}".replace(" ", "-").replace(",", "")
        kept.write_bytes(data)
        raise AssertionError(f"{name}, {place}: {error!r}; it is kept as {kept}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def limit_memory() -> None:
    """Let this process have `MOST_BYTES` more than now; a file that asks for more raises MemoryError."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MOST_BYTES, resource.RLIM_INFINITY))


def guided(name: str, *, seed: int, seconds: float) -> int:
    """Return the exit code of a campaign that is guided by coverage, in a process of its own: libFuzzer ends it."""
    command = [sys.executable, str(Path(__file__).with_name("guided.py")), name]
    with tempfile.TemporaryDirectory(prefix="fuzz-seeds-") as folder:
        for number, content in enumerate(TARGETS[name].seeds()):
            (Path(folder) / str(number)).write_bytes(content)
        options = [folder, f"--seed={seed}", f"--seconds={seconds:.0f}"]
        return subprocess.run([*command, *options], check=False).returncode


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(TARGETS), help="of TARGETS; all when none is given")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--blind", action="store_true", help="damage by seed alone, even where atheris is installed")
    options = parser.parse_args(arguments)
    if not options.blind and importlib.util.find_spec("atheris") is not None:
        failed = [name for name in options.names if guided(name, seed=options.seed, seconds=options.seconds)]
        sys.exit(f"failed: {', '.join(failed)}" if failed else 0)
    limit_memory()
    for name in options.names:
        tried, read = campaign(name, seed=options.seed, seconds=options.seconds)
        print(f"{name}: {tried} files tried with seed {options.seed}, {read} read, the others refused", flush=True)


if __name__ == "__main__":
    main()
