"""The TCP state machine of RFC 9293 (figure 5 and section 3.10.7) as a table of data.

How states are told from a capture, in four modules, each of which uses only those before it:

- `state`: the names of the states, as RFC 9293 and `ss` have them.
- `machine` (this one): which event leads from which state to which. TRANSITIONS says all of it; what is not in it must
  not happen. It knows neither segments nor time, and `diagram` draws it.
- `foresight`: a capture shows what was sent, not what its receiver made of it. A SYN that met a full accept queue, an
  ACK that was dropped, a FIN that crossed another: only what came later tells. `foresee` reads the whole conversation
  first and says which of them took effect, and where.
- `infer`: plays the segments to both ends, one after another. Each segment becomes the events that it is to its sender
  (SEND_FIN) and, as far as foresight says that it took effect, to its receiver (RECEIVE_FIN); `advance` gives the
  states that follow. What the table refuses is marked as unexplained, and changes nothing. What was not captured, but
  must have happened, is supposed and marked `from_less`: data of an end in SYN-SENT proves a SYN-ACK that is missing.

Which segments belong to the connection at all, `placing` has decided before: copies of a packet, RSTs and
acknowledgements of another connection, and numbers that lie nowhere near are played to nobody.

For use: `infer` and `durations` for a conversation; TRANSITIONS, `advance` and `diagram` for the machine itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from lab.wire.state import State

__all__ = ["TRANSITIONS", "Event", "IllegalTransitionError", "State", "advance", "diagram"]


class Event(StrEnum):
    """Something that happens to one end of a connection; the value says it in a few words."""

    OPEN_PASSIVE = "listen"
    SEND_SYN = "send SYN"
    SEND_FIN = "send FIN"
    SEND_RST = "send RST"
    CLOSE = "close before the handshake"
    RECEIVE_SYN = "receive SYN"
    RECEIVE_SYN_ACK = "receive SYN and ACK of SYN"
    RECEIVE_ACK_OF_SYN = "receive ACK of SYN"
    RECEIVE_FIN = "receive FIN"
    RECEIVE_ACK_OF_FIN = "receive ACK of FIN"
    RECEIVE_FIN_AND_ACK_OF_FIN = "receive FIN and ACK of FIN"
    RECEIVE_RST = "receive RST"
    RECEIVE_RST_WHILE_LISTENING = "receive RST for a half-open connection of a listener"
    TIMEOUT_RETRIES = "give up retransmitting"
    TIMEOUT_2MSL = "2 MSL pass"


TRANSITIONS: Final[Mapping[tuple[State, Event], State]] = MappingProxyType(
    {
        # Opening
        (State.CLOSED, Event.OPEN_PASSIVE): State.LISTEN,
        (State.CLOSED, Event.SEND_SYN): State.SYN_SENT,
        (State.LISTEN, Event.SEND_SYN): State.SYN_SENT,
        (State.LISTEN, Event.RECEIVE_SYN): State.SYN_RECEIVED,
        (State.LISTEN, Event.CLOSE): State.CLOSED,
        (State.SYN_SENT, Event.RECEIVE_SYN_ACK): State.ESTABLISHED,
        (State.SYN_SENT, Event.CLOSE): State.CLOSED,
        (State.SYN_RECEIVED, Event.RECEIVE_ACK_OF_SYN): State.ESTABLISHED,
        # Opening from both sides at once (figure 7)
        (State.SYN_SENT, Event.RECEIVE_SYN): State.SYN_RECEIVED,
        (State.SYN_RECEIVED, Event.RECEIVE_SYN_ACK): State.ESTABLISHED,
        # Closing first
        (State.SYN_RECEIVED, Event.SEND_FIN): State.FIN_WAIT_1,
        (State.ESTABLISHED, Event.SEND_FIN): State.FIN_WAIT_1,
        (State.FIN_WAIT_1, Event.RECEIVE_ACK_OF_FIN): State.FIN_WAIT_2,
        (State.FIN_WAIT_2, Event.RECEIVE_FIN): State.TIME_WAIT,
        (State.FIN_WAIT_1, Event.RECEIVE_FIN_AND_ACK_OF_FIN): State.TIME_WAIT,
        (State.TIME_WAIT, Event.TIMEOUT_2MSL): State.CLOSED,
        # Closing second
        (State.SYN_RECEIVED, Event.RECEIVE_FIN): State.CLOSE_WAIT,
        (State.ESTABLISHED, Event.RECEIVE_FIN): State.CLOSE_WAIT,
        (State.CLOSE_WAIT, Event.SEND_FIN): State.LAST_ACK,
        (State.LAST_ACK, Event.RECEIVE_ACK_OF_FIN): State.CLOSED,
        # Closing from both sides at once (figure 13)
        (State.FIN_WAIT_1, Event.RECEIVE_FIN): State.CLOSING,
        (State.CLOSING, Event.RECEIVE_ACK_OF_FIN): State.TIME_WAIT,
        # Resetting: what has no connection ignores a RST and may answer a stray segment with one (3.10.7.1, 3.10.7.2)
        (State.CLOSED, Event.SEND_RST): State.CLOSED,
        (State.CLOSED, Event.RECEIVE_RST): State.CLOSED,
        (State.LISTEN, Event.SEND_RST): State.LISTEN,
        (State.LISTEN, Event.RECEIVE_RST): State.LISTEN,
        (State.SYN_SENT, Event.SEND_RST): State.CLOSED,
        (State.SYN_SENT, Event.RECEIVE_RST): State.CLOSED,
        (State.SYN_RECEIVED, Event.SEND_RST): State.CLOSED,
        (State.SYN_RECEIVED, Event.RECEIVE_RST): State.CLOSED,
        (State.SYN_RECEIVED, Event.RECEIVE_RST_WHILE_LISTENING): State.LISTEN,
        (State.ESTABLISHED, Event.SEND_RST): State.CLOSED,
        (State.ESTABLISHED, Event.RECEIVE_RST): State.CLOSED,
        (State.FIN_WAIT_1, Event.SEND_RST): State.CLOSED,
        (State.FIN_WAIT_1, Event.RECEIVE_RST): State.CLOSED,
        (State.FIN_WAIT_2, Event.SEND_RST): State.CLOSED,
        (State.FIN_WAIT_2, Event.RECEIVE_RST): State.CLOSED,
        (State.CLOSE_WAIT, Event.SEND_RST): State.CLOSED,
        (State.CLOSE_WAIT, Event.RECEIVE_RST): State.CLOSED,
        (State.CLOSING, Event.SEND_RST): State.CLOSED,
        (State.CLOSING, Event.RECEIVE_RST): State.CLOSED,
        (State.LAST_ACK, Event.SEND_RST): State.CLOSED,
        (State.LAST_ACK, Event.RECEIVE_RST): State.CLOSED,
        (State.TIME_WAIT, Event.SEND_RST): State.CLOSED,
        (State.TIME_WAIT, Event.RECEIVE_RST): State.CLOSED,
        # Giving up (the user timeout of 3.10.8)
        (State.SYN_SENT, Event.TIMEOUT_RETRIES): State.CLOSED,
        (State.SYN_RECEIVED, Event.TIMEOUT_RETRIES): State.CLOSED,
        (State.ESTABLISHED, Event.TIMEOUT_RETRIES): State.CLOSED,
        (State.FIN_WAIT_1, Event.TIMEOUT_RETRIES): State.CLOSED,
        (State.CLOSE_WAIT, Event.TIMEOUT_RETRIES): State.CLOSED,
        (State.CLOSING, Event.TIMEOUT_RETRIES): State.CLOSED,
        (State.LAST_ACK, Event.TIMEOUT_RETRIES): State.CLOSED,
    }
)
"""(state, event) to the state that follows; what is not here must not happen."""


class IllegalTransitionError(Exception):
    """An event that cannot happen in a state; a defect of the caller, never shown to a learner."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"{event.name} ({event}) cannot happen in {state.name}")
        self.state = state
        self.event = event


def advance(state: State, event: Event) -> State:
    """Return the state that follows; IllegalTransitionError names event and state when the table has none."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransitionError(state, event) from None


_ENDINGS: Final = frozenset({Event.SEND_RST, Event.RECEIVE_RST, Event.TIMEOUT_RETRIES})


def diagram(*, endings: bool = False) -> str:
    """Return the machine as a Mermaid state diagram; resets and giving up only with `endings`.

    Without them it is figure 5 of RFC 9293, which leaves the resets out too: nearly every state has one.
    """
    lines = ["stateDiagram-v2", *(f'    state "{state.value}" as {state.name}' for state in State)]
    for (state, event), following in TRANSITIONS.items():
        if state != following and (endings or event not in _ENDINGS):
            lines.append(f"    {state.name} --> {following.name}: {event.value}")
    return "\n".join(lines) + "\n"
