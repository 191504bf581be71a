"""Every exercise with every program that is wrong on purpose: what fails, why, and what a learner is told."""

from __future__ import annotations

import io
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Final

import pytest
from rich.console import Console

from lab.errors import EXIT_INCONCLUSIVE
from lab.exercise import Exercise, JudgedRun, Judgement, judge
from lab.judge.claims import Ruling
from lab.judge.judging import STOPPED, say
from lab.judge.states.passing import Recorded
from lab.judge.verdict import Comparison, Look, Result, Verdict
from lab.loading import load_exercise
from lab.recording.layout import EVIDENCE_FILE
from lab.recording.run import Run
from lab.recording.store import load
from lab.report.story import Story, tell
from lab.report.terminal import Page
from lab.settings import PORT
from lab.text.catalog import LANGUAGES, messages
from lab.wire.state import State
from tests.lab.manylabs import Answer, Done, Job, Labs
from tests.records import changed
from tests.tampering import with_rows
from tests.wrong.base import Wrong, stand_ins
from tests.wrong.packing import PLAYS, pack_with

pytestmark = pytest.mark.lab

MORE_PATIENCE: Final = 15.0
"""Seconds. A wrong program is mostly waited for in vain, so an entry has few; what a busy machine then leaves undecided is
played again with more, as the lab itself advises."""


@dataclass(frozen=True)
class Played:
    """What `lab run N --stand-in …` did: its exit code, what it printed, and the folder it kept."""

    exercise: Exercise
    answer: Answer
    folder: Path

    @cached_property
    def evidence(self) -> Run:
        assert self.folder.is_dir(), self.answer.stderr
        return load(self.folder)

    @cached_property
    def judgement(self) -> Judgement:
        return judge(self.exercise, self.evidence)

    @cached_property
    def results(self) -> Mapping[str, Result]:
        return {result.id: result for result in self.judgement.results}

    @property
    def own(self) -> set[str]:
        """The expectations that failed for what was seen, not for want of a step that was never reached."""
        return {each.id for each in self.failed if each.observed.code != STOPPED}

    @property
    def failed(self) -> list[Result]:
        return [each for each in self.judgement.results if each.verdict is Verdict.FAIL]

    @cached_property
    def pages(self) -> Mapping[str, str]:
        """The page as a learner sees it, by language, without white space: lines are folded anywhere in Chinese."""
        return {language: squeezed(self._page(language)) for language in LANGUAGES}

    @cached_property
    def steps(self) -> list[str]:
        return [step.id for step in self.exercise.steps]

    def cut_short(self, wrong: Wrong) -> bool:
        """Whether it was over too early for a machine that is busy: undecided, or stopped where nobody does wrong."""
        stopped = self.evidence.play.stopped if self.folder.is_dir() else None
        expected = wrong.stops and (wrong.stops.step, wrong.stops.party)
        return self.answer.code == EXIT_INCONCLUSIVE or bool(stopped and (stopped.step, stopped.party) != expected)

    def story(self, language: str) -> Story:
        return tell(JudgedRun(self.exercise, self.evidence, self.judgement, self.folder), language)

    def at(self, result: Result) -> int:
        """Return the number of a result's step; what belongs to none comes after all of them."""
        return self.steps.index(result.step) if result.step in self.steps else len(self.steps)

    def _page(self, language: str) -> str:
        out = io.StringIO()
        console = Console(file=out, width=100, highlight=False)
        Page(console, JudgedRun(self.exercise, self.evidence, self.judgement, self.folder), language).show(None)
        return out.getvalue()


def squeezed(text: str) -> str:
    return "".join(text.split())


def squeezed_words(detail: str) -> list[str]:
    return [word for word in re.split(r"; |: | ", detail) if word not in {"LISTEN", "server", "status", "s", "≠"}]


def jobs(items: Sequence[pytest.Function], runs: Path) -> Mapping[Hashable, Job]:
    """Return the plays that the chosen tests ask for."""
    asked = {item.callspec.params.get("entry") for item in items if hasattr(item, "callspec")}
    numbered = [(entry, runs / str(at)) for at, entry in enumerate(PLAYS) if entry in asked]
    return {("wrong", *entry): partial(play, *entry, folder) for entry, folder in numbered}


def play(number: int, key: str, runs: Path, labs: Labs) -> Played:
    wrong = PLAYS[number, key]
    played = once(number, key, runs, labs, wrong.patience)
    if played.cut_short(wrong):
        played = once(number, key, runs, labs, MORE_PATIENCE)
    if played.folder.is_dir():
        _ = played.judgement, played.pages  # kept for its tests
    return played


def once(number: int, key: str, runs: Path, labs: Labs, patience: float) -> Played:
    exercise = load_exercise(number)
    pairs = [word for old, new in stand_ins(key).items() for word in ("--stand-in", f"{old}={new}")]
    # Four labs at once would write down each other's calls: asked for only where something is judged by it.
    records = str(int(any(isinstance(each, Recorded) for each in exercise.expect)))
    given = {"LAB_RUNS": str(runs), "LAB_RECORDER": records}
    answer = labs.play(exercise, "run", str(number), "--build", *pairs, patience=patience, **given)
    return Played(exercise, answer, runs / exercise.id / "latest")


@pytest.fixture
def played(done: Done, entry: tuple[int, str]) -> Played:
    found: Played = done["wrong", *entry].result()
    return found


@pytest.fixture
def wrong(entry: tuple[int, str]) -> Wrong:
    return PLAYS[entry]


def named(entry: object) -> str:
    return f"ex{entry[0]:02}-{entry[1]}" if isinstance(entry, tuple) else str(entry)


def of(number: int, key: str) -> pytest.MarkDecorator:
    """Choose the one play that a certain wrong program is part of."""
    return pytest.mark.parametrize("entry", [(number, pack_with(number, key))], ids=named)


every_entry = pytest.mark.parametrize("entry", PLAYS, ids=named)


@every_entry
def test_a_wrong_program_is_a_failure_and_no_fault_of_the_lab(played: Played) -> None:
    assert (played.answer.code, played.answer.stderr) == (1, "")
    assert {each.verdict for each in played.judgement.results} <= {Verdict.PASS, Verdict.FAIL, Verdict.CANNOT_RUN}


@every_entry
def test_a_wrong_program_fails_the_expectations_it_is_known_for_and_no_others(played: Played, wrong: Wrong) -> None:
    assert played.own - set(wrong.may) == set(wrong.fails)


@every_entry
def test_a_failure_says_why_and_marks_the_cells(played: Played, wrong: Wrong) -> None:
    for expectation, seen in wrong.fails.items():
        result = played.results[expectation]
        assert re.search(seen.says, say(result.observed, "en")), result
        missing = [column for column, cell in seen.marks.items() if not marked(result.comparison, column, cell)]
        assert not missing, result


def marked(comparison: Comparison | None, column: str, cell: str) -> bool:
    """Tell whether the comparison marks such a cell as observed, or with `-` a row that is missing."""
    if comparison is None or column not in comparison.columns:
        return False
    at = comparison.columns.index(column)
    for pair in comparison.pairs:
        if pair.observed is None:
            if cell == "-":
                return True
        elif (pair.expected is None or at in pair.differs) and re.fullmatch(cell, pair.observed[at]):
            return True
    return False


@every_entry
def test_a_play_that_stopped_says_once_where_and_why_and_of_the_rest_that_it_was_not_reached(
    played: Played, wrong: Wrong
) -> None:
    stop, stopped = wrong.stops, played.evidence.play.stopped
    unreached = [each for each in played.failed if each.observed.code == STOPPED]
    if stop is None:
        assert (stopped, unreached) == (None, [])
        return
    assert stopped is not None
    assert (stopped.step, stopped.party, stopped.reason) == (stop.step, stop.party, stop.reason)
    assert re.match(stop.detail, stopped.detail), stopped.detail
    assert all(played.at(each) >= played.steps.index(stop.step) for each in unreached)
    later = {each.id for each in played.judgement.results if played.at(each) > played.steps.index(stop.step)}
    assert later <= {each.id for each in unreached}
    for language, page in played.pages.items():
        (told,) = [step.stop for step in played.story(language).steps if step.stop]
        assert page.count(squeezed(told)) == 1
        # Everything that the stage noted is said, in sentences: endpoints, times, last words.
        assert [word for word in squeezed_words(stopped.detail) if word not in squeezed(told)] == []
        counted = 1 if unreached else 0
        not_reached = squeezed(messages(language).get("report.check.not-reached"))
        assert page.count(not_reached) == len(unreached) + counted
        assert squeezed(messages(language).get("errors.record-missing.what").partition("{")[0]) not in page


@every_entry
def test_a_page_of_failures_names_each_with_its_hint_and_who_stood_in_in_both_languages(
    played: Played, wrong: Wrong, entry: tuple[int, str]
) -> None:
    for language, page in played.pages.items():
        texts = played.exercise.texts(language)
        for expectation in wrong.fails:
            for part in ("title", "hint"):
                text = filled(texts.get(f"expect.{expectation}.{part}"), played.evidence.recording.hosts)
                assert squeezed(text) in page, (language, expectation, part)
        for old, new in stand_ins(entry[1]).items():
            assert squeezed(messages(language).get("report.header.stand-in", old=old, new=new)) in page
    assert squeezed(played.answer.stdout.splitlines()[0]) in played.pages["en"]


def filled(text: str, addresses: Mapping[str, str]) -> str:
    for host, address in addresses.items():
        text = text.replace(f"{{{host}}}", address)
    return text


@every_entry
def test_a_failure_points_at_a_place_that_exists(played: Played, wrong: Wrong) -> None:
    for expectation in wrong.fails:
        looks = played.results[expectation].look
        assert looks, expectation
        for look in looks:
            assert (played.folder / look.file).is_file(), look
            assert exists(look, played), look


def exists(look: Look, played: Played) -> bool:
    if look.frame is not None:
        capture = next(record.capture for record in played.evidence.recording.captures if record.file == look.file)
        return look.frame in {segment.number for segment in capture.segments}
    if look.line is not None:
        return 1 <= look.line <= len((played.folder / look.file).read_text().splitlines())
    return look.file == EVIDENCE_FILE or look.file.endswith((".pcap", ".txt", ".strace"))


@of(3, "serve_blocking=forgets_close")
def test_the_line_pointed_at_holds_the_row_that_should_not_be_there(played: Played) -> None:
    (look,) = played.results["server-lets-go"].look
    lines = (played.folder / look.file).read_text().splitlines()
    assert lines[(look.line or 0) - 1].startswith("CLOSE-WAIT")


@of(3, "serve_blocking=answers_lower")
def test_the_frame_pointed_at_carries_the_wrong_answer(played: Played) -> None:
    (look,) = played.results["exchange"].look
    capture = next(record.capture for record in played.evidence.recording.captures if record.file == look.file)
    segment = next(segment for segment in capture.segments if segment.number == look.frame)
    assert (segment.payload, segment.src.port) == (b"hello", 8000)


@of(3, "serve_blocking=ignores_eof")
def test_a_server_that_prints_without_end_does_not_fill_the_record(played: Played) -> None:
    assert (played.folder / EVIDENCE_FILE).stat().st_size < 4_000_000


@of(3, "serve_blocking=ignores_eof")
def test_a_server_that_calls_without_end_neither_fills_the_record_nor_costs_it_a_state(played: Played) -> None:
    kernel = played.evidence.recording.kernel
    assert kernel is not None
    assert len(kernel.data) < 40_000_000
    assert kernel.trace.lost_states == 0


@of(6, "serve_blocking=takes_one_less")
def test_exercise_6_holds_on_a_kernel_that_keeps_one_half_open_connection_fewer(played: Played) -> None:
    """Made, not recorded: an older kernel cannot be had here. For the half-open ones listen(0) is to a newer one what
    listen(1) is to it, so the record of that is given the Send-Q that the older one would show, and nothing else.
    """
    evidence = changed(played.evidence, stand_ins={})
    for snapshot, host, backlog in (("half_open", "server", 5), ("pool_full", "server", 1), ("cookies", "server2", 1)):
        listens = rf"^(LISTEN +\d+ +){backlog - 1}(?= .*:8000 )"
        evidence = with_rows(evidence, snapshot, host, listens, rf"\g<1>{backlog}")
    judgement = judge(played.exercise, evidence)
    assert {each.id for each in judgement.results if each.verdict is not Verdict.PASS} == set()
    assert {claim.id: claim.ruling for claim in judgement.claims}["B13"] is Ruling.CONFIRMED
    rows = [row.state for row in evidence.snapshot("pool_full", "server").rows if row.local.port == PORT]
    assert rows.count(State.SYN_RECEIVED) == 1
