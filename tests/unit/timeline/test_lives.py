"""Which connection a socket's life was an end of, where ports alone do not tell."""

from __future__ import annotations

import pytest

from lab.kernel.trace import Transition
from lab.timeline.connections import join
from lab.timeline.lives import lives_of
from lab.wire.segment import Endpoint
from tests.unit.judge.builders import SERVER, A, Talk, capture, evidence
from tests.unit.timeline.builders import CLIENT_ENDS, SERVER_ENDS, kernel, transition

SECOND_US = 1e6
NAMELESS = (Endpoint(A.address, 0), SERVER)


def assigned(begins: list[tuple[float, Endpoint, int]], *changes: Transition) -> list[tuple[int, int | None]]:
    """Return each life's socket and talk; connections begin at so many µs, from that end, with that ISN."""
    frames = []
    for us, client, isn in begins:
        talk = Talk(client=client, next={">": isn, "<": 5000})
        talk.begun_ns += round(us * 1000)
        frames += talk.frames("> S")
    joined = join(evidence(captures=(capture("client", frames=frames),)))
    lives = lives_of(kernel(transitions=changes).trace, joined, {SERVER.address: "server", A.address: "client"})
    return [(life.socket, life.talk) for life in lives.all]


def test_sockets_that_were_never_told_their_port_take_the_next_connections_in_turn() -> None:
    begins = [(number * 2000.0, Endpoint(A.address, 50_000 + number), 7) for number in range(4)]
    named = transition(2000 + 5, 2, "SYN-SENT", "UNCONN", (Endpoint(A.address, 50_001), SERVER))
    changes = [transition(number * 2000.0 - 5, number, "UNCONN", "SYN-SENT", NAMELESS) for number in (1, 2, 3)]
    # 1 begins after the first connection, whose second is told to be 2's: it takes the third, and 3 the fourth.
    assert assigned(begins, changes[0], changes[1]._replace(time_ns=changes[0].time_ns + 1), named, changes[2]) == [
        (1, 2),
        (2, 1),
        (3, 3),
    ]


def test_a_socket_without_a_connection_has_none() -> None:
    late = transition(SECOND_US, 1, "UNCONN", "SYN-SENT", NAMELESS)
    assert assigned([(0, A, 7)], late) == [(1, None)]


@pytest.mark.parametrize("turn", [0, 1, 2])
def test_ports_that_come_again_are_told_apart_by_time(turn: int) -> None:
    begins = [(number * SECOND_US, A, 1000 * number) for number in range(3)]
    client = transition(turn * SECOND_US + 14, 1, "SYN-SENT", "ESTAB", CLIENT_ENDS)
    opened = transition(turn * SECOND_US - 5, 1, "UNCONN", "SYN-SENT", NAMELESS)
    accepted = transition(turn * SECOND_US + 24, 2, "LISTEN", "SYN-RECV", SERVER_ENDS)
    assert assigned(begins, opened, client, accepted) == [(1, turn), (2, turn)]
