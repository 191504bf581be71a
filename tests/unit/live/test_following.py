"""What is told of a run while it happens: each thing once, in its order, whatever the pieces in which it is heard."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from lab.live.follower import CALM, MOST
from lab.live.news import Part
from lab.timeline.model import CallMade, Lane, SegmentSent, Source, StateChange
from lab.wire.state import State
from tests.records import timeline_of
from tests.unit.live.builders import (
    NOTHING,
    SECOND,
    STANDING,
    Happened,
    connections,
    hear,
    letters,
    news,
    notes,
    programs,
)
from tests.unit.timeline.builders import (
    CLIENT_FIRST,
    CLIENT_PID,
    CLIENT_SOCKET,
    LISTENS,
    OPEN,
    SERVER_BEGINS,
    SERVER_PID,
    TALK,
    Wire,
    at,
    call,
    kernel,
    run,
)

US = 1_000
PIECES = (7 * US, 50 * US, 400 * US, 3_000 * US)
WHOLE_RUN = Happened.of(run(record=kernel()))

ORDER = (
    ("LISTEN server", "begin connect"),
    ("begin connect", "SYN-SENT client"),
    ("SYN-SENT client", "S"),
    ("S", "S."),
    ("S.", "ESTAB client"),
    ("ESTAB client", "."),
    (".", "ESTAB server"),
    ("ESTAB server", "whole accept"),
    ("begin connect", "return connect"),
)


@pytest.mark.parametrize("every_ns", PIECES)
def test_everything_is_told_once_in_its_order(every_ns: int) -> None:
    items, _ = hear(WHOLE_RUN, every_ns)
    told = news(items)
    timeline = timeline_of(run(record=kernel()))
    segments = [one.moment.what for one in told if isinstance(one.moment.what, SegmentSent)]
    assert segments == [moment.what for moment in timeline.moments if isinstance(moment.what, SegmentSent)]
    calls = Counter(
        one.moment.time_ns for one in told if isinstance(one.moment.what, CallMade) and one.part is not Part.BEGIN
    )
    assert calls == Counter(
        moment.time_ns for moment in timeline.moments if isinstance(moment.what, CallMade) and moment.ended_ns
    )
    place = {letters(one): number for number, one in reversed([*enumerate(told)])}
    assert [pair for pair in ORDER if place[pair[0]] > place[pair[1]]] == []
    assert [one.time_ns for one in told] == sorted(one.time_ns for one in told)
    states = [letters(one) for one in told if isinstance(one.moment.what, StateChange)]
    assert states == ["LISTEN server", "SYN-SENT client", "SYN-RECV server", "ESTAB client", "ESTAB server"]


@pytest.mark.parametrize("every_ns", PIECES)
def test_programs_are_named_when_they_are_first_seen(every_ns: int) -> None:
    items, _ = hear(WHOLE_RUN, every_ns)
    assert programs(items) == [("serve_blocking", "server"), ("prompt", "client")]
    named = {one.program for one in news(items) if isinstance(one.moment.what, CallMade)}
    assert named == {"serve_blocking", "prompt"}


def waiting(us: float) -> Happened:
    """Return a run whose accept() waits so long."""
    accept = call(-790, us, SERVER_PID, "accept4", 3, None)
    calls = (*SERVER_BEGINS[:-1], accept)
    return Happened.of(run(*OPEN, wire=Wire(), record=kernel(calls=calls)))


def test_a_call_that_waits_long_is_told_to_wait_and_again_when_it_returns() -> None:
    happened = waiting(2_500_000)
    items, _ = hear(happened, 50_000 * US)
    accept = [one for one in news(items) if isinstance(one.moment.what, CallMade) and one.moment.what.name == "accept"]
    assert [one.part for one in accept] == [Part.WAITS, Part.RETURN]
    assert accept[0].time_ns == accept[0].moment.time_ns + SECOND
    assert accept[1].time_ns == accept[1].moment.ended_ns == accept[1].moment.time_ns + 2_500_000 * US
    assert accept[0].moment.lane is Lane.SERVER_CALLS


def test_a_call_that_waits_for_an_hour_is_told_to_wait_once() -> None:
    items, follower = hear(waiting(3_600_000_000), 5 * SECOND)
    told = [letters(one) for one in news(items) if letters(one).endswith("accept")]
    assert told == ["waits accept", "return accept"]
    assert follower._window.size < 30  # noqa: SLF001 - what it remembers is what this is about


def test_a_call_that_waits_shortly_is_told_when_it_returns() -> None:
    items, _ = hear(waiting(300_000), 100_000 * US)
    accept = [one for one in news(items) if letters(one).endswith("accept")]
    assert [(one.part, one.time_ns) for one in accept] == [(Part.WHOLE, at(-790 + 300_000))]


def test_connect_is_told_before_its_syn_even_when_nobody_answers() -> None:
    connect = call(-6, None, CLIENT_PID, "connect", 3, None, CLIENT_SOCKET)
    sent = kernel().trace.transitions[1:2]
    trace = kernel(calls=(connect,), transitions=sent)
    items, _ = hear(Happened.of(run("> S", wire=Wire(lost=(0,)), record=trace)), 100 * US, until_ns=at(5_000))
    assert [letters(one) for one in news(items)] == ["begin connect", "SYN-SENT client", "S"]


def test_without_the_kernel_states_are_inferred_and_there_are_no_calls() -> None:
    items, _ = hear(Happened.of(run(*OPEN, *TALK, *CLIENT_FIRST)), 50 * US)
    told = news(items)
    assert not any(isinstance(one.moment.what, CallMade) for one in told)
    states = [one for one in told if isinstance(one.moment.what, StateChange)]
    assert {one.moment.source for one in states} == {Source.INFERRED}
    assert [letters(one) for one in states if "client" in letters(one)] == [
        "SYN-SENT client", "ESTAB client", "FIN-WAIT-1 client", "FIN-WAIT-2 client", "TIME-WAIT client",
    ]  # fmt: skip


def test_calls_of_another_lab_are_not_told_and_fill_nothing() -> None:
    strangers = tuple(call(number, 1, 9000 + number % 3, "recvfrom", 4, 5, 0xDDD0) for number in range(5000))
    trace = kernel().trace
    calls = tuple(sorted((*trace.calls, *strangers), key=lambda one: one.begun_ns))
    items, follower = hear(Happened.of(run(record=kernel(calls=calls))), 400 * US)
    assert {one.moment.what.pid for one in news(items) if isinstance(one.moment.what, CallMade)} == {
        SERVER_PID,
        CLIENT_PID,
    }
    assert notes(items) == []
    assert follower._window.size < 100  # noqa: SLF001


def test_a_stranger_who_has_the_address_of_a_socket_before_or_after_it_is_one_all_the_same() -> None:
    closed = [
        each._replace(time_ns=at(90), old=each.new, new=State.CLOSED)
        for each in kernel().trace.transitions
        if each.new == "ESTAB"
    ]
    before = [call(-4000 + number, 1, 9001, "recvfrom", 4, 5, CLIENT_SOCKET) for number in range(3900)]
    after = [call(95 + number, 1, 9000, "recvfrom", 4, 5, CLIENT_SOCKET) for number in range(3900)]
    trace = kernel(calls=(*before, *kernel().trace.calls, *after), transitions=(*kernel().trace.transitions, *closed))
    items, follower = hear(Happened.of(run(record=trace)), SECOND // 5)
    assert notes(items) == []
    assert follower._window.size < 100  # noqa: SLF001


def test_calls_in_vain_are_told_three_times_and_then_counted() -> None:
    polls = [
        one
        for number in range(100)
        for one in (
            call(number * 20_000, 1, SERVER_PID, "accept4", 3, -11),
            call(number * 20_000 + 10, 10_000, SERVER_PID, "clock_nanosleep", None, 0),
        )
    ]
    found = call(2_000_000, 1, SERVER_PID, "accept4", 3, 4)
    calls = (*SERVER_BEGINS[:-1], *polls, found)
    happened = Happened({"server": (), "client": ()}, replace(NOTHING, transitions=LISTENS, calls=calls))
    items, _ = hear(happened, 100_000 * US)
    told = [one for one in news(items) if isinstance(one.moment.what, CallMade) and one.time_ns > at(-1)]
    assert [letters(one) for one in told] == [
        *["whole accept", "whole sleep"] * 3, "again sleep", "again sleep", "whole accept",
    ]  # fmt: skip
    goes_on, over = (one.again for one in told if one.again)
    assert goes_on
    assert over
    assert (goes_on.goes_on, over.goes_on) == (True, False)
    assert SECOND <= goes_on.ended_ns - goes_on.begun_ns < 2 * SECOND
    assert (over.times, over.begun_ns) == (100, at(0))


def test_a_server_that_stood_before_is_known() -> None:
    trace = kernel().trace
    # All that the kernel tells of it after the telling began: its accept, and what follows.
    later = replace(
        trace,
        transitions=tuple(each for each in trace.transitions if each.time_ns > at(-100)),
        calls=tuple(
            each for each in trace.calls if each.name not in ("socket", "bind", "listen") or each.pid == CLIENT_PID
        ),
        started=tuple(each for each in trace.started if each.pid == CLIENT_PID),
    )
    items, _ = hear(Happened(WHOLE_RUN.segments, later), 50 * US, standing=STANDING)
    accept = next(one for one in news(items) if letters(one) == "whole accept")
    assert (accept.program, accept.moment.lane, accept.moment.host) == ("serve_blocking", Lane.SERVER_CALLS, "server")
    assert accept.talk is not None
    assert programs(items) == [("prompt", "client")]


def test_the_end_of_a_server_that_stood_before_is_told() -> None:
    closed = LISTENS[0]._replace(time_ns=at(500), old=State.LISTEN, new=State.CLOSED, socket=0xEEE0)
    trace = replace(NOTHING, transitions=(closed,), calls=(call(499, 3, SERVER_PID, "close", 3, 0, 0xEEE0),))
    items, _ = hear(Happened({"server": (), "client": ()}, trace), 100 * US, standing=STANDING, until_ns=at(900))
    assert [letters(one) for one in news(items)] == ["whole close", "UNCONN server"]
    assert {str(one.listener) for one in news(items) if one.listener} == {"192.168.1.102:8000"}


def test_a_connection_that_is_over_is_forgotten() -> None:
    # One each second.
    short = connections(120, SECOND)
    items, follower = hear(short, SECOND // 4, standing=STANDING)
    told = Counter(letters(one) for one in news(items))
    assert (told["S"], told["ESTAB server"], told["whole accept"]) == (120, 120, 120)
    assert told["TIME-WAIT server"] == 120
    assert notes(items) == []
    assert follower._window.size < 100  # noqa: SLF001
    assert len(follower._window.trace().transitions) < 60  # noqa: SLF001


def test_ports_that_come_again_are_another_connection() -> None:
    once, again = connections(1, SECOND), connections(1, SECOND)
    later = 3 * SECOND
    segments = {
        host: (
            *some,
            *(
                each._replace(time_ns=each.time_ns + later, number=each.number + 7, seq=each.seq + 77_000)
                for each in again.segments[host]
            ),
        )
        for host, some in once.segments.items()
    }
    items, _ = hear(Happened(segments, NOTHING), SECOND // 4)
    assert Counter(letters(one) for one in news(items))["SYN-SENT client"] == 2


def test_more_than_anybody_reads_is_counted_and_the_next_is_told_again() -> None:
    flood = connections(2000, 50 * US)
    last_ns = flood.times()[-1]
    later = connections(1, SECOND, begun_ns=last_ns + 3 * SECOND)
    renumbered = {
        host: tuple(each._replace(number=each.number + 100_000) for each in some)
        for host, some in later.segments.items()
    }
    trace = replace(
        flood.trace,
        transitions=(
            *flood.trace.transitions,
            *(each._replace(socket=each.socket + 0x9000_0000) for each in later.trace.transitions),
        ),
        calls=(*flood.trace.calls, *later.trace.calls),
    )
    segments = {host: (*some, *renumbered[host]) for host, some in flood.segments.items()}
    items, follower = hear(Happened(segments, trace), SECOND // 5, standing=STANDING)
    told = news(items)
    skipped = [params for code, params in notes(items) if code == "skipped"]
    assert skipped
    early = [one for one in told if one.time_ns <= last_ns]
    assert 50 < sum(letters(one) == "S" for one in early) < 500, "the first of them are told"
    segments_told = sum(isinstance(one.moment.what, SegmentSent) for one in early) * 2
    left_out = sum(int(str(params["segments"])) for params in skipped)
    assert 0 <= 2000 * 14 - segments_told - left_out < MOST, "nothing is left out that is not counted"
    after = [letters(one) for one in told if one.time_ns > last_ns]
    assert [each for each in after if each in ("begin connect", "S", "S.", "ESTAB client", "ESTAB server", "whole accept")] == [
        "begin connect", "S", "S.", "ESTAB client", "ESTAB server", "whole accept",
    ]  # fmt: skip
    assert follower._window.size < CALM  # noqa: SLF001


def test_a_long_transfer_is_not_kept_and_its_end_is_still_understood() -> None:
    script = [*OPEN]
    for number in range(1500):
        script += [f"> P. {number:05}", "< ."]
    wire = Wire()
    wire.talk.every_ns = SECOND // 200
    happened = Happened.of(run(*script, *CLIENT_FIRST, wire=wire))
    items, follower = hear(happened, SECOND // 5)
    told = [letters(one) for one in news(items)]
    assert notes(items) == []
    assert Counter(told)["P."] == 1500
    assert [each for each in told if each.endswith("server")] == [
        "SYN-RECV server", "ESTAB server", "CLOSE-WAIT server", "LAST-ACK server", "UNCONN server",
    ]  # fmt: skip
    assert not any(one.moment.what.again for one in news(items) if isinstance(one.moment.what, SegmentSent))
    assert follower._window.size < 2200  # noqa: SLF001


def test_a_segment_that_is_long_under_way_is_told_when_it_leaves_and_when_it_arrives() -> None:
    evidence = run(*OPEN, *TALK)
    happened = Happened.of(evidence)
    late = happened.segments["server"]
    later = (*late[:3], late[3]._replace(time_ns=late[3].time_ns + 300_000 * US), *late[4:])
    happened = replace(happened, segments={**happened.segments, "server": later})
    items, _ = hear(happened, 100_000 * US)
    assert [letters(one) for one in news(items) if "P." in letters(one)][:2] == ["P. left", "P."]
    assert [letters(one) for one in news(items)][-1] == "P. arrived"


def test_a_late_answer_to_the_question_who_it_was_is_still_told() -> None:
    """A server that waits between bind() and listen() is known as one only then."""
    calls = (
        call(0, 1, SERVER_PID, "socket", None, 3),
        call(10, 1, SERVER_PID, "bind", 3, 0),
        call(700_000, 2, SERVER_PID, "listen", 3, 0, LISTENS[0].socket),
    )
    listens = (LISTENS[0]._replace(time_ns=at(700_001)),)
    trace = replace(NOTHING, transitions=listens, calls=calls, started=kernel().trace.started)
    items, _ = hear(Happened({"server": (), "client": ()}, trace), 100_000 * US)
    assert [letters(one) for one in news(items)] == [
        "whole socket", "whole bind", "whole listen", "LISTEN server",
    ]  # fmt: skip


def test_a_client_call_on_no_connection_is_shown_with_the_clients_only_one() -> None:
    typed = call(1000, 50, CLIENT_PID, "read", 0, 6)
    calls = (*kernel().trace.calls, typed)
    items, _ = hear(Happened.of(run(record=kernel(calls=calls))), 400 * US)
    (read,) = [one for one in news(items) if letters(one) == "whole read"]
    assert read.talk is None
    assert read.own is not None
    assert str(read.own.client) == "192.168.1.101:58132"
