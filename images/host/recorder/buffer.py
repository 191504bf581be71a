"""A processor's buffer, copied to a file as it fills."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import math
import os

from instance import Instance

AT_ONCE = 64  # pages


class Share:
    """How much may be copied of all buffers of an instance together, in bytes; without end where nothing is said."""

    def __init__(self, most: float = math.inf) -> None:
        self.left = most


class Buffer:
    """One of an instance's buffers; the file that it is copied to holds its pages and nothing else."""

    def __init__(self, instance: Instance, cpu: int, file: str, share: Share) -> None:
        self.instance = instance
        self.cpu = cpu
        self.pages = 0
        self.full = False
        """Whether there is no room for more: the kernel counts what then stays in its buffer, or is pushed out."""
        self._size = instance.page
        self._share = share
        self._room = 0
        self.raw = os.open(f"{instance.folder}/per_cpu/cpu{cpu}/trace_pipe_raw", os.O_RDONLY | os.O_NONBLOCK)
        self._path = file
        self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._out, self._in = os.pipe()
        with contextlib.suppress(OSError):  # else it takes fewer at once
            fcntl.fcntl(self._in, fcntl.F_SETPIPE_SZ, AT_ONCE * self._size)

    def copy(self) -> None:
        """Copy the pages that are full, which the kernel moves by itself.

        No more than fit into its buffer: others wait to be copied, too, and perhaps a signal.
        """
        left = self.instance.room
        with contextlib.suppress(BlockingIOError):  # none is full
            while left > 0 and self._has_room(AT_ONCE):
                moved = waiting = os.splice(self.raw, self._in, AT_ONCE * self._size, flags=os.SPLICE_F_NONBLOCK)
                while waiting:
                    waiting -= os.splice(self._out, self._file, waiting)
                self._count(moved)
                left -= moved or left

    def drain(self) -> None:
        """Copy all that is left, also what does not fill a page; nothing more is recorded."""
        with contextlib.suppress(BlockingIOError):
            while self._has_room(1) and (page := os.read(self.raw, self._size)):
                os.write(self._file, page)
                self._count(self._size)

    def close(self) -> None:
        """Let go of it and of the file, which is not left where it is empty: nobody fetches it."""
        os.ftruncate(self._file, self.pages * self._size)
        if not self.pages:
            os.unlink(self._path)
        for each in (self._file, self.raw, self._out, self._in):
            os.close(each)

    def _count(self, copied: int) -> None:
        self.pages += copied // self._size
        self._share.left -= copied

    def _has_room(self, pages: int) -> bool:
        """Tell whether the file has room for so many, which is found out before one is taken from the kernel."""
        if pages * self._size > self._share.left:
            self.full = True
        if self.pages + pages > self._room and not self.full:
            try:
                os.posix_fallocate(self._file, self.pages * self._size, AT_ONCE * self._size)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                self.full = True
            else:
                self._room = self.pages + AT_ONCE
        return not self.full
