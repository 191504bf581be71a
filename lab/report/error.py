"""Say what went wrong in exactly one line on stderr."""

from __future__ import annotations

import sys
from typing import TextIO

from lab.errors import LabError
from lab.report.ink import for_encoding


def error_line(error: LabError, language: str) -> str:
    """Return `lab: <what happened> <what to do>`, one line whatever the texts hold."""
    return " ".join(f"lab: {error.what(language)} {error.remedy(language)}".split())


def show_error(error: LabError, language: str, stream: TextIO | None = None) -> None:
    """Write the error's line to `stream` (stderr), unfolded, so that it can be copied and searched for."""
    target = sys.stderr if stream is None else stream
    target.write(for_encoding(error_line(error, language), target.encoding or "utf-8") + "\n")
    target.flush()
