"""What an expectation points at in evidence.json is what it judged by, and a table without a row is pointed at too."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from lab.exercise import judge
from lab.judge.conditional import where
from lab.judge.judging import Judged
from lab.judge.programs.ended import exited
from lab.judge.programs.numbers import said
from lab.judge.programs.printed import never_printed, printed, sooner
from lab.judge.programs.processes import children, own_words
from lab.judge.readings.counters import counters
from lab.judge.readings.spending import spent
from lab.judge.sockets.lifetimes import gone_after
from lab.judge.sockets.tables import sockets
from lab.judge.sockets.tallies import tally
from lab.judge.verdict import Look, Verdict
from lab.loading import load_exercise
from lab.recording.layout import EVIDENCE_FILE
from lab.recording.play import Output
from lab.recording.run import Run
from lab.recording.saved import SavedUsage
from lab.recording.store import load, save
from lab.settings import ROOT
from tests.places import misplaced
from tests.unit.judge.builders import BEGUN, LISTENING, MS, SERVING_A, evidence, snapshot

TOLD: Final = ("connected", "HELLO", "speed 3", "17 41 child", "I am 17", "speed 4")
RUN: Final = evidence(
    outputs=(Output(BEGUN, "server", "stdout", "HELLO"), *(Output(BEGUN, "a", "stdout", text) for text in TOLD)),
    usages=tuple(
        SavedUsage(name, "connects", "server", "server", BEGUN + at * MS, at * 1000, at + 70, 0)
        for at, name in enumerate(("begins", "ends"), start=1)
    ),
    snapshots=(snapshot("connected", "server", LISTENING, SERVING_A), snapshot("gone", "server", LISTENING)),
)
SAVED: Final = ROOT / "tests" / "fixtures" / "runs" / "ex03"
NONE: Final = "State  Recv-Q  Send-Q  Local  Peer"


def lines(found: tuple[Look, ...], run: Run, folder: Path) -> list[str]:
    """Return the lines that are pointed at, as a reader who opens the files finds them."""
    save(run, folder)
    told = []
    for look in found:
        assert look.line is not None
        text = (folder / look.file).read_text(encoding="utf-8")
        told.append(text.split("\n")[look.line - 1].strip().rstrip(","))
    return told


@pytest.mark.parametrize(
    ("expectation", "holds", "told"),
    [
        (printed("a", "HELLO", id="x"), True, ['"text": "HELLO"']),
        (printed("a", "GOODBYE", id="x"), False, ['"text": "speed 4"']),
        (printed("a", "HELLO", stream="stderr", id="x"), False, ['"name": "a"']),
        (never_printed("a", "GOODBYE", id="x"), True, ['"text": "connected"']),
        (never_printed("a", "HEL+O", id="x"), False, ['"text": "HELLO"']),
        (never_printed("b", "HELLO", id="x"), False, ['"name": "b"']),
        (sooner("a", "HELLO", "speed.*", id="x"), True, ['"text": "HELLO"']),
        (sooner("a", "speed.*", "HELLO", id="x"), False, ['"text": "HELLO"']),
        (sooner("a", "no", "neither", id="x"), False, ['"text": "speed 4"']),
        (said("a", "speed {}", 4, id="x"), True, ['"text": "speed 4"']),
        (said("a", "slow {}", 4, id="x"), False, ['"text": "speed 4"']),
        (children("a", of="server", count=1, id="x"), True, ['"text": "17 41 child"']),
        (children("a", of="b", count=0, id="x"), True, ['"text": "connected"']),
        (own_words("a", r"I am (?P<pid>\d+)", count=1, id="x"), True, ['"text": "I am 17"']),
        (own_words("a", r"I was (?P<pid>\d+)", count=1, id="x"), False, ['"text": "speed 4"']),
        (own_words("b", r"I am (?P<pid>\d+)", count=1, id="x"), False, ['"name": "b"']),
        (exited("b", -9, id="x"), True, ['"status": -9']),
        (exited("server", 0, id="x"), False, ['"name": "server"']),
        (
            counters("before", "after", on="server", change={"ListenOverflows": 0, "TcpPassiveOpens": 1}, id="x"),
            True,
            ['"TcpExtListenOverflows": 7', '"TcpExtListenOverflows": 7'],
        ),
        (
            counters("before", "after", on="server", change={"ListenOverflows": 0, "TcpPassiveOpens": 5}, id="x"),
            False,
            ['"TcpPassiveOpens": 3', '"TcpPassiveOpens": 4'],
        ),
        (spent("server", ("begins", "ends"), "<1", id="x"), True, ['"cpu_ns": 1000', '"cpu_ns": 2000']),
        (where({"kernel": "5.4"}, exited("b", -9, id="x")), None, ['"kernel": "6.18"']),
        (where({"server.of_none": 1}, exited("b", -9, id="x")), None, ['"environment": {']),
    ],
)
def test_the_line_of_the_evidence_holds_what_decided(
    expectation: Judged,
    holds: bool | None,  # noqa: FBT001 - a case
    told: list[str],
    tmp_path: Path,
) -> None:
    result = expectation.judge(RUN)
    assert result.verdict is {True: Verdict.PASS, False: Verdict.FAIL, None: Verdict.CANNOT_RUN}[holds]
    assert {look.file for look in result.look} == {EVIDENCE_FILE}
    assert lines(result.look, RUN, tmp_path / "run") == told


@pytest.mark.parametrize(
    ("expectation", "told"),
    [
        (sockets("gone", on="server", only="client:a", table=NONE, id="x"), ["State"]),
        (tally("gone", on="server", states={"ESTAB": 0}, id="x"), ["State"]),
        (tally("connected", on="server", states={"ESTAB": 1}, id="x"), ["ESTAB"]),
        (gone_after("a", "0..10", seen="connected", gone="gone", id="x"), ["ESTAB", "State"]),
    ],
)
def test_where_no_row_is_the_head_of_the_table_is_pointed_at(
    expectation: Judged, told: list[str], tmp_path: Path
) -> None:
    result = expectation.judge(RUN)
    assert result.verdict is Verdict.PASS
    assert [line.split()[0] for line in lines(result.look, RUN, tmp_path / "run")] == told


def test_each_claim_of_a_saved_run_is_shown_at_places_that_hold_what_they_should() -> None:
    run = load(SAVED)
    assert misplaced(judge(load_exercise(3), run), run, SAVED) == []
