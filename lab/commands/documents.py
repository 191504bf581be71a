"""The one document that `--json` prints on standard output, whatever it ends with: a result, or why there is none."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Sequence
from typing import Final

from lab.commands.writing import write_json
from lab.errors import LabError
from lab.foreign import shown_json
from lab.report.error import error_document

_OPTION: Final = "--json"
_LINES: Final = "live"
"""The command whose document is a line for each thing that happens; its last line says why it ended."""
_written: Final[list[int]] = []
"""The exit code that the document of this command tells; empty before there is one."""


def write_document(text: str, exit_code: int) -> None:
    """Write the command's document, which tells that exit code. After it no other is written."""
    _written[:] = [exit_code]
    write_json(text)


def begin_documents() -> None:
    """Forget the document of a command that this process has run before."""
    _written.clear()


def written_code() -> int | None:
    """Return the exit code that the document tells; None where none was written."""
    return _written[0] if _written else None


def asks_json(arguments: Sequence[str]) -> bool:
    """Tell whether a command line asks for JSON, also one that cannot be parsed; the option may be shortened."""
    return any(len(each) > len("--") and _OPTION.startswith(each) for each in arguments)


def write_error(error: LabError, language: str, arguments: Sequence[str]) -> None:
    """Write why there is no result, unless the command's document has been written already."""
    if asks_json(arguments) and written_code() is None:
        document = error_document(error, language)
        indent = None if arguments[0] == _LINES else 2
        with contextlib.suppress(OSError, ValueError):  # nobody reads, or it was closed
            text = shown_json(json.dumps(document, ensure_ascii=False, indent=indent))
            write_document(text + "\n", error.exit_code)
            sys.stdout.flush()
