"""Which references prove a result, where a page shows them, and with which connections the page begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

import pytest

from lab import views
from lab.exercise import Step as PageStep
from lab.exercise import judge
from lab.judge.calls.descriptors import handed
from lab.judge.calls.made import called
from lab.judge.judging import Judged
from lab.judge.programs.ended import exited
from lab.judge.programs.numbers import said
from lab.judge.programs.printed import never_printed, printed, sooner
from lab.judge.programs.processes import children, own_words
from lab.judge.readings.spending import spent
from lab.judge.segments.order import in_order
from lab.judge.serving.abreast import abreast
from lab.judge.serving.order import overlap, turns
from lab.judge.verdict import MOST, CallAt, Look, PrintedLine, ProgramEnd, Result, Verdict
from lab.loading import load_exercise
from lab.recording.play import Exit, Output, Party
from lab.recording.run import Run
from lab.recording.store import load
from lab.report.page.opening import lesson, opening
from lab.report.page.proofs import CALLED, Proof, Spot, proofs
from lab.report.page.run import run_of
from lab.settings import ROOT
from lab.timeline.model import CallMade, SegmentSent, Timeline
from tests.page.scenes import crowd, nine, one
from tests.records import changed, timeline_of
from tests.unit.report import builders
from tests.unit.report.builders import BEGUN, MS

RUNS = ROOT / "tests" / "fixtures" / "runs"


def a_run() -> Run:
    """A run in which `a` and the server print, `ps` is asked for the server's children, and both end."""
    run = builders.a_run()
    told = [
        (11, "a", "connected"), (41, "a", "HELLO"), (50, "a", "took 0.25 s"), (55, "a", "took 0.50 s"), (71, "a", "HELLO"), (12, "server", "pid 12 takes x"), (13, "server", "pid 12 takes y"),
        (42, "ps", "   30    12 serve_blocking"), (43, "ps", "   31    12 serve_blocking"), (44, "ps", "   32     1 init"),
    ]  # fmt: skip
    shell = Party("ps", "shell", "server", "ps", "ps -o pid,ppid,comm", 40, None, None)
    return changed(
        run,
        parties=(*run.play.parties, shell),
        outputs=tuple(Output(BEGUN + at * MS, actor, "stdout", text) for at, actor, text in told),
        exits=(Exit(BEGUN + 72 * MS, "a", 0), Exit(BEGUN + 120 * MS, "server", -15)),
    )


def spots(expectation: Judged, verdict: Verdict = Verdict.PASS) -> list[tuple[float, str]]:
    """When (ms) and what, of the places of what the expectation finds."""
    result = expectation.judge(a_run())
    assert result.verdict is verdict, result
    told = (each for each in result.proof if isinstance(each, PrintedLine | ProgramEnd))
    return [
        ((each.time_ns - BEGUN) / MS, each.text.strip() if isinstance(each, PrintedLine) else each.said.code)
        for each in told
    ]


def shown(expectation: Judged) -> Sequence[Spot]:
    """What the page shows of it beside the timeline."""
    run = a_run()
    return proofs(timeline_of(run), run_of(run, (expectation.judge(run),)))[0].spots


def test_a_line_that_was_printed_is_placed_in_its_step_when_it_was_printed() -> None:
    assert spots(printed("a", "HELLO", id="x", step="talks")) == [(41, "HELLO")]
    assert spots(printed("a", "HELLO", id="x", step="server_first")) == [(71, "HELLO")]
    assert spots(printed("a", "HELLO", id="x")) == [(41, "HELLO")]
    assert spots(printed("a", matches="conn.*", id="x", step="talks")) == [(11, "connected")]
    assert spots(sooner("a", "connected", "HELLO", id="x")) == [(11, "connected")]


def test_of_a_number_that_a_program_told_the_last_line_counts() -> None:
    assert spots(said("a", "took {} s", ">0.4", id="x")) == [(55, "took 0.50 s")]


def test_what_was_printed_instead_is_the_place_of_a_failure() -> None:
    assert spots(printed("a", "HALLO", id="x"), Verdict.FAIL)[-1] == (71, "HELLO")
    assert spots(never_printed("a", "HELLO", id="x", step="talks"), Verdict.FAIL) == [(41, "HELLO")]


def test_all_that_was_printed_proves_that_something_was_not() -> None:
    assert [at for at, _ in spots(never_printed("a", "Traceback.*", id="x", step="talks"))] == [41, 50, 55]
    assert len(spots(never_printed("a", "Traceback.*", id="x"))) == 5


def test_an_end_is_placed_when_it_came_and_a_program_that_goes_on_has_none() -> None:
    assert spots(exited("a", 0, id="x")) == [(72, "exited")]
    assert spots(exited("server", -15, id="x")) == [(120, "ended-by-signal")]
    assert spots(exited("ps", 0, id="x"), Verdict.FAIL) == []


def test_lines_of_a_process_itself_and_of_a_listing_of_processes() -> None:
    assert [at for at, _ in spots(own_words("server", r"pid (?P<pid>\d+) takes .", count=2, id="x"))] == [12, 13]
    assert [at for at, _ in spots(children("ps", of="server", count=2, id="x"))] == [42, 43]


def test_a_spot_stands_on_the_side_of_its_program_or_of_its_host() -> None:
    found = {
        name: shown(each)[0].client
        for name, each in {
            "client": printed("a", "HELLO", id="x"),
            "server": exited("server", -15, id="x"),
            "tool": children("ps", of="server", count=2, id="x"),
        }.items()
    }
    assert found == {"client": True, "server": False, "tool": False}


@cache
def saved(run: str) -> tuple[Run, Timeline]:
    evidence = load(RUNS / run)
    return evidence, timeline_of(evidence)


@cache
def proved() -> Mapping[str, tuple[Result, Proof]]:
    """What exercise 3 expects of the saved run, by id."""
    evidence, timeline = saved("ex03")
    results = judge(load_exercise(3), evidence).results
    found = proofs(timeline, run_of(evidence, results))
    return {result.id: (result, proof) for result, proof in zip(results, found, strict=True)}


def test_all_expectations_of_a_run_have_a_place_but_a_comparison_of_totals() -> None:
    without = {name: proof.lacks for name, (_, proof) in proved().items() if not proof.placed}
    assert without == {"kernel-counted": "totals"}


def test_how_connections_were_closed_is_placed_at_the_first_f_of_each() -> None:
    _, proof = proved()["all-closed"]
    _, timeline = saved("ex03")
    sent = [timeline.moments[number].what for number in proof.moments]
    assert len(sent) == 20
    assert all(isinstance(each, SegmentSent) and "F" in each.segment.flags.letters for each in sent)


def result_of(run: str, expectation: Judged) -> tuple[Run, Timeline, Result, Proof]:
    evidence, timeline = saved(run)
    result = expectation.judge(evidence)
    return evidence, timeline, result, proofs(timeline, run_of(evidence, (result,)))[0]


def test_who_was_served_at_once_is_placed_at_the_first_answers_and_the_first_close() -> None:
    trio = ("serve_poll.plain.trio",)
    _, timeline, result, proof = result_of("models", overlap(trio, id="x"))
    assert result.verdict is Verdict.PASS
    sent = [timeline.moments[number].what for number in proof.moments]
    letters = [each.segment.flags.letters for each in sent if isinstance(each, SegmentSent)]
    assert sorted(letters) == ["F.", "P.", "P.", "P."]
    _, _, result, proof = result_of("models", turns(("serve_blocking.plain.trio",), id="x"))
    assert result.verdict is Verdict.PASS
    assert len(proof.moments) == 3


def test_segments_in_an_order_are_placed_one_by_one_and_hosts_by_their_handshakes() -> None:
    ladder = "client:a > server S\nserver > client:a S.\nserver > client:a F."
    _, timeline, result, proof = result_of("ex03", in_order(ladder, id="x"))
    assert result.verdict is Verdict.PASS
    sent = [timeline.moments[number].what for number in proof.moments]
    assert [each.segment.flags.letters for each in sent if isinstance(each, SegmentSent)] == ["S", "S.", "F."]
    run = a_run()
    found = abreast(("server",), on="client", id="x").judge(run).proof
    assert [look.frame for look in found if isinstance(look, Look)] == [3, 6]


def test_each_call_that_was_counted_is_a_place_and_a_call_that_was_not_made_has_none() -> None:
    _, timeline, result, proof = result_of("models", called("serve_poll.traced", "accept", id="x"))
    count = int(str(result.observed.params["count"]))
    whats = [timeline.moments[number].what for number in proof.moments]
    assert 1 < count == len(whats) + len(proof.spots)
    assert {each.name for each in whats if isinstance(each, CallMade)} <= {"accept"}
    _, _, result, proof = result_of("models", called("serve_poll.traced", "fork", 0, id="x"))
    assert result.verdict is Verdict.PASS
    assert (proof.placed, proof.lacks) == (False, "never")


def test_calls_on_one_descriptor_alone_or_that_failed_alone() -> None:
    evidence, _ = saved("models")
    trace = evidence.trace("serve_poll.traced")
    for expectation in (
        called("serve_poll.traced", "close", of=5, id="x"),
        called("serve_poll.traced", "*", error="EAGAIN", id="x"),
    ):
        result = expectation.judge(evidence)
        count = int(str(result.observed.params["count"]))
        times = [each.time_ns for each in result.proof if isinstance(each, CallAt)]
        named = {call.begun_ns: call for call in trace.calls}
        assert len(times) == min(count, MOST)
        assert all(named[time].error == "EAGAIN" or named[time].fd == 5 for time in times)


def test_calls_that_carried_descriptors_are_places_though_no_tracer_told_of_them() -> None:
    evidence, timeline, result, proof = result_of("models", handed("serve_poll.traced", ("poll",), ">0", id="x"))
    assert result.verdict is Verdict.PASS
    assert proof.placed
    bare = replace(timeline, moments=(), talks=())
    found = proofs(bare, run_of(evidence, (result,)))[0]
    assert found.moments == ()
    assert {spot.message.code for spot in found.spots} == {CALLED}
    assert len(found.spots) <= MOST


def test_a_ratio_has_no_place() -> None:
    ratio = spent("serve_poll.plain", ("rests", "rested"), "<1", id="x")
    _, _, result, proof = result_of("models", ratio)
    assert (proof.placed, proof.lacks) == (False, "totals"), result


def test_equal_spots_are_one() -> None:
    (first,) = shown(printed("a", "HELLO", id="x"))
    (again,) = shown(printed("a", "HELLO", id="y"))
    assert isinstance(first, Spot)
    assert len({first, again}) == 1


# --- the connections to begin with ---


@pytest.mark.parametrize(("number", "clients"), [(3, ("a",)), (6, ("d",)), (11, ("a", "b", "c")), (4, ())])
def test_the_lesson_speaks_of_the_clients_of_its_first_timeline(number: int, clients: tuple[str, ...]) -> None:
    assert lesson(load_exercise(number).steps) == clients


def test_the_page_begins_with_the_lessons_clients_else_with_those_of_the_first_step() -> None:
    timeline, run = nine()
    assert opening(timeline, replace(run, first=("c", "b"))) == (1, 2)
    assert opening(timeline, run) == tuple(range(9))
    early = replace(run.steps[0], ended_ns=run.steps[0].begun_ns + 100 * MS)
    later = replace(run.steps[1], begun_ns=early.ended_ns)
    assert opening(timeline, replace(run, steps=(early, later))) == (0, 1)
    assert opening(timeline, replace(run, first=("nobody",))) == tuple(range(9))


def test_a_crowd_without_names_is_shown_whole() -> None:
    timeline, run = crowd(20)
    assert opening(timeline, run) == tuple(range(20))
    alone, about = one()
    assert opening(replace(alone, talks=()), about) == ()


def test_a_step_that_shows_no_timeline_names_nobody() -> None:
    assert lesson((PageStep("a"), PageStep("b", show=(views.Timeline(("x",)),)))) == ("x",)
