from __future__ import annotations

import pytest

from lab.kernel.trace import Transition
from lab.settings import PORT
from lab.wire.segment import Endpoint
from lab.wire.state import State
from tests.bench.transitions import PATHS, Chain, Step, chains, share_shown, share_told

SERVER = Endpoint("10.0.0.2", PORT)
NOBODY = Endpoint("0.0.0.0", 0)  # noqa: S104 - as the kernel tells of a listener


def client(number: int) -> Endpoint:
    return Endpoint("10.0.0.1", 40_000 + number)


def told(socket: int, local: Endpoint, peer: Endpoint, *steps: Step) -> list[Transition]:
    return [Transition(time_ns, socket, *step, local, peer, 0) for time_ns, step in enumerate(steps)]


def both_ends(number: int, without: tuple[Step, ...] = ()) -> list[Transition]:
    opened, *rest = (
        told(2 * number + side, *ends, *[step for step in PATHS[host] if step not in without])
        for side, (host, ends) in enumerate(
            {"client": (client(number), SERVER), "server": (SERVER, client(number))}.items()
        )
    )
    # A client's port is not chosen when its first change is told.
    nameless = opened[0]._replace(local=opened[0].local._replace(port=0))
    return [nameless, *opened[1:], *rest[0]]


LISTENS = told(99, SERVER, NOBODY, (State.CLOSED, State.LISTEN))


def test_each_socket_of_a_connection_has_its_chain() -> None:
    assert chains([*LISTENS, *both_ends(0)]) == [
        Chain("client", client(0), PATHS["client"]),
        Chain("server", client(0), PATHS["server"]),
    ]


def test_an_address_that_the_kernel_gives_out_again_is_another_socket() -> None:
    again = [each._replace(socket=0, local=client(1)) for each in both_ends(1)[:5]]
    assert [chain.client for chain in chains([*both_ends(0)[:5], *again])] == [client(0), client(1)]


def test_all_that_was_told_is_all() -> None:
    assert share_told(chains([*LISTENS, *both_ends(0), *both_ends(1)]), 2) == 100


@pytest.mark.parametrize("missing", [*PATHS["client"], *PATHS["server"]])
def test_one_step_of_one_connection_that_is_missing_is_missed(missing: Step) -> None:
    found = chains([*LISTENS, *both_ends(0), *both_ends(1, without=(missing,))])
    assert share_told(found, 2) == pytest.approx(95)


def test_a_connection_that_nothing_was_told_of_is_missed() -> None:
    assert share_told(chains(both_ends(0)), 4) == pytest.approx(25)


def test_a_stranger_does_not_stand_in_for_what_is_missing() -> None:
    first = PATHS["client"][0]
    found = chains([*both_ends(0), *both_ends(1, without=(PATHS["client"][4],)), *told(9, client(7), SERVER, first)])
    assert share_told(found, 2) == pytest.approx(95)


def test_what_ss_showed_is_counted_by_connection_end_and_state() -> None:
    found = chains(both_ends(0))
    look = f"ESTAB 0 0 {client(0)} {SERVER}\nLISTEN 0 5 {SERVER} 0.0.0.0:*\nTIME-WAIT 0 0 {client(3)} {SERVER}\n"
    # Four states at each end, of which two looks at the client showed one.
    assert share_shown(found, [("client", look), ("client", look)]) == pytest.approx(100 / 8)
    other = f"FIN-WAIT-2 0 0 {SERVER} {client(0)}\n"
    assert share_shown(found, [("client", look), ("server", other)]) == pytest.approx(200 / 8)
    assert share_shown(found, []) == 0


def test_a_queue_that_ss_shows_below_zero_is_no_hindrance() -> None:
    look = f"SYN-SENT 0 -860916412 {client(0)} {SERVER}\n"
    assert share_shown(chains(both_ends(0)), [("client", look)]) == pytest.approx(100 / 8)
