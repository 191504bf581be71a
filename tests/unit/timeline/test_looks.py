"""Where and when `ss` showed a socket."""

from __future__ import annotations

import pytest

from lab.recording.saved import SavedSnapshot
from lab.timeline.looks import Looks, looks_of
from lab.wire.state import State
from tests.unit.judge.builders import BEGUN, SERVER, A, B, evidence, row, snapshot

HERE = (A, SERVER)


def look(number: int, *rows: str) -> SavedSnapshot:
    begun = BEGUN + number * 10
    return snapshot(f"look{number}", "client", *rows, begun_ns=begun, ended_ns=begun + 5)


def looks(*shown: str) -> Looks:
    """Return looks at the client, ten ns apart: each shows a socket in that state, or another one alone."""
    other = row("ESTAB", 0, 0, B, SERVER)
    snapshots = [look(n, row(state, 0, n, A, SERVER) if state else other) for n, state in enumerate(shown)]
    return looks_of(evidence(snapshots=tuple(snapshots), samplings=()).recording)


def test_only_the_looks_that_show_a_socket_are_yielded_with_its_row() -> None:
    found = [*looks("", "ESTAB", "", "TIME-WAIT").showing("client", *HERE)]
    assert [(seen.begun_ns - BEGUN, row.state, row.send_q) for seen, row in found] == [
        (10, State.ESTABLISHED, 1),
        (30, State.TIME_WAIT, 3),
    ]
    assert [*looks("ESTAB").showing("server", *HERE)] == []


@pytest.mark.parametrize(
    ("shown", "since", "until", "expected"),
    [
        (("", "TIME-WAIT", "TIME-WAIT", ""), 0, 99, (20, 30)),
        (("TIME-WAIT", "", "TIME-WAIT", ""), 0, 99, (0, 10)),
        (("TIME-WAIT", "", "TIME-WAIT", ""), 1, 99, (20, 30)),
        (("TIME-WAIT", "TIME-WAIT", ""), 5, 99, (10, 20)),
        (("TIME-WAIT", "TIME-WAIT", ""), 0, 20, None),
        (("TIME-WAIT", "TIME-WAIT"), 0, 99, None),
        (("", ""), 0, 99, None),
        ((), 0, 99, None),
    ],
)
def test_a_socket_vanishes_between_the_last_look_that_shows_it_and_the_next(
    shown: tuple[str, ...], since: int, until: int, expected: tuple[int, int] | None
) -> None:
    found = looks(*shown).vanishing("client", HERE, BEGUN + since, BEGUN + until)
    assert (found and tuple(seen.begun_ns - BEGUN for seen in found)) == expected
