"""Say which bytes a change alters: the same store, runs and evaluation made by two checkouts and compared.

    git worktree add ../before REVISION
    python scripts/same_bytes.py ../before . --folder compared

Both get the words, masks and weights of the first; rendering and predicting are compared too. Some minutes on one core.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import lmdb
from safetensors import safe_open

from segrec.core.tables import markdown_table

WORDS, MASKS = "../words", "../masks"
TUNING = ["--data", WORDS, "--masks", MASKS, "--train", "all", "--steps", "4", "--batch-size", "8", "--seed", "1"]
READING = ["--data", f"words={WORDS}", "--masks", f"words={MASKS}", "--mask", "none,random,zero,predicted,oracle"]
COMMANDS = {
    "words": ["render", "words", "--seed", "3", "--output", "words"],
    "store": ["precompute-masks", "--data", WORDS, "--segmenter", "{}/mgnet-slim.safetensors", "--output", "masks"],
    "run of crnn": ["finetune", "crnn", "--pretrained", "{}/crnn-slim.safetensors", *TUNING, "--output", "crnn"],
    "run of aster": ["finetune", "aster", "--pretrained", "{}/aster-slim.safetensors", *TUNING, "--output", "aster"],
    "run of mgnet": ["train", "segmenter", "--words", WORDS, "--steps", "4", "--word-batch", "4", "--output", "mgnet"],
    "evaluation": ["eval", "--model", "{}/crnn-slim-predicted.safetensors", *READING, "--predictions", "read.jsonl"],
}
"""What is run in each checkout, by a name; {} stands for the folder of weights."""


@click.command()
@click.argument("before", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("after", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--folder", required=True, type=click.Path(path_type=Path), help="A new folder for all that is made.")
@click.option("--count", default=60, show_default=True, type=click.IntRange(1), help="Words to render.")
def main(before: Path, after: Path, folder: Path, count: int) -> None:
    """Run the commands in the checkouts BEFORE and AFTER, and print what differs; exit 1 where anything does."""
    folder = folder.resolve()
    folder.mkdir(parents=True)
    weights = before.resolve() / "segrec" / "weights"
    segrec(before, folder, [*COMMANDS["words"], "--count", str(count)])
    segrec(before, folder, [part.replace("../", "").format(weights) for part in COMMANDS["store"]])
    work = folder / "work"  # for both, since records hold the paths of what they are of
    for name, tree in (("before", before), ("after", after)):
        work.mkdir()
        for title, command in COMMANDS.items():
            click.echo(f"{name}: {title}", err=True)
            more = ["--count", str(count)] if title == "words" else ["--device", "cpu"]
            segrec(tree, work, [part.format(weights) for part in command] + more)
        work.rename(folder / name)
    found = [(file, difference(folder / "before" / file, folder / "after" / file)) for file in files(folder)]
    click.echo(markdown_table(["file", "what differs"], [(file, said or "nothing") for file, said in found], numbers=0))
    sys.exit(any(said for _, said in found))


def segrec(tree: Path, folder: Path, arguments: list[str]) -> None:
    """Run a command of a checkout in a folder; what it prints is kept there, in `printed.txt`."""
    environment = os.environ | {"PYTHONPATH": str(tree.resolve()), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "segrec", *arguments, "--quiet"]
    with open(folder / "printed.txt", "a", encoding="utf-8") as printed:
        subprocess.run(command, cwd=folder, env=environment, stdout=printed, check=True)


def files(folder: Path) -> list[str]:
    """Return the files that either side has made, relative to the side's folder, training states left out."""
    sides = (folder / "before", folder / "after")
    found = {path.relative_to(side).as_posix() for side in sides for path in side.rglob("*") if path.is_file()}
    return sorted(path for path in found if not path.endswith(("state.pt", "lock.mdb", ".lock")))


def difference(one: Path, other: Path) -> str:
    """Return in words how two files differ, in which tensors or records; empty where their bytes are the same."""
    absent = [path.parents[0] for path in (one, other) if not path.exists()]
    if absent:
        return f"not in {absent[0]}"
    if one.read_bytes() == other.read_bytes():
        return ""
    contents = {".safetensors": tensors, ".mdb": records}.get(one.suffix)
    if contents is None:
        return "its text"
    first, second = contents(one), contents(other)
    names = sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))
    return f"{len(names)} of {len(first.keys() | second.keys())} parts: {', '.join(names[:4])}"


def tensors(path: Path) -> Mapping[str, bytes]:
    """Return the tensors and header values of weights by name."""
    with safe_open(path, "np") as file:
        header = {f"header: {name}": value.encode() for name, value in (file.metadata() or {}).items()}
        return header | {name: file.get_tensor(name).tobytes() for name in file.keys()}  # noqa: SIM118


def records(path: Path) -> Mapping[str, bytes]:
    """Return the records of a database by key."""
    with lmdb.open(str(path.parent), readonly=True, lock=False) as database, database.begin() as transaction:
        return dict(_named(transaction.cursor()))


def _named(cursor: Iterator[tuple[bytes, bytes]]) -> Iterator[tuple[str, bytes]]:
    return ((bytes(key).decode(), bytes(value)) for key, value in cursor)


if __name__ == "__main__":
    main()
