"""The pages as a reader meets them, held as golden files: `UPDATE_GOLDEN=1 pytest tests/unit/report` writes them anew."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from lab.exercise import Judgement
from lab.judge.claims import ClaimResult, Ruling
from lab.judge.verdict import Verdict
from lab.recording.play import Stopped
from lab.recording.run import Run
from lab.recording.saved import saved_form
from lab.report.asking import Asker
from lab.report.by_hand import by_hand_lines
from lab.report.claims import claim_stories
from lab.report.ink import plain
from lab.report.legend import explain_lines, legend_lines
from lab.report.markdown import escaped, markdown_page
from lab.report.terminal import Page
from lab.report.words import Words
from lab.text.catalog import LANGUAGES
from lab.text.glossary import load_glossary
from tests.unit.report import builders

GOLDEN = Path(__file__).parent / "golden"
FOLDER = Path("runs/ex03/latest")


def page(
    which: str = "all_well",
    language: str = "en",
    width: int = 100,
    *,
    evidence: Run | None = None,
    answers: str | None = None,
    encoding: str = "utf-8",
    colour: bool = False,
) -> str:
    buffer = io.BytesIO()
    console = Console(
        file=io.TextIOWrapper(buffer, encoding=encoding, write_through=True),
        width=width,
        force_terminal=colour,
        color_system="truecolor" if colour else None,
    )
    judged = builders.judged(getattr(builders, which)(), evidence)
    asker = None if answers is None else Asker(io.StringIO(answers), console, language)
    Page(console, judged, language).show(asker)
    return buffer.getvalue().decode(encoding)


def markdown(which: str, language: str = "en", evidence: Run | None = None) -> str:
    return markdown_page(builders.judged(getattr(builders, which)(), evidence), language)


def compare_golden(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("which", ["all_well", "all_verdicts"])
def test_the_page_of_a_run(which: str, width: int, language: str) -> None:
    compare_golden(f"{which}.{width}.{language}.txt", page(which, language, width))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_with_questions(language: str) -> None:
    compare_golden(f"asked.100.{language}.txt", page(language=language, answers="c\na\n\n"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("which", ["all_well", "all_verdicts"])
def test_the_page_as_markdown(which: str, language: str) -> None:
    compare_golden(f"{which}.{language}.md", markdown(which, language))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [*range(76, 101, 4), 200])
def test_nothing_is_cut_off_or_sticks_out(width: int, language: str) -> None:
    lines = page("all_verdicts", language, width).splitlines()
    assert [line for line in lines if cell_len(line) > min(width, 100)] == []
    assert "serve_blocking" in "".join(lines)


def test_without_colour_the_page_is_the_same_text(monkeypatch: pytest.MonkeyPatch) -> None:
    without = page()
    assert "\x1b" not in without
    coloured = Console(file=io.StringIO(), width=100)
    coloured.begin_capture()
    assert "\x1b[" in page(colour=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in page(colour=True)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_unicode_gets_ascii_drawings(encoding: str) -> None:
    text = page("all_verdicts", encoding=encoding)
    assert text.isascii()
    assert "SYN-SENT ~   --- S   seq 0 --------------->   SYN-RECV ~" in text
    assert "?" not in text.replace("   ?  both ends", "").replace("first F?", "")


def test_a_terminal_without_unicode_does_not_break_on_chinese() -> None:
    assert page(language="zh-CN", encoding="ascii").isascii()


def test_a_prediction_is_answered_after_the_evidence() -> None:
    text = page(answers="c\nb\n\n")
    assert text.index("You said c: right. The kernel finishes") > text.index("three segments open a connection")
    assert "You said b: not this time, it is c." in text
    assert text.count("You said") == 2


def test_an_interrupted_run_says_where_it_stopped_and_what_was_not_reached() -> None:
    text = page("all_stopped", evidence=builders.a_stopped_run())
    said = "client a (prompt) ended too early. What it said last: “the server closed the connection”."
    assert " ".join(text.split()).count(said) == 1
    assert text.count("The run ended before this step.") == 2
    assert "–  TIME-WAIT stays on the server at 192.168.1.102   not reached\n" in text
    assert "The run has no" not in text
    assert "Which side sent the first F?" not in text
    assert (
        "FAIL   3 hold, 1 does not hold, 2 not reached\n       look first at step 2, “One message each way”: " in text
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_a_run_that_stopped(language: str) -> None:
    text = page("all_stopped", language, 80, evidence=builders.a_stopped_run())
    compare_golden(f"all_stopped.80.{language}.txt", text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_run_that_stopped_as_markdown(language: str) -> None:
    compare_golden(f"all_stopped.{language}.md", markdown("all_stopped", language, builders.a_stopped_run()))


def test_a_stop_with_nothing_failed_before_is_where_to_look_first() -> None:
    stopped = Stopped("connects", "server", "did-not-listen", "192.168.1.102:8000; LISTEN 192.168.1.102:8008")
    whole = builders.a_run()
    text = page(evidence=builders.without(whole, steps=whole.play.steps[:1], stopped=stopped))
    assert "look first at step 1, “A client connects”: the run stops there" in text


def test_evidence_that_is_missing_or_damaged_is_said_not_raised() -> None:
    whole = builders.a_run()
    broken = tuple(builders.snapshot("connected", "connects", host, 15, "garbage\n") for host in ("server", "client"))
    text = page(evidence=builders.without(whole, snapshots=broken, outputs=()))
    assert "The run has no snapshot called after_exit" in text
    assert "garbage" in text
    assert "prompt printed nothing in this step." in text


@pytest.mark.parametrize(("rules", "said"), [(True, "THE LAB IS WRONG"), (False, "not by this run")])
def test_only_a_run_that_may_rule_can_convict_the_lab_itself(*, rules: bool, said: str) -> None:
    words = Words(builders.an_exercise().texts("en"), "en", {})
    judgement = Judgement(Verdict.FAIL, (), (ClaimResult("B4", Ruling.BROKEN),), rules)
    (story,) = claim_stories(judgement, words)
    assert story.label == said


@pytest.mark.parametrize(("language", "words"), [("en", "neither side of B4"), ("zh-CN", "B4 的两种说法")])
def test_a_run_that_convicts_the_lab_itself_says_so_beside_its_verdict(language: str, words: str) -> None:
    assert words in page("all_well_but_a_claim", language, 200)
    assert words in markdown("all_well_but_a_claim", language)


@pytest.mark.parametrize(("language", "words"), [("en", "forgets_close stands in for serve_blocking"),
                                                 ("zh-CN", "由 forgets_close 代替 serve_blocking")])  # fmt: skip
def test_a_page_says_who_stood_in_for_whom(language: str, words: str) -> None:
    run = builders.without(builders.a_run(), stand_ins={"serve_blocking": "forgets_close"})
    assert words in page(evidence=run, language=language)
    assert escaped(words) in markdown("all_well", language, run)


def test_a_moment_that_never_came_is_said() -> None:
    whole = builders.a_run()
    late = tuple(
        builders.snapshot(one.name, one.step, one.host, 80, "", timed_out=True) for one in saved_form(whole).snapshots
    )
    assert "Did not see “a is ESTAB” on the server" in page(evidence=builders.without(whole, snapshots=late))


def test_markdown_shows_text_as_it_is_and_keeps_commands_as_code() -> None:
    assert escaped("a*b_c <x> | `ss -t_*`") == r"a\*b\_c \<x\> \| `ss -t_*`"


def test_markdown_fences_are_closed() -> None:
    assert markdown("all_verdicts").count("\n```") % 2 == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_by_hand(language: str) -> None:
    addresses = {"server": "10.9.8.102", "client": "10.9.8.101"}
    lines = by_hand_lines(builders.an_exercise(), addresses, language, 80)
    compare_golden(f"by_hand.80.{language}.txt", "".join(f"{plain(one)}\n" for one in lines))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [80, 100])
def test_the_legend_takes_every_column_apart(language: str, width: int) -> None:
    lines = [plain(one) for one in legend_lines(language, width)]
    assert [line for line in lines if cell_len(line) > width] == []
    text = "\n".join(lines)
    columns = ("State", "Recv-Q", "Send-Q", "Local Address:Port", "Peer Address:Port", "Process", "timer:(")
    assert [column for column in columns if column not in text] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_has_a_page_that_fits(language: str) -> None:
    glossary = load_glossary(language)
    for term in glossary.terms.values():
        lines = [plain(one) for one in explain_lines(term, glossary, 80)]
        assert term.title in lines[0]
        assert [line for line in lines if cell_len(line) > 80] == []
