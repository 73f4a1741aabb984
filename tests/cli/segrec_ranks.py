"""The segrec command line in several processes that share the work, as torchrun starts them, but started quickly."""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from segrec_process import PATIENCE, Outcome


def together(arguments: Sequence[str], folder: Path, *, size: int = 2) -> list[Outcome]:
    """Return what each of `size` processes left behind after `segrec ARGUMENTS`, by rank.

    Args:
        arguments: of the command line.
        folder: gets the outputs.
        size: number of processes.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "torch._dynamo", "segrec.jobs.demo"])
    with socket.socket() as found:
        found.bind(("localhost", 0))
        port = found.getsockname()[1]
    processes = [
        context.Process(target=_run, args=(list(arguments), rank, size, port, str(folder))) for rank in range(size)
    ]
    for process in processes:
        process.start()
    outcomes = []
    for rank, process in enumerate(processes):
        process.join(PATIENCE)
        out, err = ((folder / f"{name}-{rank}").read_text(encoding="utf-8") for name in ("out", "err"))
        assert process.exitcode is not None, f"process {rank} still runs: {err}"
        outcomes.append(Outcome(process.exitcode, out, err))
    return outcomes


def _run(arguments: list[str], rank: int, size: int, port: int, folder: str) -> None:
    names = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "MASTER_ADDR": "localhost", "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in names.items()})
    for number, name in ((1, "out"), (2, "err")):
        with open(Path(folder) / f"{name}-{rank}", "wb") as handle:
            os.dup2(handle.fileno(), number)
    import torch

    from segrec.cli import main

    torch.set_num_threads(1)
    code = main(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(code)
