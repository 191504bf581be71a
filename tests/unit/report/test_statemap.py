"""The picture of the TCP state machine, with a connection's way through it."""

from __future__ import annotations

from itertools import pairwise

from lab.report.ink import plain
from lab.report.seen import sightings
from lab.report.statemap import CLOSES, OPENS, MapWords, draw, left_out, visits
from lab.wire.machine import TRANSITIONS, Event, advance
from lab.wire.state import State
from tests.unit.report import builders

WORDS = MapWords(("connects", "listens", "first", "second"), lambda event: event.name)


def drawn() -> list[str]:
    evidence = builders.a_run()
    conversation = evidence.conversation("a")
    assert conversation is not None
    return [plain(line) for line in draw(visits(conversation, sightings(evidence.recording)), WORDS, 80)]


def test_every_state_but_closing_is_on_the_picture() -> None:
    words = set(" ".join(drawn()).split())
    assert {state.value for state in State if state is not State.CLOSED} - words == {"CLOSING"}
    assert "CLOSED" in words


def test_its_ways_are_ways_of_the_table() -> None:
    shown = set()
    for begin, events in (*OPENS, *CLOSES):
        state = begin
        for event in events:
            assert (state, event) in TRANSITIONS
            shown.add((state, event))
            state = advance(state, event)
        assert state in (State.ESTABLISHED, State.CLOSED)
    assert left_out() == len(TRANSITIONS) - len(shown)


def test_who_went_where_and_whether_ss_saw_it() -> None:
    lines = drawn()
    marked = [line for line in lines if "client" in line or "server" in line]
    assert any(line.startswith("SYN-SENT ~  client") for line in marked), "inferred: too short for ss"
    assert any("ESTAB  client" in line and "server" in line for line in marked), "observed on both hosts"
    assert any(line.startswith("TIME-WAIT  server") for line in marked), "observed; this server closed first"
    assert any("CLOSE-WAIT ~  client" in line for line in marked)


def test_the_two_sides_stay_apart() -> None:
    lines = drawn()
    column = lines[0].index("listens")
    for line in lines:
        if "│ " in line[3:]:
            assert line.rindex("│") == column + 2, line
    stems = [line for line in lines if line.strip().startswith(("└", "┌"))]
    assert [len(one) for one, _ in pairwise(stems)] == [len(other) for _, other in pairwise(stems)]


def test_an_event_that_is_not_drawn_is_one_of_the_rarer_ones() -> None:
    drawn_events = {event for _, events in (*OPENS, *CLOSES) for event in events}
    assert {Event.RECEIVE_RST, Event.TIMEOUT_RETRIES, Event.RECEIVE_FIN_AND_ACK_OF_FIN} & drawn_events == set()
