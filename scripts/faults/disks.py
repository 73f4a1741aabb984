"""Small disks and read-only ones, where this process may mount."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class MountError(Exception):
    """This process may not mount, or the system cannot."""


def mount(*arguments: str) -> None:
    """Run `mount ARGUMENTS`.

    Raises:
        MountError: says why it failed.
    """
    try:
        subprocess.run(["mount", *arguments], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise MountError(getattr(error, "stderr", None) or str(error)) from error


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """Give an empty disk in memory with room for `size` bytes, mounted at `folder`."""
    folder.mkdir()
    mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        unmount(folder)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let nothing, not even root, write below `folder` for a while."""
    mount("--bind", str(folder), str(folder))
    try:
        mount("-o", "remount,bind,ro", str(folder))
        yield
    finally:
        unmount(folder)


def unmount(folder: Path) -> None:
    """Undo the latest mount at `folder`; lazily, for the readers that this process keeps open."""
    subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)
