"""The expectations that count segments: acknowledgements, ways to close."""

from __future__ import annotations

import pytest

from lab.judge.agreement import agree
from lab.judge.judging import Judged, say
from lab.judge.segments.acks import acknowledged
from lab.judge.segments.closing import close_shares, closes, lets_go
from lab.judge.segments.ladders import segments
from lab.judge.verdict import Verdict
from lab.recording.play import Step
from lab.recording.run import Run
from tests.unit.judge.builders import (
    BEGUN,
    CLIENT_FIRST,
    LISTENING,
    MS,
    OPEN,
    SERVER,
    SERVER_FIRST,
    TALK,
    A,
    B,
    Talk,
    capture,
    evidence,
    row,
    snapshot,
)

RIDING = ("> P. hello", "< .", "< P. HELLO", "> .", "> P. again", "< P. AGAIN", "> P. exit", "< F.", "> F.", "< .")


def test_acknowledgements_that_ride_on_data_or_fin_are_told_from_bare_ones() -> None:
    run = evidence(captures=(capture("server", *OPEN, *RIDING),))
    result = acknowledged("a", id="k", alone=2, riding=3).judge(run)
    assert result.observed.params == {"alone": 2, "riding": 3}
    assert result.verdict is Verdict.PASS


def test_bare_acknowledgements_alone_are_not_riding() -> None:
    run = evidence(captures=(capture("server", *OPEN, *TALK),))
    assert acknowledged("a", id="k", riding=">0").judge(run).verdict is Verdict.FAIL


def test_an_incomplete_capture_does_not_decide_about_acknowledgements() -> None:
    run = evidence(captures=(capture("server", *OPEN, *TALK, dropped=1),))
    assert acknowledged("a", id="k", riding=0).judge(run).verdict is Verdict.INCONCLUSIVE


def test_closes_of_a_step_are_shared_out_by_their_segments() -> None:
    at = BEGUN + 100 * MS
    frames = [
        *Talk(client=A, begun_ns=at).frames(*OPEN, "> P. exit", "< F.", "> F.", "< ."),
        *Talk(client=B, begun_ns=at + MS).frames(*OPEN, *SERVER_FIRST),
        *Talk(client=A, begun_ns=BEGUN, next={">": 1, "<": 1}).frames(*OPEN, *CLIENT_FIRST),
    ]
    run = evidence(
        steps=(Step("connects", BEGUN, BEGUN + 50 * MS), Step("rounds", at, at + 50 * MS)),
        captures=(capture("server", frames=frames),),
    )
    result = close_shares(step="rounds", id="c", other=0).judge(run)
    assert result.observed.params == {"three": 1, "four": 1, "other": 0}
    assert result.verdict is Verdict.PASS


def test_a_share_that_may_be_anything_says_so() -> None:
    expected = close_shares(step="rounds", id="c", three=">0", other=0).expected()
    assert say(expected, "en") == "closed with three segments: >0, with four: any number, otherwise: 0"
    assert "四个的：任意" in say(expected, "zh-CN")
    assert "any number" in say(acknowledged("a", id="k", riding=0).expected(), "en")


def test_a_close_by_reset_is_neither_three_nor_four() -> None:
    frames = Talk(begun_ns=BEGUN + MS).frames(*OPEN, "> P. exit", "< R.")
    run = evidence(captures=(capture("server", frames=frames),))
    result = close_shares(step="connects", id="c", other=0).judge(run)
    assert result.observed.params == {"three": 0, "four": 0, "other": 1}
    assert result.verdict is Verdict.FAIL


def test_a_close_whose_last_ack_is_not_in_the_capture_is_neither_other_nor_counted() -> None:
    frames = Talk(begun_ns=BEGUN + MS).frames(*OPEN, "> P. exit", "< .", "< F.", "> .", "> F.")
    run = evidence(captures=(capture("server", frames=frames),))
    assert close_shares(step="connects", id="c", other=0).judge(run).observed.params == {
        "three": 0,
        "four": 0,
        "other": 0,
    }


def overtaken() -> Run:
    """Return a run in which the client's ACK comes after its FIN: TIME-WAIT answers it, and that draws a reset."""
    talk = Talk(begun_ns=BEGUN + MS)
    frames = talk.frames(*OPEN, "> P. exit", "< F.", "> F.", "< .")
    old = {">": (talk.next[">"] - 1) % 2**32, "<": talk.next["<"]}
    frames += Talk(begun_ns=BEGUN + 2 * MS, next=old).frames("> .", "< .")
    frames += Talk(begun_ns=BEGUN + 3 * MS, next=talk.next).frames("> R")
    waiting = row("TIME-WAIT", 0, 0, SERVER, A)
    return evidence(
        captures=(capture("server", frames=frames), capture("client", frames=frames)),
        snapshots=(snapshot("connected", "server", LISTENING, waiting), snapshot("connected", "client")),
    )


def test_a_reset_that_an_overtaken_ack_draws_after_both_fins_is_no_other_close() -> None:
    result = close_shares(step="connects", id="c", other=0).judge(overtaken())
    assert result.observed.params == {"three": 1, "four": 0, "other": 0}


@pytest.mark.parametrize(
    "expectation",
    [
        closes("a", id="c", first="server", segments=3),
        lets_go("a", by="a", how="fin", id="l"),
        segments("a", part="close", id="s", ladder="""
            server   > client:a  F.
            client:a > server    F.
            server   > client:a  .
        """),
        agree("j", client="a", snapshot="connected", state_on_server="TIME-WAIT", state_on_client=None),
    ],
)  # fmt: skip
def test_a_reset_into_time_wait_is_nobodys_failure(expectation: Judged) -> None:
    result = expectation.judge(overtaken())
    assert result.verdict is Verdict.PASS, result


@pytest.mark.parametrize("script", [("> P. exit", "< F.", "> R."), ("> F.", "< .", "< R."), ("> F.", "< R.")])
def test_a_reset_before_both_have_closed_still_is_one(script: tuple[str, ...]) -> None:
    run = evidence(captures=(capture("server", *OPEN, *script),))
    by = "a" if script[-1].startswith(">") else "server"
    assert lets_go("a", by=by, how="reset", id="l").judge(run).verdict is Verdict.PASS


def test_a_reset_before_the_second_fin_is_another_close() -> None:
    frames = Talk(begun_ns=BEGUN + MS).frames(*OPEN, "> P. exit", "< F.", "> R.", "> F.")
    run = evidence(captures=(capture("server", frames=frames),))
    assert close_shares(step="connects", id="c", other=0).judge(run).observed.params["other"] == 1


def test_a_connection_that_one_end_leaves_open_is_other() -> None:
    frames = Talk(begun_ns=BEGUN + MS).frames(*OPEN, "> F.", "< .")
    run = evidence(captures=(capture("server", frames=frames),))
    assert close_shares(step="connects", id="c", other=0).judge(run).observed.params == {
        "three": 0,
        "four": 0,
        "other": 1,
    }
