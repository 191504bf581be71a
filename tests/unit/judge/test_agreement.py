from __future__ import annotations

from typing import Any

import pytest

from lab.judge.agreement import agree
from lab.judge.verdict import Look, Result, Verdict
from tests.unit.judge.builders import (
    BEGUN,
    CLIENT_A,
    CLIENT_FIRST,
    LISTENING,
    MS,
    OPEN,
    SERVER,
    SERVER_FIRST,
    SERVING_A,
    TALK,
    A,
    B,
    Talk,
    capture,
    evidence,
    row,
    snapshot,
)


def shots(server: tuple[str, ...], client: tuple[str, ...], **changes: Any) -> dict[str, Any]:
    return {
        "snapshots": (snapshot("connected", "server", *server, **changes), snapshot("connected", "client", *client))
    }


def judged(server: Any = "ESTAB", client: Any = "ESTAB", **changes: Any) -> Result:
    expectation = agree("both", client="a", snapshot="connected", state_on_server=server, state_on_client=client)
    return expectation.judge(evidence(**changes))


def dissenters(result: Result) -> list[str]:
    """Return the files whose line does not agree."""
    assert result.comparison is not None
    assert result.comparison.columns[0] == "File"
    return [(pair.expected or ("?",))[0] for pair in result.comparison.pairs if not pair.agrees]


def test_four_records_that_agree_pass_and_are_all_named() -> None:
    result = judged()
    assert result.verdict is Verdict.PASS
    assert [look.file for look in result.look] == [
        "ss/connected.server.txt",
        "server.pcap",
        "ss/connected.client.txt",
        "client.pcap",
    ]


@pytest.mark.parametrize(
    ("changes", "files"),
    [
        pytest.param(shots((LISTENING,), (CLIENT_A,)), ["ss/connected.server.txt"], id="not in the server's ss"),
        pytest.param(shots((SERVING_A,), ()), ["ss/connected.client.txt"], id="not in the client's ss"),
        pytest.param(
            shots((row("ESTAB", 0, 0, SERVER, B),), (CLIENT_A,)), ["ss/connected.server.txt"], id="another peer"
        ),
        pytest.param(
            shots((row("CLOSE-WAIT", 0, 0, SERVER, A),), (CLIENT_A,)),
            ["ss/connected.server.txt", "server.pcap"],
            id="a state that the capture does not explain",
        ),
        pytest.param(
            {"captures": (capture("server", *OPEN, *TALK), capture("client", frames=Talk(client=B).frames(*OPEN)))},
            ["client.pcap"],
            id="not in the client's capture",
        ),
        pytest.param(
            {"captures": (capture("server", frames=Talk(client=B).frames(*OPEN)), capture("client", *OPEN, *TALK))},
            ["server.pcap"],
            id="not in the server's capture",
        ),
    ],
)
def test_the_record_that_differs_is_named(changes: dict[str, Any], files: list[str]) -> None:
    result = judged(**changes)
    assert result.verdict is Verdict.FAIL
    assert dissenters(result) == files
    assert [look.file for look in result.look] == files
    assert result.observed.params["files"] == ", ".join(files)


def test_a_wrong_state_that_the_capture_explains_is_one_difference() -> None:
    """The connection really is closed on the server's side: only what the exercise hoped for is wrong."""
    script = (*OPEN, "> F.", "< .")
    result = judged(
        client="FIN-WAIT-2",
        **shots((row("CLOSE-WAIT", 1, 0, SERVER, A),), (row("FIN-WAIT-2", 0, 0, A, SERVER),)),
        captures=(capture("server", *script), capture("client", *script)),
    )
    assert dissenters(result) == ["ss/connected.server.txt"]


@pytest.mark.parametrize(
    ("script", "server", "client"),
    [
        ((*OPEN, *SERVER_FIRST), "TIME-WAIT", None),
        ((*OPEN, *CLIENT_FIRST), None, "TIME-WAIT"),
        ((*OPEN, "> F.", "< ."), "CLOSE-WAIT", "FIN-WAIT-2"),
    ],
)
def test_each_close_allows_its_own_states(script: tuple[str, ...], server: str | None, client: str | None) -> None:
    rows = shots(
        () if server is None else (row(server, 0, 0, SERVER, A),),
        () if client is None else (row(client, 0, 0, A, SERVER),),
    )
    both = (capture("server", *script), capture("client", *script))
    assert judged(server, client, captures=both, **rows).verdict is Verdict.PASS
    assert judged("ESTAB", "ESTAB", captures=both, **rows).verdict is Verdict.FAIL


def test_a_row_that_should_be_gone_is_named() -> None:
    script = (*OPEN, *SERVER_FIRST)
    both = (capture("server", *script), capture("client", *script))
    still_there = shots((row("TIME-WAIT", 0, 0, SERVER, A),), (CLIENT_A,))
    assert dissenters(judged("TIME-WAIT", None, captures=both, **still_there)) == [
        "ss/connected.client.txt",
        "client.pcap",
    ]


def test_time_wait_may_be_over_after_a_minute() -> None:
    script = (*OPEN, *SERVER_FIRST)
    both = (capture("server", *script), capture("client", *script))
    gone = shots((), ())
    assert judged(None, None, captures=both, **gone).verdict is Verdict.FAIL
    later = BEGUN + 70_000 * MS
    gone = shots((), (), begun_ns=later, ended_ns=later + MS)
    assert judged(None, None, captures=both, **gone).verdict is Verdict.PASS


def test_a_state_that_ends_while_ss_runs_allows_both() -> None:
    during = BEGUN + 22 * MS
    frames = Talk().frames(*OPEN)
    talk = Talk(begun_ns=during)
    talk.next = {">": 4_294_967_291, "<": 5001}
    frames += talk.frames("> F.", "< .")
    both = (capture("server", frames=frames), capture("client", frames=frames))
    for server, client in (("ESTAB", "ESTAB"), ("CLOSE-WAIT", "FIN-WAIT-2"), ("ESTAB", "FIN-WAIT-1")):
        rows = shots((row(server, 0, 0, SERVER, A),), (row(client, 0, 0, A, SERVER),))
        rows["snapshots"] = tuple(rows["snapshots"])
        assert judged(server, client, captures=both, **rows).verdict is Verdict.PASS, (server, client)


@pytest.mark.parametrize(
    ("at_server", "at_client"),
    [
        pytest.param(("> P. hello", "< ."), ("> P. hellO", "< ."), id="payload"),
        pytest.param(("> P. hello", "< ."), ("> . hello", "< ."), id="flags"),
        pytest.param(("> P. hello", "< ."), ("> P. hello",), id="a segment less"),
    ],
)
def test_captures_that_hold_different_segments_are_laid_side_by_side(
    at_server: tuple[str, ...], at_client: tuple[str, ...]
) -> None:
    result = judged(captures=(capture("server", *OPEN, *at_server), capture("client", *OPEN, *at_client)))
    assert result.verdict is Verdict.FAIL
    assert result.observed.code == "joint-segments"
    assert result.comparison is not None
    (pair,) = result.comparison.pairs
    assert not pair.agrees
    assert result.look[0] == Look("server.pcap", frame=5 if pair.observed is None else 4)


def test_segments_that_cross_may_be_stamped_in_another_order() -> None:
    at_server, at_client = Talk(), Talk()
    seen = at_server.frames(*OPEN, "> P. hi", "< P. ho")
    at_client.frames(*OPEN)
    crossed = Talk().frames(*OPEN) + list(reversed(seen[3:]))
    for n, frame in enumerate(crossed):
        crossed[n] = type(frame)(BEGUN + 10 * MS + n * 1000, frame.data)
    result = judged(captures=(capture("server", frames=seen), capture("client", frames=crossed)))
    assert result.verdict is Verdict.PASS
