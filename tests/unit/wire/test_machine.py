from __future__ import annotations

import pytest

from lab.wire.machine import TRANSITIONS, Event, IllegalTransitionError, advance, diagram
from lab.wire.state import State


def path(start: State, *events: Event) -> list[State]:
    states = [start]
    for event in events:
        states.append(advance(states[-1], event))
    return states[1:]


@pytest.mark.parametrize(
    ("start", "events", "expected"),
    [
        pytest.param(
            State.CLOSED,
            [Event.SEND_SYN, Event.RECEIVE_SYN_ACK, Event.SEND_FIN, Event.RECEIVE_ACK_OF_FIN, Event.RECEIVE_FIN,
             Event.TIMEOUT_2MSL],
            [State.SYN_SENT, State.ESTABLISHED, State.FIN_WAIT_1, State.FIN_WAIT_2, State.TIME_WAIT, State.CLOSED],
            id="who opens and closes first",
        ),
        pytest.param(
            State.CLOSED,
            [Event.OPEN_PASSIVE, Event.RECEIVE_SYN, Event.RECEIVE_ACK_OF_SYN, Event.RECEIVE_FIN, Event.SEND_FIN,
             Event.RECEIVE_ACK_OF_FIN],
            [State.LISTEN, State.SYN_RECEIVED, State.ESTABLISHED, State.CLOSE_WAIT, State.LAST_ACK, State.CLOSED],
            id="who listens and closes second",
        ),
        pytest.param(
            State.CLOSED,
            [Event.SEND_SYN, Event.RECEIVE_SYN, Event.RECEIVE_SYN_ACK, Event.SEND_FIN, Event.RECEIVE_FIN,
             Event.RECEIVE_ACK_OF_FIN],
            [State.SYN_SENT, State.SYN_RECEIVED, State.ESTABLISHED, State.FIN_WAIT_1, State.CLOSING, State.TIME_WAIT],
            id="both at once",
        ),
        pytest.param(
            State.FIN_WAIT_1, [Event.RECEIVE_FIN_AND_ACK_OF_FIN], [State.TIME_WAIT], id="a close in three segments"
        ),
        pytest.param(
            State.SYN_RECEIVED, [Event.RECEIVE_RST_WHILE_LISTENING], [State.LISTEN], id="a half-open one is reset"
        ),
    ],
)  # fmt: skip
def test_the_paths_of_rfc_9293(start: State, events: list[Event], expected: list[State]) -> None:
    assert path(start, *events) == expected


def test_an_illegal_transition_names_event_and_state() -> None:
    with pytest.raises(IllegalTransitionError, match=r"RECEIVE_SYN_ACK .* TIME_WAIT") as caught:
        advance(State.TIME_WAIT, Event.RECEIVE_SYN_ACK)
    assert (caught.value.state, caught.value.event) == (State.TIME_WAIT, Event.RECEIVE_SYN_ACK)


def test_every_state_can_be_reached_from_closed_and_leads_back_to_it() -> None:
    forward, backward = {State.CLOSED}, {State.CLOSED}
    for _ in State:
        forward |= {following for (state, _), following in TRANSITIONS.items() if state in forward}
        backward |= {state for (state, _), following in TRANSITIONS.items() if following in backward}
    assert forward == set(State)
    assert backward == set(State)


def test_every_event_is_in_the_table_and_time_wait_ends_only_by_time_or_rst() -> None:
    assert {event for _, event in TRANSITIONS} == set(Event)
    assert {event for state, event in TRANSITIONS if state is State.TIME_WAIT} == {
        Event.TIMEOUT_2MSL, Event.SEND_RST, Event.RECEIVE_RST,
    }  # fmt: skip


def test_the_diagram_is_drawn_from_the_table() -> None:
    drawn = diagram()
    assert drawn.startswith("stateDiagram-v2\n")
    assert '    state "FIN-WAIT-1" as FIN_WAIT_1\n' in drawn
    assert "    FIN_WAIT_1 --> TIME_WAIT: receive FIN and ACK of FIN\n" in drawn
    assert "RST" not in drawn.replace("receive RST for a half-open", "")
    moves = sum(state != following for (state, _), following in TRANSITIONS.items())
    assert diagram(endings=True).count("-->") == moves
