"""`segrec app` in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
START = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
from segrec.cli import script
script()
"""
PATIENCE = 300
"""Seconds until it must have started; weights and Gradio load slowly on a busy machine."""


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def served(log: Path | None = None) -> Iterator[str]:
    """Give the address of a page that is served until the block ends, then by an interrupt, without an error.

    Args:
        log: gets what it says.
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with TemporaryDirectory() as folder:
        said = log or Path(folder) / "log"
        command = [sys.executable, "-c", START, "app", "--port", str(free_port()), "--device", "cpu"]
        with said.open("w") as output:
            process = subprocess.Popen(
                command, cwd=folder, env=environment | {"GRADIO_TEMP_DIR": folder}, stdout=output, stderr=output
            )
        try:
            yield _address(process, said)
        finally:
            process.send_signal(signal.SIGINT)
            code = process.wait(PATIENCE)
        assert code == 0, said.read_text("utf-8")


def _address(process: subprocess.Popen[bytes], said: Path) -> str:
    for _ in range(10 * PATIENCE):
        found = re.search(r"segrec is at (http://\S+) for this computer alone", said.read_text("utf-8"))
        if found:
            return found[1]
        assert process.poll() is None, said.read_text("utf-8")
        time.sleep(0.1)
    raise AssertionError(f"it did not start: {said.read_text('utf-8')}")
