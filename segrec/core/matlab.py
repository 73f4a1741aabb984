"""MATLAB files, which many annotations come in, read through SciPy."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from segrec.core.errors import DataError
from segrec.core.packages import package
from segrec.core.regular import require_regular


def load_matlab(
    path: str | os.PathLike[str], *, variables: Sequence[str] | None = None, otherwise: str = ""
) -> dict[str, Any]:
    """Return the variables of a MATLAB file (versions 4 to 7.2) by their names.

    Args:
        path: of the file.
        variables: only these, the others are not unpacked; None for all.
        otherwise: what a user without SciPy can do instead, for the message.

    Raises:
        LibraryError: SciPy is missing.
        DataError: the file cannot be read.
    """
    scipy = package(
        "scipy.io", f"{path} is a MATLAB file, which SciPy reads; pip install 'segrec[datasets]'{otherwise}"
    )
    try:
        require_regular(path)
        content: dict[str, Any] = scipy.loadmat(str(path), variable_names=variables)
    except DataError:
        raise
    except Exception as error:  # SciPy raises whatever its parsing of damaged bytes runs into
        raise DataError(f"{path} is not a readable MATLAB file ({error}); fetch it again") from error
    return content
