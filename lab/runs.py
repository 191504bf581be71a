"""The folder of a run: the evidence and every form of its verdict, whole or not there at all."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lab.errors import MachineError, UsageError
from lab.evidence.layout import EVIDENCE_FILE
from lab.evidence.store import save

if TYPE_CHECKING:
    from lab.evidence.records import Evidence

LATEST: Final = "latest"


def keep(evidence: Evidence, forms: Mapping[str, str], runs: Path) -> Path:
    """Keep a run as `runs/<exercise>/<time>/`, point `latest` at it, and return its folder.

    `forms` holds the text of each further file by its name. Raises MachineError when the disk is full or forbids it; what
    was begun is then removed.
    """
    parent = runs / evidence.exercise
    begun = datetime.fromtimestamp(evidence.begun_ns / 1e9, UTC)
    name = begun.strftime("%Y-%m-%dT%H-%M-%S.") + f"{begun.microsecond // 1000:03}Z"
    unfinished = parent / f".{name}.unfinished"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _sweep(parent)
        save(evidence, unfinished)
        for place, text in forms.items():
            (unfinished / place).write_text(text, encoding="utf-8")
        unfinished.rename(parent / name)
        _point(parent / LATEST, name)
    except OSError as error:
        raise MachineError("disk-full", path=str(parent), detail=error.strerror or str(error)) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return parent / name


def find_run(text: str, runs: Path) -> Path:
    """Return the folder of a saved run: a path, or `ex03`, `3`, `ex03/latest` under runs/; UsageError when none is."""
    short = f"ex{int(text):02}" if text.isdigit() and len(text) <= 2 else text  # noqa: PLR2004
    for folder in (Path(text), runs / short, runs / short / LATEST):
        if (folder / EVIDENCE_FILE).is_file():
            return folder
    raise UsageError("not-a-run", path=text, file=EVIDENCE_FILE)


def _point(link: Path, name: str) -> None:
    """Point the link at a run in one step: a reader always finds one."""
    beside = link.with_name(f".{link.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        beside.unlink()
    beside.symlink_to(name)
    beside.replace(link)


def _sweep(parent: Path) -> None:
    """Remove what a run that was killed while it was being kept has left; nobody else writes while a host is ours."""
    for left in (*parent.glob(".*.unfinished"), *parent.glob("..*.partial")):
        shutil.rmtree(left, ignore_errors=True)
