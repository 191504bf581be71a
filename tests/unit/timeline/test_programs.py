"""Which program each call was of, where several of one name run, some of them another lab's."""

from __future__ import annotations

from errno import EADDRINUSE, ENETUNREACH

import pytest

from lab.kernel.trace import KernelCall, Started
from lab.recording.play import Action, Exit, Party
from lab.recording.store import load
from lab.settings import ROOT
from lab.timeline.model import CallMade, Lane, Signal, Timeline
from tests.records import changed, timeline_of
from tests.unit.judge.builders import SERVER
from tests.unit.timeline.builders import (
    CLIENT_BEGINS,
    LISTENS,
    OPENS,
    SERVER_BEGINS,
    SERVER_ENDS,
    SERVER_PID,
    SERVER_SOCKET,
    STARTED,
    at,
    call,
    find,
    kernel,
    run,
    told,
    transition,
)

STRICT_PID, STRANGER = 4200, 9999
STRICT = Party("strict", "server", "server", "serve_blocking", "serve_blocking 10.0.0.2 8000", 60, SERVER, None)
FAILS_TO_BIND = (
    call(110, 1, STRICT_PID, "socket", None, 3),
    call(112, 2, STRICT_PID, "bind", 3, -EADDRINUSE),
    call(115, 1, STRICT_PID, "close", 3, 0),
)


def of(line: Timeline, party: str) -> list[tuple[str, int | None, str | None]]:
    """Return a party's calls with their results."""
    calls = (moment.what for moment in line.moments if isinstance(moment.what, CallMade))
    return [(one.name, one.result, one.error) for one in calls if one.party == party]


def played(*more: KernelCall, begun: tuple[Started, ...] = ()) -> Timeline:
    """Return the timeline of a run in which `strict` was started 100 µs after all, and ended 100 µs later."""
    whole = run()
    started = (*STARTED, Started(at(98), STRICT_PID, "/lab/bin/serve_blocking", None), *begun)
    calls = tuple(sorted((*SERVER_BEGINS, *CLIENT_BEGINS, *FAILS_TO_BIND, *more), key=lambda one: one.begun_ns))
    return timeline_of(
        changed(
            whole,
            parties=(*whole.play.parties, STRICT),
            actions=(*whole.play.actions, Action("restart", at(100), "strict", "serve", "")),
            exits=(Exit(at(200), "strict", 1),),
            kernel=kernel(calls=calls, started=tuple(sorted(started))),
        )
    )


FAILED = [("socket", 3, None), ("bind", -1, "EADDRINUSE"), ("close", 0, None)]


def test_a_server_that_cannot_bind_is_told_of_and_no_other_s_calls_are_its_own() -> None:
    line = played()
    assert of(line, "strict") == FAILED
    assert ("listen", 0, None) in of(line, "server")
    assert {m.lane for m in line.moments if isinstance(m.what, CallMade) and m.what.party == "strict"} == {
        Lane.SERVER_CALLS
    }


@pytest.mark.parametrize(
    "calls",
    [
        (("socket", None, 3), ("bind", 3, 0), ("listen", 3, 0)),
        (("socket", None, 3), ("connect", 3, 0)),
        (("read", 3, 10),),
    ],
    ids=["listens elsewhere", "connects elsewhere", "has no socket"],
)
def test_another_lab_s_program_of_the_same_name_and_time_is_left_out(
    calls: tuple[tuple[str, int | None, int], ...],
) -> None:
    begun = (Started(at(99.9), STRANGER, "/lab/bin/serve_blocking", None),)
    line = played(*(call(120 + n, 1, STRANGER, *each) for n, each in enumerate(calls)), begun=begun)
    assert of(line, "strict") == FAILED
    assert STRANGER not in {moment.what.pid for moment in line.moments if isinstance(moment.what, CallMade)}


@pytest.mark.parametrize("begun_us", [-700, 101.5e3, 150.0], ids=["before the act before", "after its end", "later"])
def test_of_several_that_fail_it_is_the_one_that_the_exercise_just_started(begun_us: float) -> None:
    begun = (Started(at(begun_us), STRANGER, "/lab/bin/serve_blocking", None),)
    fails = (call(begun_us + 1, 1, STRANGER, "socket", None, 3), call(begun_us + 3, 1, STRANGER, "bind", 3, -1))
    assert of(played(*fails, begun=begun), "strict") == FAILED


def test_a_client_whose_connect_came_to_nothing_is_told_of() -> None:
    pid = 1800
    party = Party("lost", "client", "client", "prompt", "prompt 10.9.9.9 8000", 61, None, None)
    whole = run()
    calls = (call(110, 1, pid, "socket", None, 3), call(112, 1, pid, "connect", 3, -ENETUNREACH))
    line = timeline_of(
        changed(
            whole,
            parties=(*whole.play.parties, party),
            actions=(*whole.play.actions, Action("lost", at(100), "lost", "connect", "")),
            kernel=kernel(calls=calls, started=(*STARTED, Started(at(98), pid, "/lab/bin/prompt", None))),
        )
    )
    assert of(line, "lost") == [("socket", 3, None), ("connect", -1, "ENETUNREACH")]


@pytest.mark.parametrize(
    ("verbs", "status", "signal"),
    [
        (("stop",), -15, Signal.ENDED),
        (("freeze",), -9, Signal.LAST),
        (("freeze", "thaw", "stop"), -15, Signal.ENDED),
        (("freeze",), None, Signal.LAST),
        (("stop",), 0, Signal.LAST),
    ],
)
def test_a_call_that_a_signal_broke_off_says_whether_the_program_ended_in_it(
    verbs: tuple[str, ...], status: int | None, signal: Signal
) -> None:
    whole = run()
    acts = tuple(Action("s", at(70 + n), "server", verb, "") for n, verb in enumerate(verbs))
    interrupted = call(50, 21 if verbs == ("freeze",) else 23, SERVER_PID, "accept4", 3, -512)
    line = timeline_of(
        changed(
            whole,
            actions=(*whole.play.actions, *acts),
            exits=() if status is None else (Exit(at(400), "server", status),),
            kernel=kernel(calls=(*SERVER_BEGINS, *CLIENT_BEGINS, interrupted)),
        )
    )
    assert [m.what.signal for m in line.moments if isinstance(m.what, CallMade) and m.what.error] == [signal]


def test_a_call_that_is_begun_anew_is_told_from_one_that_another_follows() -> None:
    calls = (
        *SERVER_BEGINS,
        call(40, 1, SERVER_PID, "accept4", 3, -512),
        call(45, 1, SERVER_PID, "accept4", 3, -512),
        call(50, 1, SERVER_PID, "close", 3, 0),
    )
    line = timeline_of(run(record=kernel(calls=calls)))
    signals = [m.what.signal for m in line.moments if isinstance(m.what, CallMade) and m.what.error]
    assert signals == [Signal.ANEW, Signal.ELSE]


def test_in_a_recorded_run_the_second_server_fails_and_the_third_listens() -> None:
    line = timeline_of(load(ROOT / "tests" / "fixtures" / "runs" / "ex03"))
    assert of(line, "strict") == FAILED
    assert of(line, "again")[:4] == [
        ("socket", 3, None),
        ("setsockopt", 0, None),
        ("bind", 0, None),
        ("listen", 0, None),
    ]


def test_what_a_killed_program_held_is_closed_by_its_end() -> None:
    whole = run()
    interrupted = call(50, 20, SERVER_PID, "epoll_wait", 9, -4)
    closed = transition(80, SERVER_SOCKET, "ESTAB", "FIN-WAIT-1", SERVER_ENDS, SERVER_PID)
    line = timeline_of(
        changed(
            whole,
            exits=(Exit(at(400), "server", -15),),
            kernel=kernel(calls=(*SERVER_BEGINS, *CLIENT_BEGINS, interrupted), transitions=(*LISTENS, *OPENS, closed)),
        )
    )
    cause = find(line, Lane.SERVER_STATE, "FIN-WAIT-1").cause
    assert cause is not None
    assert told(line.moments[cause]) == "epoll_wait"
