"""The folder of a run: its records and every form of its verdict, whole or not there at all."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from lab.errors import MachineError, UsageError
from lab.recording.layout import EVIDENCE_FILE
from lab.recording.run import Run
from lab.recording.store import save

LATEST: Final = "latest"
_UNFINISHED: Final = ".unfinished"
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


def keep(run: Run, forms: Mapping[str, str], runs: Path) -> Path:
    """Keep a run as `runs/<exercise>/<time>/`, point `latest` at it, and return its folder.

    `forms` holds the text of each further file by its name. Raises MachineError when the disk is full or forbids it;
    what was begun is then removed.
    """
    parent = runs / run.play.exercise
    with _machine_errors(parent), _workshop(parent) as workshop:
        save(run, workshop / "run")
        for place, text in forms.items():
            (workshop / "run" / place).write_text(text, encoding="utf-8")
        folder = _move(workshop / "run", parent, run.recording.begun_ns)
        (workshop / LATEST).symlink_to(folder.name)
        (workshop / LATEST).replace(parent / LATEST)  # in one step: a reader always finds one
    return folder


def require_room(exercise: str, runs: Path) -> None:
    """Raise MachineError when a run surely cannot be kept: said before it is played, and not only after."""
    parent = runs / exercise
    with _machine_errors(parent):
        there = next(folder for folder in (parent, *parent.absolute().parents) if folder.exists())
        if not there.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(there, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def find_run(text: str, runs: Path) -> Path:
    """Return the folder of a saved run: a path, or `ex03`, `3`, `ex03/latest` under runs/; UsageError when none is."""
    short = f"ex{int(text):02}" if text.isdecimal() and len(text) <= 2 else text  # noqa: PLR2004
    for folder in (Path(text), runs / short, runs / short / LATEST):
        with contextlib.suppress(OSError):  # a name too long, a folder that may not be read
            if os.path.lexists(folder / EVIDENCE_FILE):
                return folder
    raise UsageError("not-a-run", path=text, file=EVIDENCE_FILE)


@contextlib.contextmanager
def _workshop(parent: Path) -> Iterator[Path]:
    """Yield a hidden folder to build a run in, and remove it; also those that killed runs have left.

    A lock tells theirs from that of a lab which is at work beside us; nobody looks for them while one is made that has
    no lock yet.
    """
    made = [folder for folder in (parent, *parent.parents) if not folder.exists()]
    with contextlib.ExitStack() as ended:
        try:
            parent.mkdir(parents=True, exist_ok=True)
            with _locked(parent, fcntl.LOCK_EX):
                _sweep(parent)
                workshop = Path(tempfile.mkdtemp(prefix=f"{_UNFINISHED}.", dir=parent))
                ended.callback(shutil.rmtree, workshop, ignore_errors=True)
                ended.enter_context(_locked(workshop))
            yield workshop
        finally:
            ended.close()
            for folder in made:
                with contextlib.suppress(OSError):  # not empty: a run is kept in it
                    folder.rmdir()


def sweep_unfinished(runs: Path) -> None:
    """Remove what killed runs of any exercise have left; a run that is being kept just now stays."""
    with contextlib.suppress(OSError):  # no run was ever kept, or the folder may not be read
        for parent in runs.iterdir():
            with contextlib.suppress(OSError), _locked(parent, fcntl.LOCK_EX):
                _sweep(parent)


def _sweep(parent: Path) -> None:
    for left in parent.glob(f"{_UNFINISHED}.*"):
        with contextlib.suppress(OSError), _locked(left):
            shutil.rmtree(left, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path, how: int = fcntl.LOCK_EX | fcntl.LOCK_NB) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def _move(run: Path, parent: Path, begun_ns: int) -> Path:
    """Give a run its place, named after its begin; the next millisecond if another lab's run has that one."""
    while True:
        begun = datetime.fromtimestamp(begun_ns / 1e9, UTC)
        folder = parent / (begun.strftime("%Y-%m-%dT%H-%M-%S.") + f"{begun.microsecond // 1000:03}Z")
        try:
            return run.rename(folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            begun_ns += 1_000_000


@contextlib.contextmanager
def _machine_errors(parent: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        code = "disk-full" if error.errno in _FULL else "run-not-kept"
        raise MachineError(code, path=str(parent), detail=error.strerror or str(error)) from error
    except MachineError as error:
        # What is being built has a hidden place; the reader knows the folder of the runs.
        code = "disk-full" if error.code == "disk-full" else "run-not-kept"
        raise MachineError(code, path=str(parent), detail=error.params["detail"]) from error
