"""What programs leave where anybody may write: removed with them, so that none finds what another one left."""

from __future__ import annotations

import contextlib
import os

FOLDERS = ("/tmp", "/dev/shm")


def remove_left(first_uid: int) -> None:
    """Remove what belongs to user ids from `first_uid` on; none of their processes is left."""
    for folder in FOLDERS:
        for entry in os.scandir(folder):
            with contextlib.suppress(OSError):
                if entry.stat(follow_symlinks=False).st_uid >= first_uid:
                    remove(entry)


def remove(entry: os.DirEntry[str]) -> None:
    """Remove a file, or a folder with all that is in it; links are not followed."""
    if not entry.is_dir(follow_symlinks=False):
        os.unlink(entry.path)
        return
    for path, folders, files in os.walk(entry.path, topdown=False):
        for name in (*folders, *files):
            inner = os.path.join(path, name)
            if os.path.isdir(inner) and not os.path.islink(inner):
                os.rmdir(inner)
            else:
                os.unlink(inner)
    os.rmdir(entry.path)
