"""Compares public checkpoints, loaded by this project, with what the reference code computed from them."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import torch

from recognizers import ALNUM36, ctc_greedy, load_pretrained

WIDTHS = (100, 160)


def main() -> int:
    """0 when every figure is within its tolerance, 1 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of the parity data: check.py, recipe.py, manifests/, *.npz")
    check = _import_check(parser.parse_args().folder.resolve())
    return 0 if check_crnn_pytorch(check) else 1


def check_crnn_pytorch(check: ModuleType) -> bool:
    """Whether logits and texts of crnn.pytorch agree at both widths."""
    name = "crnn_meijieru"
    state, reference = check.load(name)
    model = load_pretrained(state)
    agreed = True
    for width in WIDTHS:
        with torch.inference_mode():
            logits = model(torch.from_numpy(reference[f"input_{width}"]))
        time_major = logits.transpose(0, 1).numpy()
        agreed &= check.compare(
            f"{name} logits at width {width}", time_major, reference[f"logits_{width}"], check.ATOL[name]
        )
        texts = [reading.text for reading in ctc_greedy(logits, ALNUM36)]
        same = texts == reference[f"text_{width}"].tolist()
        print(f"{name} texts at width {width}: {'equal' if same else f'DIFFER: {texts}'}")
        agreed &= same
    return agreed


def _import_check(folder: Path) -> ModuleType:
    sys.path.insert(0, str(folder))  # check.py imports its neighbour recipe.py
    spec = importlib.util.spec_from_file_location("check", folder / "check.py")
    if spec is None or spec.loader is None or not (folder / "check.py").is_file():
        raise SystemExit(f"{folder} holds no check.py; name the folder of the parity data")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    raise SystemExit(main())
