"""What the page needs of a run beside its story and its timeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from lab.judge.verdict import Result
from lab.recording.play import Party, Step, Taken
from lab.recording.recording import Sampling, SsOutput
from lab.recording.run import Run, with_names


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

    `clients` are the programs that stand on the client's side. `first` are the clients whose connections the page
    begins with.
    """

    steps: tuple[Step, ...]
    looks: tuple[SsLook, ...]
    captures: Mapping[str, str]
    results: tuple[Result, ...]
    clients: frozenset[str] = frozenset()
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
        frozenset(party.name for party in run.play.parties if _at_client(party)),
        first,
    )


def _at_client(party: Party) -> bool:
    """Tell on which side a program stands; what is neither client nor server stands on its host's."""
    return party.role == "client" or (party.role != "server" and party.host == "client")
