"""Say what went wrong: in exactly one line on stderr, and for `--json` as a document."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final, TextIO

from lab.errors import LabError
from lab.report.ink import for_encoding

FORMAT: Final = 1
"""Version of the document; it grows when a reader of the old one would no longer understand the new one."""
SCHEMA_FILE: Final = Path(__file__).with_name("error.schema.json")


def error_document(error: LabError, language: str) -> dict[str, Any]:
    """Return why there is no result; `error.schema.json` beside this file describes it."""
    return {
        "kind": "error",
        "format": FORMAT,
        "language": language,
        "exit_code": error.exit_code,
        "error": error_object(error, language),
    }


def error_object(error: LabError, language: str) -> dict[str, str]:
    """Return an error as data: its code, what happened, and what to do about it."""
    return {"code": error.code, "what": error.what(language), "remedy": error.remedy(language)}


def error_line(error: LabError, language: str) -> str:
    """Return `lab: <what happened> <what to do>`, one line whatever the texts hold."""
    what = error.what(language)
    # Chinese has no blank behind a full stop.
    return " ".join(f"lab: {what}{'' if what.endswith('。') else ' '}{error.remedy(language)}".split())


def show_error(error: LabError, language: str, stream: TextIO | None = None) -> None:
    """Write the error's line to `stream` (stderr), unfolded, so that it can be copied and searched for."""
    target = sys.stderr if stream is None else stream
    target.write(for_encoding(error_line(error, language), target.encoding or "utf-8") + "\n")
    target.flush()
