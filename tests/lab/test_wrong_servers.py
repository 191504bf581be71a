"""Exercise 3 with every deliberately wrong server: what fails, why, and what a learner is told."""

from __future__ import annotations

import io
import os
import queue
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import pytest
from rich.console import Console

from lab.evidence.layout import EVIDENCE_FILE
from lab.evidence.records import Evidence
from lab.evidence.store import load
from lab.exercise import Judgement, judge, load_exercise
from lab.hosts.cleanup import remove_lab
from lab.hosts.compose import bring_up
from lab.judge.judging import STOPPED, say
from lab.judge.verdict import Comparison, Look, Result, Verdict
from lab.report.story import Story, tell
from lab.report.terminal import Page
from lab.settings import HOSTS, ROOT, Settings
from lab.text.catalog import LANGUAGES, messages
from tests.support import another_lab, variables
from tests.wrong_servers import WRONG_SERVERS, Seen

pytestmark = pytest.mark.lab

EXERCISE: Final = load_exercise(3)
STEPS: Final = [step.id for step in EXERCISE.steps]
SECONDS: Final = 60


@dataclass(frozen=True)
class Played:
    """What `lab run 3 --server NAME` did: its exit code, what it printed, and the folder it kept."""

    server: str
    answer: subprocess.CompletedProcess[str]
    folder: Path

    @cached_property
    def evidence(self) -> Evidence:
        assert self.folder.is_dir(), self.answer.stderr
        return load(self.folder)

    @cached_property
    def judgement(self) -> Judgement:
        return judge(EXERCISE, self.evidence)

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

    def story(self, language: str) -> Story:
        texts = EXERCISE.texts(language)
        return tell(EXERCISE, self.evidence, self.judgement, texts, language, self.folder)

    def _page(self, language: str) -> str:
        out = io.StringIO()
        console = Console(file=out, width=100, highlight=False)
        texts = EXERCISE.texts(language)
        Page(console, EXERCISE, self.evidence, self.judgement, texts, language, self.folder).show(None)
        return out.getvalue()


def squeezed(text: str) -> str:
    return "".join(text.split())


def squeezed_words(detail: str) -> list[str]:
    return [word for word in re.split(r"; |: | ", detail) if word not in {"LISTEN", "server", "status", "s", "≠"}]


@pytest.fixture(scope="session")
def plays(hosts_up: Settings, request: pytest.FixtureRequest) -> Iterator[Mapping[str, Played]]:
    """Play every wrong server that a chosen test asks for; on two labs at once, since most of it is waiting."""
    asked = {item.callspec.params.get("server") for item in request.session.items if hasattr(item, "callspec")}
    names = [name for name in WRONG_SERVERS if name in asked]
    other = another_lab(hosts_up, "wrong")
    labs: queue.SimpleQueue[Settings] = queue.SimpleQueue()
    bring_up(other, {host: {} for host in HOSTS})
    labs.put(hosts_up)
    labs.put(other)
    with tempfile.TemporaryDirectory() as runs, ThreadPoolExecutor(max_workers=2) as pool:
        try:
            yield {played.server: played for played in pool.map(lambda name: play(name, labs, Path(runs)), names)}
        finally:
            remove_lab(other)


def play(server: str, labs: queue.SimpleQueue[Settings], runs: Path) -> Played:
    lab = labs.get()
    try:
        answer = subprocess.run(
            [sys.executable, "-m", "lab.cli", "run", "3", "--server", server],
            cwd=ROOT,
            env=os.environ | variables(lab) | {"LAB_RUNS": str(runs / server), "LAB_LANG": "en", "ASK": "0"},
            check=False,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            stdin=subprocess.DEVNULL,
        )
    finally:
        labs.put(lab)
    return Played(server, answer, runs / server / "ex03" / "latest")


@pytest.fixture
def played(plays: Mapping[str, Played], server: str) -> Played:
    return plays[server]


every_wrong_server = pytest.mark.parametrize("server", WRONG_SERVERS)


@every_wrong_server
def test_a_wrong_server_is_a_failure_and_no_fault_of_the_lab(played: Played) -> None:
    assert (played.answer.returncode, played.answer.stderr) == (1, "")
    assert {each.verdict for each in played.judgement.results} <= {Verdict.PASS, Verdict.FAIL}


@every_wrong_server
def test_a_wrong_server_fails_the_expectations_it_is_known_for_and_no_others(played: Played, server: str) -> None:
    wrong = WRONG_SERVERS[server]
    assert played.own - set(wrong.may) == set(wrong.fails)


@every_wrong_server
def test_a_failure_says_why_and_marks_the_cells(played: Played, server: str) -> None:
    for expectation, seen in WRONG_SERVERS[server].fails.items():
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


@every_wrong_server
def test_a_play_that_stopped_says_once_where_and_why_and_of_the_rest_that_it_was_not_reached(
    played: Played, server: str
) -> None:
    stop, stopped = WRONG_SERVERS[server].stops, played.evidence.stopped
    unreached = [each for each in played.failed if each.observed.code == STOPPED]
    if stop is None:
        assert (stopped, unreached) == (None, [])
        return
    assert stopped is not None
    assert (stopped.step, stopped.party, stopped.reason) == (stop.step, stop.party, stop.reason)
    assert re.match(stop.detail, stopped.detail), stopped.detail
    assert unreached
    assert all(STEPS.index(each.step or "") >= STEPS.index(stop.step) for each in unreached)
    later = {each.id for each in played.judgement.results if STEPS.index(each.step or "") > STEPS.index(stop.step)}
    assert later <= {each.id for each in unreached}
    for language, page in played.pages.items():
        (told,) = [step.stop for step in played.story(language).steps if step.stop]
        assert page.count(squeezed(told)) == 1
        # Everything that the stage noted is said, in sentences: endpoints, times, last words.
        assert [word for word in squeezed_words(stopped.detail) if word not in squeezed(told)] == []
        assert page.count(squeezed(messages(language).get("report.check.not-reached"))) == len(unreached) + 1
        assert squeezed(messages(language).get("errors.record-missing.what").partition("{")[0]) not in page


@every_wrong_server
def test_a_page_of_failures_names_each_with_its_hint_in_both_languages(played: Played, server: str) -> None:
    for language, page in played.pages.items():
        texts = EXERCISE.texts(language)
        for expectation in WRONG_SERVERS[server].fails:
            for part in ("title", "hint"):
                text = texts.get(f"expect.{expectation}.{part}")
                assert squeezed(text) in page, (language, expectation, part)
    assert squeezed(played.answer.stdout.splitlines()[0]) in played.pages["en"]


@every_wrong_server
def test_a_failure_points_at_a_place_that_exists(played: Played, server: str) -> None:
    for expectation in WRONG_SERVERS[server].fails:
        looks = played.results[expectation].look
        assert looks, expectation
        for look in looks:
            assert (played.folder / look.file).is_file(), look
            assert exists(look, played), look


def exists(look: Look, played: Played) -> bool:
    if look.frame is not None:
        capture = next(record.capture for record in played.evidence.captures if record.file == look.file)
        return look.frame in {segment.number for segment in capture.segments}
    if look.line is not None:
        return 1 <= look.line <= len((played.folder / look.file).read_text().splitlines())
    return look.file == EVIDENCE_FILE or look.file.endswith((".pcap", ".txt"))


@pytest.mark.parametrize("server", ["forgets_close"])
def test_the_line_pointed_at_holds_the_row_that_should_not_be_there(played: Played, server: str) -> None:
    (look,) = played.results["server-lets-go"].look
    lines = (played.folder / look.file).read_text().splitlines()
    assert lines[(look.line or 0) - 1].startswith("CLOSE-WAIT")
    assert server in played.answer.stdout


@pytest.mark.parametrize("server", ["answers_lower"])
def test_the_frame_pointed_at_carries_the_wrong_answer(played: Played, server: str) -> None:
    (look,) = played.results["exchange"].look
    capture = next(record.capture for record in played.evidence.captures if record.file == look.file)
    segment = next(segment for segment in capture.segments if segment.number == look.frame)
    assert (segment.payload, server in played.answer.stdout) == (b"hello", True)
    assert segment.src.port == 8000


@pytest.mark.parametrize("server", ["ignores_eof"])
def test_a_server_that_prints_without_end_does_not_fill_the_record(played: Played, server: str) -> None:
    assert server in played.answer.stdout
    assert (played.folder / EVIDENCE_FILE).stat().st_size < 4_000_000


def test_every_wrong_server_is_known() -> None:
    assert {path.stem for path in (ROOT / "images" / "servers" / "broken").glob("*.py")} == set(WRONG_SERVERS)


def test_a_wrong_server_differs_from_the_right_one_by_little_and_says_so() -> None:
    right = (ROOT / "images" / "servers" / "serve_blocking.py").read_text().splitlines()
    for path in (ROOT / "images" / "servers" / "broken").glob("*.py"):
        text = path.read_text()
        added = [line for line in text.partition('"""\n')[2].splitlines() if line not in right]
        assert len(added) <= 8, path.name
        assert re.search(r"the mistake", text, re.IGNORECASE), path.name
        assert text.splitlines()[1].startswith('"""Broken on purpose'), path.name
        assert len(path.stem) <= 15, f"{path.name}: ss would cut its name short"


def test_no_other_seen_is_left_over() -> None:
    known = {expectation.id for expectation in EXERCISE.expect}
    assert {each for wrong in WRONG_SERVERS.values() for each in (*wrong.fails, *wrong.may)} <= known
    assert all(isinstance(seen, Seen) for wrong in WRONG_SERVERS.values() for seen in wrong.fails.values())
