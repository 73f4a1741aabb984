"""Files are opened only if they are regular, of a limited size, and can be there at all."""

from __future__ import annotations

import pytest

from segrec.core.errors import DataError
from segrec.core.regular import open_regular, read_regular, require_regular


@pytest.mark.parametrize("name", ["a\0.png", "a\ud800.png"], ids=["NUL", "half of a pair"])
def test_a_name_that_no_file_can_have_is_refused_in_one_line(tmp_path, name):
    for opened in (require_regular, open_regular, lambda path: read_regular(path, most=9)):
        with pytest.raises(DataError, match=r"no file can be named .*; correct the path") as refusal:
            opened(tmp_path / name)
        assert str(refusal.value).isprintable()
