"""What programs sent, printed, typed and are called reaches no reader as anything but text, in any form of a page."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from html.parser import HTMLParser
from typing import Final
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from lab.commands.progress import progress, say
from lab.exercise import JudgedRun, Judgement
from lab.foreign import TAKEN, shown
from lab.judge.verdict import Comparison, Look, Message, Pair, Result, Verdict
from lab.kernel.sockets import parse_ss
from lab.live.news import Appears, Note
from lab.recording.play import Output, Stopped
from lab.recording.run import Run
from lab.recording.saved import saved_form
from lab.report.jsonform import to_json, verdict_document
from lab.report.junit import junit_document
from lab.report.live import LiveText
from lab.report.live_json import item_object
from lab.report.markdown import markdown_page
from lab.report.packets import packet_comments
from lab.report.page.document import page_document
from lab.report.page.opening import lesson
from lab.report.page.run import run_of
from lab.report.picture import picture_document
from lab.report.story import tell
from lab.report.style import emit_all
from lab.report.terminal import Page
from lab.report.timeline_picture import timeline_document
from lab.report.timeline_text import timeline_text
from lab.report.watch import watch_lines
from lab.report.words import Words
from lab.settings import read_settings
from lab.text.catalog import Catalog
from lab.timeline.model import CallMade, Timeline
from tests.records import changed
from tests.unit.report import builders, timelines

VERDICT: Final = "\x1b[2J\x1b[H\x1b]0;owned\x07  VERDICT  pass: all 39 expectations hold"
MARKUP: Final = "<b onmouseover=alert(1)>`` ` <img src=x> `&lt;![x](y) [a](b) | **c** ]]> <!-- </script> '\" {server}"
pieces: Final = st.sampled_from(
    ["\x1b[2J", "\x9b1A", "\u202e", "\u2066", "\r", "\n", "\t", "\x07", "\x7f", "`", "``", "<b>", "&amp;", "|", "](x)", '"', "\\",
     "中", "\udcff", "\x00", "~~~", "```", "{server}", "# ", "- ", "%s", "[/bold]", "[red]", " "]
)  # fmt: skip
hostile: Final = st.sampled_from([VERDICT, MARKUP]) | st.lists(pieces, max_size=9).map("".join) | st.text(max_size=40)
TEXTS: Final = builders.an_exercise().texts("en")


def a_run(text: str) -> Run:
    """Return a run in which everything that programs can choose says that."""
    run = builders.a_run()
    name = re.sub(r"[)\x00]", "", text)[:5]
    return changed(
        run,
        parties=tuple(replace(party, program=text, command=f"{text} 8000") for party in run.play.parties),
        actions=tuple(replace(action, text=text) for action in run.play.actions),
        outputs=tuple(Output(run.recording.begun_ns + at * 1_000_000, "a", "stdout", text) for at in (11, 41, 42)),
        snapshots=tuple(
            replace(one, text=one.text.replace("serve_blocking", name).replace("prompt", name)) for one in saved_form(run).snapshots
        ),
        stand_ins={"serve_blocking": text},
        environment={"kernel": text},
        stopped=Stopped("server_first", "a", "ended-early", text),
    )  # fmt: skip


def a_judgement(text: str) -> Judgement:
    """Return a judgement whose results tell of it in their words and cells."""
    said = Message("printed", {"party": "a", "line": text})
    table = Comparison(
        ("Line", "Process"), (Pair(("x", ""), (text, text), frozenset({0, 1})), Pair(None, (text, ""), frozenset()))
    )
    looks = (Look(f"ss/{text}.txt", line=3),)
    return builders.judgement(
        Result("handshake", "connects", Verdict.FAIL, said, said, table, looks),
        Result("upper", "talks", Verdict.INCONCLUSIVE, said, said, None, looks),
        Result("counted", None, Verdict.FAIL, said, said, table, looks),
    )  # fmt: skip


def a_judged_run(text: str) -> JudgedRun:
    return builders.judged(a_judgement(text), a_run(text))


def a_timeline(text: str) -> Timeline:
    timeline = timelines.one_client()
    moments = tuple(
        replace(each, what=replace(each.what, party=text)) if isinstance(each.what, CallMade) else each
        for each in timeline.moments
    )
    return replace(timeline, moments=moments, talks=tuple(replace(talk, name=text) for talk in timeline.talks))


def words(language: str = "en") -> Words:
    return Words(TEXTS, language, builders.a_run().recording.hosts)


def harmless(text: str) -> bool:
    return all(shown(line) == line for line in text.split("\n"))


def tags(document: str) -> Iterator[tuple[str, ...]]:
    """Yield each element with the names of its attributes."""
    found: list[tuple[str, ...]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, *(name for name, _ in attrs)))

    Reader().feed(document)
    return iter(found)


@given(hostile)
@settings(max_examples=30, deadline=None)
def test_the_terminal_gets_colours_and_nothing_else(text: str) -> None:
    for terminal in (True, False):
        out = io.StringIO()
        console = Console(file=out, force_terminal=terminal, width=100, highlight=False, legacy_windows=False)
        Page(console, a_judged_run(text), "en").show()
        assert harmless(re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue()) if terminal else out.getvalue())


@given(hostile)
@settings(max_examples=30, deadline=None)
def test_markdown_gets_no_markup(text: str) -> None:
    page = markdown_page(a_judged_run(text), "en")
    assert harmless(page)
    found = Counter(
        token.type
        for block in MarkdownIt("commonmark").enable("table").enable("strikethrough").parse(page)
        for token in (block, *(block.children or ()))
    )
    assert not {kind for kind in found if kind.startswith(("html", "link", "image", "s_"))} - {"html_inline"}
    # The one kind of element in it is the line break of a table.
    assert page.count("<br>") == found["html_inline"]


@given(hostile)
@settings(max_examples=30, deadline=None)
def test_junit_and_json_can_be_read_and_hold_it(text: str) -> None:
    judged = a_judged_run(text)
    xml = junit_document(judged)
    assert harmless(xml)
    told = ET.fromstring(xml)  # noqa: S314 - our own
    message = next(told.iter("failure")).attrib["message"]
    addressed = text.strip().replace("{server}", builders.SERVER)  # as in the texts of an exercise
    assert " ".join(shown(addressed).split()) in message  # on one line, whatever blanks it has
    assert harmless(to_json(verdict_document(judged)))


@given(hostile)
@settings(max_examples=30, deadline=None)
def test_pictures_have_no_element_more(text: str) -> None:
    for draw in (_picture, _timeline):
        document = draw(text)
        assert harmless(document)
        ET.fromstring(document)  # noqa: S314 - our own
        assert {*tags(document)} <= {*tags(draw("serve"))} | {*tags(draw("a line that is much longer, and red"))}


def _picture(text: str) -> str:
    story = tell(a_judged_run(text), "en")
    return picture_document(story, "en")


def _timeline(text: str) -> str:
    timeline = a_timeline(text)
    return timeline_document(timeline_text(timeline, timeline.talks, words()), "title", "en")


@given(hostile)
@settings(max_examples=15, deadline=None)
def test_the_page_has_no_element_more(text: str) -> None:
    document = _html(text)
    assert harmless(document)
    assert _elements(document) == _elements(_html("x"))


def _elements(document: str) -> Counter[tuple[str, ...]]:
    """Return how many there are of each; words between backticks, and places to break a line at, are as many as come."""
    return Counter(each for each in tags(document) if each not in {("code",), ("wbr",)})


def _html(text: str) -> str:
    judged = a_judged_run(text)
    run, judgement, story = judged.run, judged.judgement, tell(judged, "en")
    timeline = a_timeline(text)
    shows = run_of(run, judgement.results, lesson(builders.an_exercise().steps))
    return page_document(story, timeline, shows, language="en")


@given(hostile)
@settings(max_examples=30, deadline=None)
def test_comments_on_packets_are_lines(text: str) -> None:
    for said in packet_comments(a_run(text), a_timeline(text), a_judgement(text).results, words()).values():
        assert all(shown(one) == one for one in said)


@given(st.binary(max_size=15).filter(lambda name: not {*name} & {0, ord(")")}))
@settings(max_examples=60, deadline=None)
def test_watch_keeps_its_columns_whatever_a_process_is_called(name: bytes) -> None:
    row = b'ESTAB 0 0 192.168.1.102:8000 192.168.1.101:5000 users:(("%s",pid=7,fd=4))' % name
    rows = parse_ss(row.decode(errors=TAKEN))
    assert [process.pid for process in rows[0].processes] == [7]
    for width in (80, 150):
        for one in watch_lines({"server": rows, "client": rows}, None, {}, "en", width):
            assert all(shown(span.text) == span.text for span in one)


@given(hostile)
@settings(max_examples=30, deadline=None)
def test_live_tells_of_a_program_in_one_line(text: str) -> None:
    out = io.StringIO()
    live = LiveText(Words(Catalog({}, ""), "en", {}), 100, 0)
    item = Appears(time_ns=1, host="server", program=text, pid=7)
    emit_all(Console(file=out, width=100, highlight=False), live.lines([item]))
    assert harmless(out.getvalue())
    assert out.getvalue().count("\n") == 1
    assert harmless(to_json(item_object(item)))
    assert harmless(to_json(item_object(Note(1, "standing", {"program": text}))))


@given(hostile)
@settings(max_examples=30, deadline=None)
def test_what_commands_say_beside_their_answers_is_one_line(text: str) -> None:
    lab = read_settings({"LAB_LANG": "en"})
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        say(lab, "status-owner", owner=text, checkout=text)
        progress(lab)("waiting", {"command": text, "pid": 7})
    for said in (out.getvalue(), err.getvalue()):
        assert (harmless(said), said.count("\n")) == (True, 1)
