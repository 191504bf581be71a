"""A run is kept whole or not at all, `latest` always points at a whole one, and labs side by side do not disturb."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from lab.errors import MachineError, UsageError
from lab.recording import folders
from lab.recording.folders import find_run, keep, require_room
from lab.recording.run import Run
from lab.recording.store import load
from tests.records import changed
from tests.unit.judge.builders import evidence as evidence_of_a_run

FORMS = {"verdict.json": "{}\n", "report.md": "# 报告\n"}


@pytest.fixture
def evidence() -> Run:
    return evidence_of_a_run()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_run_is_kept_with_all_its_forms_and_latest_points_at_it(evidence: Run, tmp_path: Path) -> None:
    folder = keep(evidence, FORMS, tmp_path / "runs")

    assert folder.parent == tmp_path / "runs" / evidence.play.exercise
    assert load(folder) == evidence
    assert {name: (folder / name).read_text(encoding="utf-8") for name in FORMS} == FORMS
    assert names(folder.parent) == sorted([folder.name, "latest"])
    assert os.readlink(folder.parent / "latest") == folder.name  # noqa: PTH115


def test_a_run_is_named_after_its_begin(evidence: Run, tmp_path: Path) -> None:
    begun = changed(evidence, begun_ns=1_700_000_000_123_456_789)

    assert keep(begun, {}, tmp_path).name == "2023-11-14T22-13-20.123Z"


def test_latest_moves_to_the_newer_run(evidence: Run, tmp_path: Path) -> None:
    first = keep(evidence, FORMS, tmp_path)
    second = keep(changed(evidence, begun_ns=evidence.recording.begun_ns + 10**9), FORMS, tmp_path)

    assert first != second
    assert (first.parent / "latest").resolve() == second.resolve()


def test_two_runs_of_the_same_millisecond_are_both_kept(evidence: Run, tmp_path: Path) -> None:
    folders = {keep(evidence, FORMS, tmp_path) for _ in range(3)}

    assert len(folders) == 3
    assert all(load(folder) == evidence for folder in folders)


# Numbers are given again: what is left may be called after a process that lives now, this one too.
@pytest.mark.parametrize("number", [999999999, os.getppid(), os.getpid()])
def test_what_a_killed_run_has_left_is_removed(evidence: Run, tmp_path: Path, number: int) -> None:
    left = tmp_path / evidence.play.exercise / f".unfinished.{number}"
    (left / "run").mkdir(parents=True)
    (left / "run" / "half").write_text("half")

    folder = keep(evidence, FORMS, tmp_path)

    assert names(folder.parent) == sorted([folder.name, "latest"])


def test_what_another_lab_is_building_is_left_alone(evidence: Run, tmp_path: Path) -> None:
    parent = tmp_path / evidence.play.exercise
    locked = parent / ".unfinished.abcdefgh"
    locked.mkdir(parents=True)
    descriptor = os.open(locked, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        keep(evidence, FORMS, tmp_path)
        assert locked.is_dir()
    finally:
        os.close(descriptor)


class Interrupted(BaseException):
    """Ctrl-C, at a place of the test's choice."""


@pytest.fixture(params=["save", "_move", "replace"])
def interrupted(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    def interrupt(*_: object, **__: object) -> None:
        raise Interrupted

    target = Path if request.param == "replace" else folders
    monkeypatch.setattr(target, request.param, interrupt)
    return str(request.param)


def test_an_interrupted_keeping_leaves_nothing_half(evidence: Run, tmp_path: Path, interrupted: str) -> None:
    with pytest.raises(Interrupted):
        keep(evidence, FORMS, tmp_path / "runs")

    parent = tmp_path / "runs" / evidence.play.exercise
    if interrupted == "replace":  # the run is whole; only latest does not point at it yet
        assert len(names(parent)) == 1
        assert load(next(parent.iterdir())) == evidence
    else:
        assert not (tmp_path / "runs").exists()


def test_an_interrupted_keeping_leaves_latest_at_the_last_whole_run(
    evidence: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = keep(evidence, FORMS, tmp_path)

    def interrupt(*_: object) -> None:
        raise Interrupted

    monkeypatch.setattr(folders, "_move", interrupt)
    with pytest.raises(Interrupted):
        keep(changed(evidence, begun_ns=evidence.recording.begun_ns + 10**9), FORMS, tmp_path)

    assert find_run("ex03", tmp_path).resolve() == whole.resolve()
    assert names(whole.parent) == sorted([whole.name, "latest"])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(28, "No space left on device"), "disk-full"),
        (PermissionError(13, "Permission denied"), "run-not-kept"),
        (OSError(30, "Read-only file system"), "run-not-kept"),
    ],
)
@pytest.mark.parametrize("where", ["write_text", "write_bytes", "mkdir", "rename", "symlink_to"])
def test_a_disk_that_refuses_is_the_machines_fault_and_nothing_is_left(
    evidence: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, code: str, where: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(Path, where, refuse)
        with pytest.raises(MachineError) as raised:
            keep(evidence, FORMS, tmp_path / "runs")

    assert raised.value.code == code
    assert str(error.strerror) in raised.value.what()
    assert raised.value.params["path"] == str(tmp_path / "runs" / evidence.play.exercise)
    if where != "symlink_to":
        assert not (tmp_path / "runs").exists()


def test_room_is_looked_for_before_a_run_and_nothing_is_made(tmp_path: Path) -> None:
    require_room("ex03", tmp_path / "a" / "b" / "runs")
    assert names(tmp_path) == []

    (tmp_path / "file").write_text("")
    for runs in (tmp_path / "file", tmp_path / "file" / "runs"):
        with pytest.raises(MachineError, match="Not a directory"):
            require_room("ex03", runs)


@pytest.mark.parametrize("asked", ["3", "03", "ex03", "ex03/latest", "{name}", "{folder}", "{runs}/ex03"])
def test_a_run_is_found_by_its_short_and_long_names(evidence: Run, tmp_path: Path, asked: str) -> None:
    folder = keep(evidence, FORMS, tmp_path)
    text = asked.format(name=f"ex03/{folder.name}", folder=folder, runs=tmp_path)

    assert find_run(text, tmp_path).resolve() == folder.resolve()


@pytest.mark.parametrize("text", ["4", "²", "ex99", "", "a\0b", "x" * 5000, "../../..", "٣٣٣"])
def test_what_is_no_run_is_wrong_usage(evidence: Run, tmp_path: Path, text: str) -> None:
    keep(evidence, FORMS, tmp_path)

    with pytest.raises(UsageError) as error:
        find_run(text, tmp_path)
    assert error.value.code == "not-a-run"
