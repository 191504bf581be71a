"""Runs as tests write them: flat, as they are saved, each look and reading under its name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lab.recording.run import Run
from lab.recording.saved import SavedRun, run_of, saved_form
from lab.timeline.build import build_timeline
from lab.timeline.model import Timeline


def changed(run: Run, **changes: Any) -> Run:
    """Return the run with other fields of its saved form."""
    return run_of(distinct(replace(saved_form(run), **changes)))


def distinct(saved: SavedRun) -> SavedRun:
    """Give what was seen on one host at the same time times that differ, as it has in a real run."""
    later: dict[str, Any] = {}
    for name, field in (("snapshots", "begun_ns"), ("samplings", "begun_ns"), ("counters", "time_ns")):
        taken: set[tuple[str, int]] = set()
        moved = []
        for each in getattr(saved, name):
            time_ns = getattr(each, field)
            while (each.host, time_ns) in taken:
                time_ns += 1
            taken.add((each.host, time_ns))
            moved.append(replace(each, **{field: time_ns}))
        later[name] = tuple(moved)
    return replace(saved, **later)


def timeline_of(run: Run) -> Timeline:
    """Return the timeline of a run."""
    return build_timeline(run.recording, run.play)
