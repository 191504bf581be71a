"""The story of the small run that all reports are tested on, judged in several ways."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lab.exercise import Judgement
from lab.judge.verdict import Comparison, Look, Message, Pair, Result, Verdict, frames
from lab.report.story import Story, tell
from tests.unit.report import builders

LADDER = Comparison(
    ("Segment", "Flags"),
    tuple(
        Pair((way, flags), (way, flags), frozenset())
        for way, flags in (("client:a > server", "S"), ("server > client:a", "S."), ("client:a > server", "."))
    ),
)


def results() -> tuple[Result, ...]:
    """What the judge said: a ladder that holds, rows that do not, and one of each other verdict."""
    as_expected = Message("segments-agree")
    wrong = builders.all_verdicts().results
    found = (
        Result("handshake", "connects", Verdict.PASS, as_expected, as_expected, LADDER, (Look("server.pcap", frame=1),)),
        Result(
            "second-socket", "connects", Verdict.FAIL, Message("segments-agree"), Message("segments-agree"),
            wrong[1].comparison, (Look("ss/connected.server.txt", line=3), Look("server.pcap", frame=8)),
        ),
        Result("agree", "connects", Verdict.PASS, as_expected, as_expected, None, (Look("client.pcap", frame=4),)),
        Result("upper", "talks", Verdict.INCONCLUSIVE, as_expected, as_expected),
        Result("time-wait", "server_first", Verdict.PASS, as_expected, as_expected, None, (Look("ss/after_exit.server.txt", line=2),)),
        Result("counted", None, Verdict.PASS, as_expected, as_expected),
    )  # fmt: skip
    ladder = frames("server.pcap", (1, 2, 3))
    return tuple(replace(each, proof=ladder if each.id == "handshake" else each.look) for each in found)


def a_story(language: str, judged: tuple[Result, ...] | None = None) -> Story:
    """Return the story of that run, with these results."""
    judgement: Judgement = builders.judgement(*(results() if judged is None else judged))
    return tell(replace(builders.judged(judgement), folder=Path("runs/ex03/latest")), language)
