"""Pages of runs with more hosts than two, and what depends on which program had a part."""

from __future__ import annotations

from dataclasses import replace

from lab.recording.play import Output
from lab.recording.run import Run
from lab.recording.saved import SavedLab
from lab.report.ink import Role, plain
from lab.report.story import Story, tell
from lab.report.terminal import head
from lab.report.transcript import transcript
from lab.report.views import show
from lab.report.words import Words
from lab.text.catalog import Catalog
from lab.views import Text
from tests.records import changed
from tests.unit.report.builders import a_run, all_well, judged, looking

SITES = {"site1": "192.168.1.111", "site2": "192.168.1.112", "site3": "192.168.1.113"}


def run_with(*sites: str) -> Run:
    """Return a run with three sites beside, of which these had a program."""
    run = a_run()
    lab = SavedLab(run.play.lab.name, run.play.lab.subnet, {**run.recording.hosts, **SITES})
    first = run.play.parties[0]
    parties = tuple(replace(first, name=site, host=site, program="serve_site") for site in sites)
    return changed(run, lab=lab, parties=(*run.play.parties, *parties))


def story(run: Run) -> Story:
    return tell(judged(all_well(), run), "en")


def test_every_host_that_had_a_program_stands_at_the_head_of_the_page() -> None:
    assert [host.name for host in story(run_with("site1", "site3")).hosts] == ["server", "client", "site1", "site3"]
    assert [host.name for host in story(run_with()).hosts] == ["server", "client"]


def test_hosts_stand_two_on_a_line_and_none_is_left_out() -> None:
    lines = [plain(one) for one in head(story(run_with(*SITES)), 120)]
    named = [[name for name in ("server ", "client ", *SITES) if name in line] for line in lines[1:4]]
    assert named == [["server ", "client "], ["site1", "site2"], ["site3"]]


def test_some_of_what_a_program_printed_can_be_shown() -> None:
    run = a_run()
    party, step = run.play.party("a"), run.play.steps[0]
    outputs = tuple(
        Output(step.begun_ns, "a", "stdout", text) for text in ("200 page", "Traceback", "  more", "Error: 1")
    )
    said = transcript(changed(run, outputs=outputs), party, step, r"^\d|^Error")
    assert [span.text for span in said if span.role is Role.PLAIN] == ["200 page", "Error: 1"]


def said_of_the_sender(run: Run) -> str:
    which = {"prompt": "our own client", "browse": "a browser", "stand-in": "somebody in its place"}
    words = Words(Catalog({"shows": {"sender": which}}, "here"), "en", {})
    return str(show(looking(run, words), Text("sender", party="a"), run.play.steps[0]))


def test_a_text_may_hang_on_the_program_that_was_played() -> None:
    assert "our own client" in said_of_the_sender(a_run())


def test_such_a_text_knows_any_program_that_stands_in_for_another() -> None:
    run = a_run()
    parties = tuple(replace(party, program="rude") if party.name == "a" else party for party in run.play.parties)
    run = changed(run, parties=parties, stand_ins={"prompt": "rude"})
    assert "somebody in its place" in said_of_the_sender(run)
