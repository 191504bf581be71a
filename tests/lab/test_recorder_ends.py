"""However a recording ends, the kernel records nothing for the lab afterwards, and no run fails for want of one."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from lab.exercise import judge
from lab.hosts import compose
from lab.hosts.cleanup import remove_lab
from lab.hosts.connection import Connection
from lab.hosts.tracefs import instance_names, remove_instances
from lab.judge.verdict import Verdict
from lab.loading import load_exercise
from lab.recording.run import Run
from lab.recording.saved import saved_form
from lab.recording.store import load
from lab.runner import play
from lab.settings import HOSTS, RECORDER, Settings
from tests.lab.conftest import RunLab
from tests.lab.faults import finish, here, lab, one_line, when
from tests.lab.kernelrecord import container_ids, mounted, scene, signal_in_recorder
from tests.lab.private_engine import private_engine
from tests.support import another_lab, eventually, left_of, needs_root, run, trace_instances, variables

pytestmark = [pytest.mark.lab, needs_root]

PROGRAM: Final = "/lab/recorder/record.py"
AGENT: Final = "/lab/agent"


@pytest.fixture(scope="module")
def cut(settings: Settings) -> Iterator[Settings]:
    """A lab of its own, to be interrupted."""
    found = another_lab(settings, "end")
    try:
        yield found
    finally:
        remove_lab(found)
        assert left_of(found) == []


def instance(settings: Settings) -> bool | None:
    """Return whether one of the lab's instances records; None when there is none."""
    states = [records for name, records in trace_instances().items() if name in instance_names(settings)]
    return any(states) if states else None


def saved(runs: Path) -> Run:
    return load(runs / "ex03" / "latest")


# -- who it is for is gone


@pytest.mark.parametrize("script", [PROGRAM, AGENT], ids=["the program", "its agent"])
def test_kill_9_of_what_records_ends_the_recording(cut: Settings, script: str) -> None:
    with scene(cut) as found:
        found.begin()
        assert instance(cut) is True
        signal_in_recorder(cut, "SIGKILL", script)
        assert eventually(lambda: instance(cut) is None)
        assert (found.recorder.end(), found.recorder.unrecorded) == (None, "died")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=lambda number: number.name)
def test_a_lab_that_is_interrupted_ends_its_recording(cut: Settings, tmp_path: Path, number: signal.Signals) -> None:
    with lab("run", "3", runs=tmp_path, env=variables(cut)) as process:
        when(process, lambda: instance(cut))
        os.killpg(process.pid, number)
        finish(process)
    assert eventually(lambda: instance(cut) is None)


# -- its container is gone


def kill_container(settings: Settings) -> None:
    run("docker", "kill", settings.container(RECORDER))


def remove_container(settings: Settings) -> None:
    run("docker", "rm", "-f", settings.container(RECORDER))


@pytest.mark.parametrize("end", [kill_container, remove_container])
def test_the_kernel_itself_stops_when_the_container_is_killed_and_down_removes_the_rest(
    cut: Settings, end: Callable[[Settings], None]
) -> None:
    with scene(cut) as found:
        found.begin()
        end(cut)
        assert eventually(lambda: instance(cut) is False), "it is there, and records nothing"
    assert here("down", env=variables(cut)).returncode == 0
    assert left_of(cut) == []


def test_down_without_root_has_a_container_of_the_same_rights_remove_it(
    cut: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with scene(cut) as found:
        found.begin()
        kill_container(cut)
    remove_lab(cut)
    monkeypatch.undo()
    assert left_of(cut) == []


def test_the_next_recording_removes_what_a_killed_container_left(cut: Settings) -> None:
    with scene(cut) as found:
        found.begin()
        kill_container(cut)
    with scene(cut) as found:
        found.begin()
        found.connect(1)
        assert found.end().complete
    assert eventually(lambda: instance(cut) is None)


def test_a_container_that_is_told_to_end_removes_the_recording_first(cut: Settings) -> None:
    with scene(cut) as found:
        found.begin()
        run("docker", "stop", cut.container(RECORDER))
        assert instance(cut) is None
        assert run("docker", "inspect", "--format", "{{.State.ExitCode}}", cut.container(RECORDER)).strip() == "0"


def test_down_in_the_midst_of_a_recording_leaves_nothing(cut: Settings) -> None:
    with Connection(cut) as connection:
        connection.hosts({host: {} for host in HOSTS})
        recorder = connection.recorder()
        recorder.begin()
        recorder.wait_recording()
        assert instance(cut) is True
        assert here("down", env=variables(cut)).returncode == 0
    assert left_of(cut) == []


def test_down_as_root_removes_an_instance_of_a_mounted_tracefs_too(cut: Settings) -> None:
    with mounted():
        names = instance_names(cut)
        for name in names:
            Path("/sys/kernel/tracing/instances", name).mkdir()
        assert remove_instances(cut) == names
        assert remove_instances(cut) == []
    assert left_of(cut) == []


def test_an_engine_that_is_killed_leaves_no_recording(settings: Settings, tmp_path: Path) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="engine-", ignore_cleanup_errors=True) as folder,
        private_engine(Path(folder)) as engine,
    ):
        found = another_lab(settings, "eng")
        env = variables(found) | {"DOCKER_HOST": engine.host}
        with lab("run", "3", runs=tmp_path, env=env) as process:
            when(process, lambda: instance(found))
            engine.kill(signal.SIGKILL)
            finish(process)
        engine.start()
        with lab("down", runs=tmp_path, env=env) as process:
            assert finish(process).returncode == 0
        assert eventually(lambda: instance(found) is None)


# -- a run without it


def test_a_recorder_that_dies_fails_no_run_which_says_so(cut: Settings, tmp_path: Path) -> None:
    with lab("run", "3", runs=tmp_path, env=variables(cut)) as process:
        when(process, lambda: instance(cut))
        signal_in_recorder(cut, "SIGKILL", PROGRAM)
        answer = finish(process)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert (saved(tmp_path).recording.kernel, saved(tmp_path).recording.unrecorded) == (None, "died")


def test_a_recorder_that_stands_still_fails_no_run(cut: Settings, tmp_path: Path) -> None:
    with scene(cut):
        pass
    run("docker", "pause", cut.container(RECORDER))
    with lab("run", "3", runs=tmp_path, env=variables(cut)) as process:
        answer = finish(process)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert saved(tmp_path).recording.kernel is None
    assert here("down", env=variables(cut)).returncode == 0
    assert left_of(cut) == []


def test_a_run_is_recorded_from_before_its_first_act_to_after_its_last(
    cut: Settings, run_lab: RunLab, tmp_path: Path
) -> None:
    answer = run_lab("run", "3", env=variables(cut))
    assert (answer.returncode, answer.stderr) == (0, "")
    evidence = saved(tmp_path / "runs")
    assert evidence.recording.kernel is not None
    assert evidence.recording.unrecorded == ""
    assert evidence.recording.kernel.complete
    assert evidence.recording.kernel.trace.begun_ns < min(action.time_ns for action in evidence.play.actions)
    assert evidence.recording.kernel.trace.ended_ns > max(step.ended_ns for step in evidence.play.steps)
    assert [sampling.name for sampling in saved_form(evidence).samplings if sampling.name == "throughout"] == []


def test_without_a_record_both_hosts_are_looked_at_all_along(cut: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose, "_least_grant", dict)
    exercise = load_exercise(3)
    with Connection(cut) as connection:
        evidence = play(exercise, cut, connection)
    looks = {sampling.host: sampling for sampling in saved_form(evidence).samplings if sampling.name == "throughout"}
    assert (evidence.recording.kernel, evidence.recording.unrecorded) == (None, "not-permitted")
    assert set(looks) == set(HOSTS)
    for host in HOSTS:
        assert looks[host].polls >= len(looks[host].samples) > 1
        assert looks[host].begun_ns < min(step.begun_ns for step in evidence.play.steps)
        assert looks[host].ended_ns > max(step.ended_ns for step in evidence.play.steps)
    assert judge(exercise, evidence).verdict is Verdict.PASS


def test_switched_off_a_run_says_so_and_looks_no_oftener(cut: Settings, run_lab: RunLab, tmp_path: Path) -> None:
    remove_lab(cut)
    answer = run_lab("run", "3", env=variables(cut) | {"LAB_RECORDER": "0"})
    assert answer.returncode == 0
    evidence = saved(tmp_path / "runs")
    assert (evidence.recording.kernel, evidence.recording.unrecorded) == (None, "switched-off")
    assert [sampling.name for sampling in saved_form(evidence).samplings if sampling.name == "throughout"] == []
    assert set(container_ids(cut)) == {cut.container(host) for host in HOSTS}


def test_a_switch_that_is_neither_is_wrong_usage() -> None:
    answer = here("run", "3", env={"LAB_RECORDER": "maybe"})
    assert answer.returncode == 2
    assert "LAB_RECORDER=maybe" in one_line(answer)
