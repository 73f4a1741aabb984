"""What the attacks tell at the end of a session: how many were tried of each class."""

from __future__ import annotations

import pytest
from attacked import tried


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the counts."""
    if tried:
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(tried.items()))
        terminalreporter.write_line(f"attacks tried: {counts} ({sum(tried.values())} in all)")
