"""Which databases this process reads, noted where a process that watches it can see them after its end."""

from __future__ import annotations

import mmap

from segrec.core.printable import printable

_END = b"\n"
_kept: mmap.mmap | None = None


def keep_in(shared: mmap.mmap) -> None:
    """Note databases in memory that another process shares, from now on."""
    global _kept
    _kept = shared


def note_reading(path: str) -> None:
    """Note that a database is about to be read; the last ones noted are kept."""
    if _kept is None:
        return
    earlier = [line for line in noted(_kept) if line != path]
    content = _END.join(line.encode("utf-8", "backslashreplace") for line in [*earlier, printable(path)])
    content = content[-(len(_kept) - 1) :]
    _kept[: len(content) + 1] = content + b"\0"


def noted(shared: mmap.mmap) -> list[str]:
    """Return the databases that were noted, the last one last."""
    text = bytes(shared[:]).split(b"\0", 1)[0].decode("utf-8", "replace")
    return [line for line in text.split("\n") if line]
