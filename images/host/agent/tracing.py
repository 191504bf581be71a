"""The trace of a program that runs under strace: all of it, once strace has written its last line.

strace is root's, and so is the folder: no program can change what is written of it.
"""

from __future__ import annotations

import contextlib
import glob
import os
import time

from loop import Loop
from process import kill
from reply import Reply

FOLDER = "/run/traces"
TRACE_BYTES = 33554432
SECONDS = 3.0
POLL_SECONDS = 0.003


class TraceEnd:
    """Waits until nobody writes to a trace any more, then answers with it and removes it."""

    def __init__(self, loop: Loop, reply: Reply, path: str) -> None:
        self._loop = loop
        self._reply = reply
        self._path = path
        self._deadline = time.monotonic() + SECONDS
        self.look()

    def look(self) -> None:
        """Answer if strace has ended, else look again in a moment."""
        tracer = tracer_of(self._path)
        late = time.monotonic() > self._deadline
        if tracer and not late:
            self._loop.at(POLL_SECONDS, self.look)
            return
        if tracer:
            kill(tracer)
        text, whole = read(self._path)
        self._reply.ok(text=text, whole=whole and not tracer)
        forget_traces(self._path)


def tracer_of(path: str) -> int:
    """Return the process id of the strace that writes to this file, 0 when there is none."""
    wanted = path.encode()
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{entry}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
                # Any process may look like it, but for whose it is.
                if os.path.basename(words[0]) == b"strace" and wanted in words and not os.fstat(file.fileno()).st_uid:
                    return int(entry)
    return 0


def read(path: str) -> tuple[str, bool]:
    """Return a trace's whole lines, at most so many bytes, and whether that is all of it."""
    try:
        with open(path, "rb") as file:
            data = file.read(TRACE_BYTES + 1)
    except FileNotFoundError:
        return "", False
    kept = data if len(data) <= TRACE_BYTES else data[:TRACE_BYTES]
    kept = kept[: kept.rfind(b"\n") + 1]
    return kept.decode("utf-8", "backslashreplace"), len(kept) == len(data)


def trace_of(name: str) -> str:
    """Return the file of a program's trace, in a folder that is there then and root's alone."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(FOLDER, 0o700)
    return f"{FOLDER}/{name}.strace"


def forget_traces(pattern: str = f"{FOLDER}/*.strace") -> None:
    """Remove the traces that lie here."""
    for path in glob.glob(pattern):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
