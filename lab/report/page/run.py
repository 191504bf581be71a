"""What the page needs of a run beside its story and its timeline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from lab.judge.verdict import Look, Result
from lab.kernel.listing import FILE, list_trace
from lab.recording.play import Step, Taken
from lab.recording.recording import Sampling, SsOutput
from lab.recording.run import Run, with_names
from lab.report.page.places import Places, Told, places_of

_NS: Final = 1_000_000_000


class SsLook(NamedTuple):
    """A moment at which `ss` was asked: its name in the exercise, and the file of its output in the run's folder."""

    name: str
    host: str
    begun_ns: int
    step: str
    file: str


@dataclass(frozen=True, slots=True)
class PageRun:
    """The steps as they were played, each look of `ss`, the capture's file of each host, and what was judged.

    `told` says what the lines are of that results point to in files that are no captures; `places` are those of a
    result (by its id) that its looks do not name. `first` are the clients whose connections the page begins with.
    """

    steps: tuple[Step, ...]
    looks: tuple[SsLook, ...]
    captures: Mapping[str, str]
    results: tuple[Result, ...]
    told: Mapping[Look, Told] = field(default_factory=dict)
    places: Mapping[str, Places] = field(default_factory=dict)
    first: tuple[str, ...] = ()


def run_of(run: Run, results: tuple[Result, ...], first: tuple[str, ...] = ()) -> PageRun:
    """Return what the page needs of this run; a sampling counts as one look, at its begin."""
    records: list[tuple[SsOutput | Sampling, Taken]] = [
        *with_names(run.recording.outputs, run.play.snapshots),
        *with_names(run.recording.samplings, run.play.samplings),
    ]
    looks = (SsLook(taken.name, seen.host, seen.begun_ns, taken.step, seen.file) for seen, taken in records)
    return PageRun(
        run.play.steps,
        tuple(sorted(looks, key=lambda look: look.begun_ns)),
        {record.host: record.file for record in run.recording.captures},
        results,
        dict(_told(run, {look for result in results for look in result.look if look.line is not None})),
        {result.id: places_of(run, result) for result in results},
        first,
    )


def _told(run: Run, looks: set[Look]) -> Iterator[tuple[Look, Told]]:
    files = {look.file for look in looks}
    if FILE in files and run.recording.kernel is not None:
        lines = list_trace(run.recording.kernel.trace, {*run.recording.hosts.values()}).splitlines()
        for look in looks:
            if look.file == FILE and look.line is not None and look.line <= len(lines):
                seconds, _, fraction = lines[look.line - 1].split()[0].partition(".")
                yield look, Told(int(seconds) * _NS + int(fraction))
    for trace in run.recording.traces:
        if trace.file in files:
            party = run.play.process(trace.host, trace.pid)
            calls = {call.row: call for call in trace.calls}
            for look in looks:
                if look.file == trace.file and (call := calls.get(look.line or 0)):
                    yield look, Told(call.begun_ns, party.name if party else None, call.family)
