"""Whatever the evidence holds, judging it gives a verdict."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.judge.agreement import agree
from lab.judge.judging import judge_all, say
from lab.judge.segments.closing import closes
from lab.judge.segments.ladders import segments
from lab.judge.sockets.over_time import never
from lab.judge.sockets.tables import sockets
from lab.judge.verdict import Verdict
from tests.unit.judge.builders import (
    CLIENT_FIRST,
    LISTENING,
    OPEN,
    SERVER,
    SERVING_A,
    TALK,
    A,
    B,
    Talk,
    capture,
    evidence,
    row,
    sampling,
    snapshot,
)

TABLE = """
    State  Recv-Q  Local        Peer      Process      Timer
    ESTAB  0       server:8000  client:a  server fd=4  -
"""
ALL = (
    sockets("connected", on="server", id="s", table=TABLE),
    agree("j", client="a", snapshot="connected"),
    segments("a", id="l", ladder='client:a > server  data  "hello"\n~ server > client:a  .'),
    closes("a", id="c", first="a", segments=4),
    never("frozen", on="server", id="n", table=TABLE),
)
LETTERS = st.sampled_from(("S", "S.", ".", "P.", "F.", "R", "R.", "FP.", "SF"))
SCRIPTS = st.lists(
    st.builds("{} {} {}".format, st.sampled_from("<>"), LETTERS, st.sampled_from(("", "hello", "exit"))), max_size=14
)


@settings(max_examples=150, deadline=None)
@given(SCRIPTS, SCRIPTS)
def test_any_conversation_is_judged(at_server: list[str], at_client: list[str]) -> None:
    run = evidence(captures=(capture("server", *at_server), capture("client", *at_client)))
    for result in judge_all(ALL, run):
        for language in ("en", "zh-CN"):
            assert say(result.expected, language)
            assert say(result.observed, language)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_damage_to_a_capture_is_judged(data: st.DataObject) -> None:
    record = capture("server", *OPEN, *TALK, *CLIENT_FIRST)
    damaged = bytearray(record.data)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    judge_all(ALL, evidence(captures=(replace(record, content=bytes(damaged)), capture("client", *OPEN))))


ROWS = st.builds(
    row,
    st.sampled_from(("ESTAB", "LISTEN", "TIME-WAIT", "SYN-RECV")),
    st.integers(0, 3),
    st.integers(0, 3),
    st.sampled_from((SERVER, A)),
    st.sampled_from((A, B, SERVER)),
    st.sampled_from(("", "serve_blocking 41 4", "other 9 4")),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(ROWS | st.text(max_size=40), max_size=6))
def test_any_text_of_ss_is_judged(rows: list[str]) -> None:
    shot = snapshot("connected", "server", *rows)
    judge_all(ALL, evidence(snapshots=(shot, replace(shot, host="client")), samplings=(sampling(shot.text),)))


@settings(max_examples=100, deadline=None)
@given(st.permutations((LISTENING, SERVING_A, row("ESTAB", 0, 0, SERVER, B), row("SYN-RECV", 0, 0, SERVER, B))))
def test_the_order_of_rows_never_decides(rows: list[str]) -> None:
    table = """
        State     Recv-Q  Local        Peer
        LISTEN    0       server:8000  *
        ESTAB     *       server:8000  client:*
        ESTAB     0       server:8000  client:a
        SYN-RECV  0       server:8000  client:b
    """
    judge = sockets("now", on="server", id="s", table=table).judge
    assert judge(evidence(snapshots=(snapshot("now", "server", *rows),))).verdict is Verdict.PASS


def test_a_talk_of_the_builders_closes_the_way_it_is_written() -> None:
    frames = Talk().frames(*OPEN, *CLIENT_FIRST)
    run = evidence(captures=(capture("server", frames=frames),))
    assert closes("a", id="c", first="a", segments=4).judge(run).verdict is Verdict.PASS
