"""Read the files of a saved run: regular ones alone, no larger than any run's, and as they were written.

A run's folder may come from anybody. A link in it could lead to a FIFO, which never ends, or to a file of the reader's.
"""

from __future__ import annotations

import errno
import hashlib
import mmap
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from lab.errors import EvidenceError
from lab.wire.packet import Buffer

_LARGEST: Final = 512 * 2**20
"""Bytes in one file: what the recorder's container has room for. A host's captures and traces are smaller."""
_LARGEST_TEXT: Final = 64 * 2**20
_LARGEST_RUN: Final = 2 * _LARGEST
_MAPPED: Final = 32 * 2**20
"""Bytes from which on a file is mapped and not read, where it may be: memory is then the system's to take back."""
_LINK: Final = (errno.ELOOP, errno.ENOTDIR, errno.ENXIO)
"""What opening a link, a folder that is none, or a socket comes to."""


@dataclass(frozen=True, slots=True)
class Written:
    """How long a file was when it was saved, and the SHA-256 of it.

    That tells of damage; who wants to change a run on purpose can write these anew.
    """

    bytes: int
    sha256: str


def written(content: Buffer) -> Written:
    """Return what is kept of a file's content."""
    return Written(len(content), hashlib.sha256(content).hexdigest())


class RunFiles:
    """The files of one run's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read = 0
        self.expected: Mapping[str, Any] | None = None
        """What was kept of each file, by its place; None for a run of before that was kept."""
        self._changed: list[str] = []

    def data(self, place: str) -> Buffer:
        """Return a file's bytes; those of a large one are mapped. Raises as `text`, but for what is no text."""
        content = self._content(place, _LARGEST, _MAPPED)
        if isinstance(content, mmap.mmap):
            content.madvise(mmap.MADV_DONTNEED)
        return content

    def _content(self, place: str, most: int, mapped: int) -> Buffer:
        """Return a file's bytes, mapped where there are so many.

        Raises EvidenceError, which names the file: where it is not there, no regular file, larger than `most` or, with
        all that was read before, than any run; or where it cannot be read.
        """
        parts = PurePosixPath(place).parts
        if not parts or parts[0] == "/" or ".." in parts or "\0" in place:
            raise EvidenceError("evidence-file-outside", file=place)
        try:
            content = self._bounded(parts, place, min(most, max(0, _LARGEST_RUN - self._read)), mapped)
        except FileNotFoundError:
            raise EvidenceError("evidence-file-missing", file=place, path=str(self._folder)) from None
        except OSError as error:
            if error.errno in _LINK:
                raise EvidenceError("evidence-file-irregular", file=place) from None
            raise EvidenceError("evidence-file-unreadable", file=place, reason=error.strerror or str(error)) from None
        except UnicodeEncodeError as error:
            raise EvidenceError("evidence-file-unreadable", file=ascii(place), reason=error.reason) from None
        self._read += len(content)
        if self.expected is not None and self.expected.get(place) != written(content):
            self._changed.append(place)
        return content

    def text(self, place: str) -> str:
        """Return a file's text.

        Raises EvidenceError, which names the file: where it is not there, no regular file, larger than a text or, with
        all that was read before, than any run; or where it cannot be read.
        """
        content = self._content(place, _LARGEST_TEXT, _LARGEST)
        try:
            return content[:].decode(errors="surrogatepass")
        except UnicodeDecodeError as error:
            raise EvidenceError("evidence-file-unreadable", file=place, reason=f"UTF-8, byte {error.start}") from None

    def require_unchanged(self) -> None:
        """Raise EvidenceError where a file that was read is not as it was written; what is wrong in it is not told."""
        for place in self._changed:
            raise EvidenceError("evidence-file-changed", file=place)

    def _bounded(self, parts: tuple[str, ...], place: str, most: int, mapped: int) -> Buffer:
        """Read a file, opening folder after folder: no link is followed on the way, but for the run's own folder."""
        opened = [os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)]
        try:
            for part in parts[:-1]:
                opened.append(os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=opened[-1]))
            # Without O_NONBLOCK, opening a FIFO would wait for who writes to it.
            opened.append(os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=opened[-1]))
            found = os.fstat(opened[-1])
            if not stat.S_ISREG(found.st_mode):
                raise EvidenceError("evidence-file-irregular", file=place)
            if found.st_size > most:
                raise EvidenceError("evidence-file-large", file=place, most=most // 2**20)
            if found.st_size >= mapped:
                return mmap.mmap(opened[-1], found.st_size, access=mmap.ACCESS_READ)
            with os.fdopen(os.dup(opened[-1]), "rb") as file:
                return file.read(found.st_size)  # it may grow meanwhile
        finally:
            for each in opened:
                os.close(each)
