"""What `segrec.data` hands on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import segrec.data

ROOT = Path(__file__).parents[2]


def test_every_name_on_offer_exists():
    assert all(getattr(segrec.data, name).__name__ == name for name in segrec.data.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'Words'"):
        segrec.data.Words  # noqa: B018


def test_importing_the_storage_layer_imports_no_torch_and_no_opencv():
    script = "import sys, segrec.data; segrec.data.StoredMasks; print({'torch', 'cv2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"
