"""Damaged files of one kind, guided by the code that they reach, as the package atheris does it with libFuzzer."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import atheris

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

with atheris.instrument_imports(include=["segrec", "segmenter", "recognizers"]):
    from campaign import attempted, limit_memory
    from targets import TARGETS


def main() -> None:
    """Run the command line; libFuzzer ends the process, with an exit code other than 0 where a file was a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=TARGETS)
    parser.add_argument("seeds", help="folder of valid files, which gets others that reach more")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    tried = 0

    def one(data: bytes) -> None:
        nonlocal tried
        tried += 1
        attempted(options.name, data, f"guided by seed {options.seed}, file {tried}")

    print(f"{options.name}, guided by coverage, seed {options.seed}", flush=True)
    limits = [f"-max_total_time={options.seconds}", "-rss_limit_mb=0", f"-artifact_prefix={tempfile.gettempdir()}/"]
    atheris.Setup([sys.argv[0], *limits, f"-seed={options.seed % 2**32}", "-max_len=100000", options.seeds], one)
    limit_memory()
    atheris.Fuzz()


if __name__ == "__main__":
    main()
