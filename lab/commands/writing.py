"""Output that cannot be written: a reader who has gone, a full disk, a terminal that is closed."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from typing import Final

from lab.errors import MachineError

_UNWRITABLE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def open_standard_streams() -> None:
    """Open a closed stdin, stdout or stderr (`lab list <&-`) on nothing, so that its number becomes no other file's."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            lowest = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(lowest, mode, encoding="utf-8", closefd=False))


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
