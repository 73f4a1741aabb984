"""Packages that may not be installed."""

import json
import sys

import pytest

from segrec.core.errors import LibraryError
from segrec.core.packages import package


def test_a_module_that_is_there_is_given():
    assert package("json", "cannot be missing") is json


@pytest.mark.parametrize("content", ["import nowhere_to_be_found", "raise RuntimeError('another torch')"])
def test_one_that_is_missing_or_does_not_start_is_said_with_the_remedy(content, tmp_path, monkeypatch):
    (tmp_path / "half_installed.py").write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(LibraryError, match=r"needs it \(.*(nowhere_to_be_found|another torch).*\); pip install it"):
        package("half_installed", "needs it ({reason}); pip install it")
    assert "half_installed" not in sys.modules
