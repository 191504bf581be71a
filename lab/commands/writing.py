"""Output that cannot be written: a reader who has gone, a full disk, a terminal that is closed."""

from __future__ import annotations

import codecs
import contextlib
import errno
import io
import os
import sys
from collections.abc import Iterator
from typing import Final

from lab.errors import MachineError
from lab.foreign import ascii_json
from lab.report.ink import for_encoding

_IN_ITS_PLACE: Final = "lab-in-its-place"
_UNWRITABLE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def open_standard_streams() -> None:
    """Have them take and give anything.

    A closed one (`lab list <&-`) is opened on nothing, so that its number becomes no other file's. What the encoding of
    stdout or stderr cannot write is written in ASCII, and what that of stdin cannot read is a mark.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            lowest = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(lowest, mode, encoding="utf-8", closefd=False))
    codecs.register_error(_IN_ITS_PLACE, _in_its_place)
    for stream, errors in ((sys.stdin, "replace"), (sys.stdout, _IN_ITS_PLACE), (sys.stderr, _IN_ITS_PLACE)):
        if isinstance(stream, io.TextIOWrapper) and stream.errors != errors:
            stream.reconfigure(errors=errors)


def only_english_is_readable() -> bool:
    """Tell whether stdout cannot write Chinese: then everything is said in English, whatever was asked for."""
    try:
        "中".encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return True
    return False


def write_json(document: str) -> None:
    """Write a JSON document to stdout, with JSON's own escapes for what its encoding cannot write."""
    try:
        document.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        document = ascii_json(document)
    sys.stdout.write(document)


def _in_its_place(error: UnicodeError) -> tuple[str, int]:
    """Return what is written for characters that an encoding does not have."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return for_encoding(error.object[error.start : error.end], error.encoding), error.end


@contextlib.contextmanager
def as_long_as_read() -> Iterator[None]:
    """Go on in silence when nobody reads any more (`lab run 3 | head -1`): the exit code still tells the verdict.

    Raises MachineError when what was printed could not be written.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        _silence()
    except SystemExit as end:  # rich's answer to a broken pipe
        if not isinstance(end.__context__, BrokenPipeError):
            raise
        _silence()
    except OSError as error:
        if error.errno not in _UNWRITABLE or error.filename is not None:
            raise
        _silence()
        raise MachineError("output-not-written", detail=error.strerror or str(error)) from error


def _silence() -> None:
    """Let what is still to be printed go nowhere, at the interpreter's end too."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
