"""The timeline as a view of a step: what lies in the step, made only for a page that shows it, and only once."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from lab.exercise import Exercise
from lab.recording.play import Play
from lab.recording.recording import Recording
from lab.recording.run import Run
from lab.report.ink import plain
from lab.report.markdown import markdown_page
from lab.report.picture import picture_document
from lab.report.story import Story, tell
from lab.report.terminal import Page
from lab.report.views import Looking, Shown, show
from lab.report.words import Words
from lab.text.catalog import LANGUAGES
from lab.timeline import build
from lab.views import Timeline
from tests.unit.report import builders
from tests.unit.report.test_picture import rows

WHOLE_RUN = Path("runs/ex03/latest")


def looking(evidence: Run, language: str = "en") -> Looking:
    words = Words(builders.an_exercise().texts(language), language, {})
    return builders.looking(evidence, words)


def shown(view: Timeline, step: str, evidence: Run | None = None) -> Shown:
    run = evidence or builders.a_run()
    found = show(looking(run), view, run.play.step(step))
    assert found is not None
    return found


def lines(one: Shown, width: int = 94) -> list[str]:
    assert one.draw is not None
    return [plain(line) for line in one.draw(width)]


def showing(*views: Timeline) -> Exercise:
    """Return the exercise with these views in its first step alone."""
    exercise = builders.an_exercise()
    first, *others = exercise.steps
    return replace(exercise, steps=(replace(first, show=views), *(replace(step, show=()) for step in others)))


def story(exercise: Exercise, language: str = "en") -> Story:
    return tell(builders.judged(builders.all_well(), exercise=exercise), language)


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Recording]:
    """What timelines were built of."""
    calls: list[Recording] = []
    whole = build.build_timeline

    def counted(recording: Recording, play: Play) -> object:
        calls.append(recording)
        return whole(recording, play)

    monkeypatch.setattr(build, "build_timeline", counted)
    return calls


def test_a_step_shows_what_lies_in_it() -> None:
    drawn = "\n".join(lines(shown(Timeline(("a",)), "connects")))
    assert "SYN-SENT" in drawn
    assert '"hello"' not in drawn
    drawn = "\n".join(lines(shown(Timeline(("a",)), "server_first")))
    assert "TIME-WAIT" in drawn
    assert "SYN-SENT" not in drawn


def test_a_step_begins_with_the_states_that_hold_already() -> None:
    first = lines(shown(Timeline(("a",)), "talks"))[1]
    assert first.split() == ["…", "ESTAB", "ESTAB"]


def test_the_whole_connection_can_be_shown_too() -> None:
    drawn = "\n".join(lines(shown(Timeline(("a",), whole=True), "talks")))
    assert drawn.index("SYN-SENT") < drawn.index('"hello"') < drawn.index("TIME-WAIT")


def test_notes_explain_the_marks() -> None:
    assert any(note.startswith("~ ") for note in shown(Timeline(("a",)), "connects").notes)


def test_a_client_of_which_nothing_was_recorded_is_a_clear_line() -> None:
    assert shown(Timeline(("b", "c")), "connects") == Shown(None, ("The run has no record of a connection of b, c.",))


def test_a_step_in_which_nothing_happened_says_so() -> None:
    run = builders.a_run()
    quiet = replace(run.play.steps[0], id="quiet", begun_ns=builders.BEGUN + 31 * builders.MS)
    evidence = builders.without(run, steps=(run.play.steps[0], quiet, *run.play.steps[1:]))
    assert shown(Timeline(("a",)), "quiet", evidence) == Shown(
        None, ("Nothing happened on this connection meanwhile.",)
    )


def test_evidence_that_cannot_be_read_is_said_not_raised() -> None:
    run = builders.a_run()
    damaged = tuple(replace(record, content=record.data[:-3]) for record in run.recording.captures)
    found = shown(Timeline(("a",)), "connects", builders.without(run, captures=damaged))
    assert found.draw is None
    assert "server.pcap" in found.notes[0]


def test_a_page_without_it_builds_no_timeline(built: list[Recording]) -> None:
    story(builders.an_exercise())
    assert built == []


def test_a_page_builds_it_once_for_all_that_show_it(built: list[Recording]) -> None:
    told = story(showing(Timeline(("a",)), Timeline(("a",), whole=True)))
    assert len(told.steps[0].shown) == 2
    assert told.looking.timeline is told.looking.timeline
    assert len(built) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_terminal_markdown_and_picture_show_the_same(language: str) -> None:
    exercise = showing(Timeline(("a",), whole=True))
    judged = builders.judged(builders.all_well(), exercise=exercise)
    console = Console(file=io.StringIO(), width=100)
    Page(console, judged, language).show()
    assert isinstance(console.file, io.StringIO)
    page, markdown = console.file.getvalue(), markdown_page(judged, language)
    picture = "\n".join(rows(picture_document(story(exercise, language), language)))
    for form in (page, markdown, picture):
        row = next(line for line in form.splitlines() if "SYN-SENT" in line)
        assert "──" in row
        assert "SYN-RECV ~" in row
