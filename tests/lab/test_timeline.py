"""The one order of a thousand connections: what must come before what, by cause, never comes after it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from typing import Final

import pytest

from lab.hosts.connection import Connection
from lab.loading import load_exercise
from lab.recording.run import Run
from lab.runner import play
from lab.settings import Settings
from lab.stage import Stage
from lab.timeline.model import CallMade, Lane, Moment, SegmentSent, StateChange, Timeline
from tests.records import timeline_of

pytestmark = pytest.mark.lab

CONNECTIONS: Final = 1000


def many_rounds(stage: Stage) -> None:
    with stage.step("three_or_four"):
        stage.serve("serve_blocking", port=8000, backlog=5)
        stage.run("rounds", port=8000, args=(str(CONNECTIONS),))


@pytest.fixture(scope="module")
def evidence(hosts_up: Settings) -> Run:
    exercise = dataclasses.replace(load_exercise(3), play=many_rounds)
    with Connection(hosts_up) as connection:
        return play(exercise, hosts_up, connection)


@pytest.fixture(scope="module")
def timeline(evidence: Run) -> Timeline:
    return timeline_of(evidence)


Told = dict[str, int]
"""Times of a connection's moments by what they are: `S sent`, `S come`, `server ESTAB`, `connect`, `connect back`."""


def told(timeline: Timeline, talk: int) -> Told:
    times: Told = {}
    for number in timeline.talks[talk].moments:
        for name, time_ns in names(timeline.moments[number]):
            times.setdefault(name, time_ns)
    return times


def names(moment: Moment) -> Iterator[tuple[str, int]]:
    what = moment.what
    side = "client" if moment.lane in (Lane.CLIENT_CALLS, Lane.CLIENT_STATE) else "server"
    if isinstance(what, StateChange):
        # Half open is told by the capture alone, and of the two SYN-RECV the kernel's own is meant here.
        yield f"{side} {what.state}{'' if moment.source == 'kernel' else ' ~'}", moment.time_ns
    elif isinstance(what, CallMade):
        yield f"{side} {what.name}", moment.time_ns
        if moment.ended_ns is not None:
            yield f"{side} {what.name} back", moment.ended_ns
    elif isinstance(what, SegmentSent):
        letters = what.segment.flags.letters
        sender = "client" if what.from_client else "server"
        yield f"{sender} {letters} sent", moment.time_ns
        if moment.ended_ns is not None:
            yield f"{sender} {letters} come", moment.ended_ns


ORDER: Final = (
    ("client connect", "client SYN-SENT"),
    ("client SYN-SENT", "client S sent"),
    ("client S sent", "client S come"),
    ("client S come", "server S. sent"),
    ("server S. sent", "server S. come"),
    ("server S. come", "client ESTAB"),
    ("client ESTAB", "client . sent"),
    ("client ESTAB", "client connect back"),
    ("client . sent", "client . come"),
    ("client . come", "server SYN-RECV"),
    ("server SYN-RECV", "server ESTAB"),
    ("server ESTAB", "server accept back"),
    ("server accept back", "server recv"),
    ("client send", "client P. sent"),
    ("client P. come", "server recv back"),
    ("server close", "server FIN-WAIT-1"),
    ("server FIN-WAIT-1", "server F. sent"),
    ("server F. come", "client CLOSE-WAIT"),
    ("client close", "client LAST-ACK"),
    ("client LAST-ACK", "client F. sent"),
)
"""Of each pair the first brings the second about, or must have happened before it could."""


def test_the_kernel_told_of_every_connection(evidence: Run, timeline: Timeline) -> None:
    assert evidence.recording.unrecorded == ""
    assert (timeline.by_kernel, timeline.lacks, len(timeline.talks)) == (True, (), CONNECTIONS)


def test_a_thousand_connections_have_no_inversion(timeline: Timeline) -> None:
    inverted: Counter[str] = Counter()
    compared: Counter[str] = Counter()
    for talk in range(CONNECTIONS):
        times = told(timeline, talk)
        for first, second in ORDER:
            if first in times and second in times:
                compared[f"{first} < {second}"] += 1
                inverted[f"{first} < {second}"] += times[first] > times[second]
    assert {relation for relation, count in compared.items() if count < CONNECTIONS * 9 // 10} == set()
    assert len(compared) == len(ORDER)
    assert +inverted == Counter()


def test_each_transition_of_each_connection_is_told_by_the_kernel(timeline: Timeline) -> None:
    missing: Counter[str] = Counter()
    for talk in range(CONNECTIONS):
        times = told(timeline, talk)
        for name in ("client SYN-SENT", "client ESTAB", "client CLOSE-WAIT", "client LAST-ACK", "client UNCONN",
                     "server SYN-RECV", "server ESTAB", "server FIN-WAIT-1"):  # fmt: skip
            missing[name] += name not in times
    assert +missing == Counter()


def test_causes_come_before_what_they_bring_about(timeline: Timeline) -> None:
    late = [
        moment
        for moment in timeline.moments
        if moment.cause is not None
        and not isinstance(moment.what, CallMade)  # a call's cause is what ended its wait
        and timeline.moments[moment.cause].time_ns > moment.time_ns
    ]
    assert late == []
    caused = [
        moment for moment in timeline.moments if isinstance(moment.what, SegmentSent) and moment.cause is not None
    ]
    assert len(caused) > CONNECTIONS * 6
