"""torchrun starts segrec in processes that share the work; elsewhere the tests start such processes themselves."""

from __future__ import annotations

from pathlib import Path

from forked import Forked
from segrec_process import ROOT


def torchrun(arguments: list[str]) -> None:
    """Be the program `torchrun`."""
    from torch.distributed.run import main

    main(["--standalone", "--nproc-per-node", "2", *arguments])


def test_two_processes_of_torchrun_print_and_write_once_what_one_does(segrec, words, tmp_path: Path):
    asked = ["eval", "--data", f"w={words}", "--mask", "none", "--device", "cpu", "--format", "json", "--predictions"]
    alone = segrec(*asked, tmp_path / "alone.jsonl")
    run = Forked(
        torchrun,
        ["-m", "segrec", *asked, str(tmp_path / "together.jsonl")],
        log=tmp_path / "out",
        errors=tmp_path / "err",
        environment={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    assert run.join() == 0, run.errors.read_text()
    assert run.said() == alone.out and alone.code == 0
    assert (tmp_path / "together.jsonl").read_bytes() == (tmp_path / "alone.jsonl").read_bytes()
