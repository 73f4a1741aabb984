"""Whether a database can be read at all, found out by a process that may end in the attempt."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from segrec.core.errors import DataError


def verify(path: str | os.PathLike[str]) -> None:
    """Read everything that lies at a path in a process of its own, and return once it is known to be sound.

    LMDB trusts the pages of its files: one that is damaged can end whoever reads it by a bus error or a segmentation
    fault, which nothing catches. Call this for databases of strangers before they are opened in this process; it holds
    as long as nobody changes the files. `segrec info --verify PATH` is the same on the command line.

    Args:
        path: a word database, a mask store, or anything else that `segrec info` knows.

    Raises:
        DataError: it is not sound, or cannot be read; the message says why in one line.
    """
    home = str(Path(__file__).parents[2])
    given = os.environ.get("PYTHONPATH")
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "segrec", "info", "--verify", "--quiet", "--", os.fspath(path)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([home, given] if given else [home])},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if ended.returncode:
        lines = ended.stderr.splitlines() or [f"reading ended with the exit code {ended.returncode}"]
        reason = lines[-1].removeprefix("segrec: ")
        raise DataError(reason if os.fspath(path) in reason else f"{path} is not sound: {reason}")
