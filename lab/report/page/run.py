"""What the page needs of a run beside its story and its timeline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from lab.evidence.records import Evidence, Sampling, Snapshot, Step
from lab.judge.verdict import Look, Result
from lab.kernel.listing import FILE, list_trace
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


def run_of(evidence: Evidence, results: tuple[Result, ...], first: tuple[str, ...] = ()) -> PageRun:
    """Return what the page needs of this evidence; a sampling counts as one look, at its begin."""
    records: tuple[Snapshot | Sampling, ...] = (*evidence.snapshots, *evidence.samplings)
    looks = (SsLook(each.name, each.host, each.begun_ns, each.step, each.file) for each in records)
    return PageRun(
        evidence.steps,
        tuple(sorted(looks, key=lambda look: look.begun_ns)),
        {record.host: record.file for record in evidence.captures},
        results,
        dict(_told(evidence, {look for result in results for look in result.look if look.line is not None})),
        {result.id: places_of(evidence, result) for result in results},
        first,
    )


def _told(evidence: Evidence, looks: set[Look]) -> Iterator[tuple[Look, Told]]:
    files = {look.file for look in looks}
    if FILE in files and evidence.kernel is not None:
        lines = list_trace(evidence.kernel.trace, {*evidence.lab.addresses.values()}).splitlines()
        for look in looks:
            if look.file == FILE and look.line is not None and look.line <= len(lines):
                seconds, _, fraction = lines[look.line - 1].split()[0].partition(".")
                yield look, Told(int(seconds) * _NS + int(fraction))
    for trace in evidence.traces:
        if trace.file in files:
            calls = {call.row: call for call in trace.calls}
            for look in looks:
                if look.file == trace.file and (call := calls.get(look.line or 0)):
                    yield look, Told(call.begun_ns, trace.party, call.family)
