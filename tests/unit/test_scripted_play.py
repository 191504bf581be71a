"""The runner, the stage and its programs, driven by what a real host's agent was asked and said; no engine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.conditions import state
from lab.judge.programs.ended import exited
from lab.judge.programs.printed import printed
from lab.judge.readings.counters import counters
from lab.judge.segments.closing import closes
from lab.judge.segments.ladders import segments
from lab.judge.sockets.tables import sockets
from lab.judge.verdict import Verdict
from lab.recording.run import Run
from lab.recording.saved import run_of, saved_form
from lab.runner import play
from lab.stage import Stage
from lab.wire.state import State
from tests.records import timeline_of
from tests.scripted import SETTINGS, Played, connection, refused, talk


def played(happens: Callable[[Stage], None], monkeypatch: pytest.MonkeyPatch) -> Run:
    return play(Played(happens), SETTINGS, connection(happens.__name__, monkeypatch))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    return played(talk, monkeypatch)


def test_a_play_names_what_the_probes_saw_by_host_and_time(run: Run) -> None:
    assert [step.id for step in run.play.steps] == ["talks", "ends"]
    assert [(party.name, party.role, party.host) for party in run.play.parties] == [
        ("server", "server", "server"),
        ("a", "client", "client"),
    ]
    assert [(taken.name, taken.host) for taken in run.play.snapshots] == [
        ("connected", "server"), ("connected", "client"), ("left", "server"), ("left", "client"), ("closed", "client"),
    ]  # fmt: skip
    for taken in run.play.snapshots:
        assert run.snapshot(taken.name, taken.host).begun_ns == taken.time_ns
        assert not taken.timed_out
    assert run.recording.hosts == {"server": "10.34.0.102", "client": "10.34.0.101"}


def test_what_was_played_so_is_judged_as_any_run(run: Run) -> None:
    close_wait = """
        State       Recv-Q  Send-Q  Local        Peer
        CLOSE-WAIT  1       0       server:8000  client:a
    """
    opening = """
        client:a > server    S
        server   > client:a  S.
        client:a > server    .
    """
    expected = (
        sockets("left", on="server", only="client:a", id="left", table=close_wait),
        segments("a", id="opens", part="open", ladder=opening),
        closes("a", first="a", id="first"),
        printed("a", matches=".*HELLO", id="said"),
        exited("a", 0, id="ended"),
        counters("before", "after", on="server", id="counted", change={"TcpPassiveOpens": 1}),
    )
    results = [one.judge(run) for one in expected]
    assert {each.id: each.verdict for each in results} == dict.fromkeys((one.id for one in expected), Verdict.PASS)


def test_its_timeline_tells_both_ends(run: Run) -> None:
    line = timeline_of(run)
    assert [talk.name for talk in line.talks] == ["a"]
    assert line.lacks == ("switched-off",)


def test_a_run_is_the_same_when_it_was_saved(run: Run) -> None:
    assert run_of(saved_form(run)) == run


def test_a_play_stops_where_a_program_ends_and_never_gets_to_the_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    run = played(refused, monkeypatch)
    assert run.play.stopped is not None
    assert (run.play.stopped.step, run.play.stopped.party, run.play.stopped.reason) == ("dials", "a", "ended-early")
    assert "refused" in run.play.stopped.detail.lower()
    assert [step.id for step in run.play.steps] == ["dials"]
    assert [end.status for end in run.play.exits if end.actor == "a"] == [1]


def test_a_condition_that_never_holds_is_kept_as_timed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.play_recorder.Polling", lambda _: _Over())
    monkeypatch.setattr("lab.play_recorder.PlayRecorder.note_starved", lambda *_: None)
    hosts = connection("talk", monkeypatch).hosts(None)
    looks = dict.fromkeys(hosts, (1, 2, "State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n"))
    monkeypatch.setattr("lab.hosts.host.Host.look_at", lambda _: looks)
    stage = Stage(hosts)
    stage.snapshot("never", server=state(State.ESTABLISHED, "a"))
    assert [(taken.host, taken.timed_out) for taken in stage.snapshots] == [("server", True), ("client", False)]


class _Over:
    """A deadline that has come."""

    def late(self) -> bool:
        return True


def test_a_request_that_is_not_in_the_script_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def other(stage: Stage) -> None:
        with stage.step("talks"):
            stage.serve("serve_select", port=8000)

    with pytest.raises(AssertionError, match="serve_select"):
        play(Played(other), SETTINGS, connection("talk", monkeypatch))
