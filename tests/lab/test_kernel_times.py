"""What the glossary says of the kernel's clocks, on the real kernel: resends, probes, delayed acknowledgements."""

from __future__ import annotations

import errno
import re
import socket
import statistics
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import pytest

from lab.loading import load_exercise
from lab.text.catalog import LANGUAGES
from lab.wire.segment import Segment
from tests.lab.loopback import SERVER, Counts, Host, Wire, counts, deaf, explains, one_host, settle, told
from tests.support import eventually, needs_root

pytestmark = needs_root
ROUNDS: Final = 15


@pytest.fixture
def host() -> Iterator[Host]:
    with one_host() as made:
        yield made


def talking(host: Host, least_s: float) -> tuple[socket.socket, socket.socket]:
    """Return a connection whose client knows the round trip and waits at least so long for an acknowledgement.

    Its segments go at once, and nothing is on its way.
    """
    host.least_rto(least_s)
    client, server = host.pair(host.listener())
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for _ in range(3):
        client.send(b"x")
        server.recv(1)
    settle(client)
    return client, server


def data(segment: Segment) -> bool:
    return segment.length > 0


# ---- W4: what the timer's last number counts ----


def test_the_first_resend_is_no_timeout_and_the_second_wait_is_not_doubled(host: Host) -> None:
    client, server = talking(host, 0.4)
    probes, timeouts = host.count("TcpExtTCPLossProbes"), host.count("TcpExtTCPTimeouts")
    wire = host.wire()
    deaf(server)
    client.send(b"lost")
    assert eventually(lambda: len(wire.sent(client, data)) >= 4)
    first, second, third = (later.time_ns - before.time_ns for before, later in pairwise(wire.sent(client, data)[:4]))
    assert (abs(second - first) < first / 2, third > 1.5 * second) == (True, True), (first, second, third)
    now = counts(client)
    assert (host.count("TcpExtTCPLossProbes") - probes, now.timeouts) == (1, now.resends - 1)
    assert host.count("TcpExtTCPTimeouts") - timeouts >= now.timeouts
    explains("retransmission", "200", "0")


def test_of_several_segments_the_last_goes_again_at_once_and_the_timer_stays_at_0(host: Host) -> None:
    client, server = talking(host, 15)
    wire = host.wire()
    deaf(server)
    for _ in range(3):
        client.send(b"lost")
    assert eventually(lambda: counts(client).resends == 1, pause=0.001)
    shown = host.ss("-Htanoi", f"sport = :{client.getsockname()[1]}")
    assert re.search(r"timer:\(on,[^,]*,0\)", shown), shown
    assert " retrans:0/1" in shown
    first, _, last, again = wire.sent(client, data)
    assert again.seq == last.seq
    assert again.time_ns - first.time_ns < 1e9, "5 to 7 ms on a machine that is not busy, and 15 s for a time-out"
    assert counts(client) == Counts(0, 1)
    explains("timer", "retrans:0/1")


def test_persist_counts_probes_without_an_answer(host: Host) -> None:
    client, server = host.pair(host.listener())
    # Else a peer answers such probes no oftener than twice a second, and the next one finds the last one unanswered.
    assert host.sysctl("tcp_invalid_ratelimit", 0)
    client.settimeout(0)
    while not isinstance(told(lambda: client.send(bytes(65536))), str):
        pass
    probed = host.count("TcpExtTCPWinProbe")
    assert eventually(lambda: host.count("TcpExtTCPWinProbe") >= probed + 2)
    assert unanswered(host, client) == ("persist", 0), "each probe was answered: the window is shut"
    deaf(server)
    assert eventually(lambda: unanswered(host, client) >= ("persist", 1))


def unanswered(host: Host, end: socket.socket) -> tuple[str, int]:
    """Return the name and the last number of the timer in an end's row."""
    timer = host.row(end).timer
    return (timer.name, timer.unanswered) if timer else ("", 0)


def test_keepalive_counts_probes_without_an_answer(host: Host) -> None:
    client, server = host.pair(host.listener())
    for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL):
        client.setsockopt(socket.IPPROTO_TCP, option, 1)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    assert unanswered(host, client) == ("keepalive", 0)
    deaf(server)
    assert eventually(lambda: unanswered(host, client) >= ("keepalive", 1))


def test_persist_runs_for_bytes_that_are_held_back(host: Host) -> None:
    host.least_rto(15)  # after that the kernel sends them all the same
    client, _ = host.pair(host.listener())
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
    client.send(b"held")
    assert unanswered(host, client) == ("persist", 0)


def test_persist_runs_without_a_route(host: Host) -> None:
    host.ip("address add 10.9.9.1/32 dev lo")
    listener = host.tcp()
    listener.bind(("10.9.9.1", 8000))
    listener.listen()
    client = host.tcp()
    client.connect(listener.getsockname())
    host.ip("address del 10.9.9.1/32 dev lo")
    assert client.send(b"held") == len(b"held"), "nobody is told"
    assert eventually(lambda: unanswered(host, client) >= ("persist", 2))
    explains("timer", "persist", "TCP_CORK")


# ---- W7: SYNs, delayed acknowledgements ----


def test_the_first_five_syns_go_again_a_second_apart(host: Host) -> None:
    with one_host() as other:
        # Since Linux 6.5, commit ccce324dabfe; before, every wait doubles, as with 0 now.
        known = host.sysctl("tcp_syn_linear_timeouts", 4)
        other.sysctl("tcp_syn_linear_timeouts", 0)
        by_second, doubling = unanswered_syns(host), unanswered_syns(other)
        number = 6 if known else 3
        assert eventually(lambda: len(by_second.heard()) >= number and len(doubling.heard()) >= 3)
        until = by_second.heard()[number - 1].time_ns + 1e9
        assert len([each for each in doubling.heard() if each.time_ns < until]) == 3, "at 0, 1 and 3 s; then at 7 s"
    explains("syn-sent", "tcp_syn_linear_timeouts", "6.5")


def unanswered_syns(host: Host) -> Wire:
    """Let a client connect whose SYNs are dropped; return what hears them."""
    wire = host.wire()
    deaf(host.listener())
    client = host.tcp()
    client.settimeout(0)
    assert client.connect_ex(SERVER) == errno.EINPROGRESS
    return wire


def test_an_acknowledgement_may_be_delayed_40_ms_and_up_to_a_tick_more(host: Host) -> None:
    client, server = host.pair(host.listener())
    wire = host.wire()
    for _ in range(ROUNDS):
        # What the kernel does by itself once it takes the two for a dialogue.
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
        client.send(b"x")
        server.recv(1)
        settle(client)
    sent, answers = wire.sent(client, data), wire.sent(server)
    waits = [(late.time_ns - early.time_ns) / 1e6 for early, late in zip(sent, answers, strict=True)]
    assert min(waits) > 39.9
    assert statistics.median(waits) < 40 + 10 + 5, "a tick is 1 to 10 ms"
    for language in LANGUAGES:
        assert "44" in load_exercise(3).texts(language).get("steps.talks.why")
