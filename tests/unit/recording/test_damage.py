"""Each file of a run, damaged in each way: never does a verdict stay that no longer rests on what was recorded."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from lab.errors import EXIT_INCONCLUSIVE, EvidenceError, UsageError
from lab.exercise import judge
from lab.judge.calls.made import called
from lab.judge.judging import in_time, say
from lab.judge.verdict import Look, Verdict
from lab.loading import load_exercise
from lab.recording.delays import NO_PROCESSOR, Delay
from lab.recording.folders import find_run
from lab.recording.layout import EVIDENCE_FILE
from lab.recording.store import load, save
from lab.settings import ROOT
from tests.damage import DAMAGES, UNREAD, damaged, files_of, passed_on_nothing
from tests.records import changed
from tests.unit.judge.calls.test_readiness import traced

RECORDED: Final = ROOT / "tests" / "fixtures" / "runs"
RUNS: Final = ("ex03", "models")
ANSWER_SECONDS: Final = 60


def saved(name: str, folder: Path) -> Path:
    """Return a recorded run as it would be saved now."""
    save(load(RECORDED / name), folder / name)
    return folder / name


FILES: Final = [(name, place) for name in RUNS for place in files_of(RECORDED / name) if place not in UNREAD]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(("name", "place"), FILES)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, place: str, damage: str) -> None:
    run = saved(name, tmp_path)
    assert damaged(run / place, damage)
    with pytest.raises((EvidenceError, UsageError)) as caught:
        load(run)
    assert place in str(caught.value), "it is told which one"
    gone = (place, damage) == (EVIDENCE_FILE, "removed")
    assert caught.value.code == "not-a-run" if gone else caught.value.exit_code == EXIT_INCONCLUSIVE


UNJUDGED: Final = {"ss/04-b_connected.server.txt", "ss/07-restarted.client.txt"}
"""What is kept of moments that the page shows, but of which nothing is expected."""


@pytest.mark.parametrize("damage", ["emptied", "removed"])
@pytest.mark.parametrize("place", [each for each in files_of(RECORDED / "ex03") if each not in {*UNREAD, *UNJUDGED}])
def test_a_file_that_is_empty_proves_nothing_in_a_run_of_before_digests(
    tmp_path: Path, place: str, damage: str
) -> None:
    shutil.copytree(RECORDED / "ex03", tmp_path / "run")
    assert damaged(tmp_path / "run" / place, damage)
    assert verdict_of(tmp_path / "run") is not Verdict.PASS


def verdict_of(run: Path) -> Verdict:
    try:
        evidence = load(run)
    except (EvidenceError, UsageError):
        return Verdict.INCONCLUSIVE
    return judge(load_exercise(3), evidence).verdict


def test_what_is_there_for_the_reader_alone_changes_no_verdict(tmp_path: Path) -> None:
    run = saved("ex03", tmp_path)
    for place in UNREAD:
        (run / place).write_text("")
    assert judge(load_exercise(3), load(run)).verdict is Verdict.PASS


def test_no_expectation_passes_on_an_empty_record() -> None:
    assert passed_on_nothing(load_exercise(3), load(RECORDED / "ex03")) == []


@pytest.mark.parametrize("text", ["", "41 1700000000.001000 accept4(3) = 4 <0.1>\n"])
def test_a_trace_without_its_end_counts_no_calls(text: str) -> None:
    result = called("server", "accept", 0, id="c").judge(traced(text, ended=""))
    assert result.verdict is Verdict.INCONCLUSIVE


EVADES: Final = (
    "41 1700000000.001000 clone3({flags=CLONE_FS|CLONE_UNTRACED, exit_signal=SIGCHLD, stack=NULL}, 88) = 42 <0.1>\n",
    "41 1700000000.001000 clone(child_stack=NULL, flags=CLONE_UNTRACED|SIGCHLD) = 42 <0.1>\n",
    "41 1700000000.001000 io_uring_setup(8, {flags=0, sq_entries=8}) = 3<anon_inode:[io_uring]> <0.1>\n",
)
SHOWS_ALL: Final = (
    "41 1700000000.001000 clone3({flags=CLONE_FS, exit_signal=SIGCHLD, stack=NULL}, 88) = 42 <0.1>\n",
    "41 1700000000.001000 io_uring_setup(8, {flags=0}) = -1 EPERM (Operation not permitted) <0.1>\n",
    "41 1700000000.001000 clone3({flags=CLONE_UNTRACED}, 88) = -1 ENOSYS (Function not implemented) <0.1>\n",
)


@pytest.mark.parametrize("text", EVADES)
@pytest.mark.parametrize("ended", [{}, {"ended": ""}], ids=["whole", "cut"])
def test_a_program_that_keeps_calls_from_strace_fails_at_the_line_that_shows_it(
    text: str, ended: dict[str, Any]
) -> None:
    evidence = traced(text, **ended)
    result = called("server", "accept", 0, id="c").judge(evidence)
    assert (result.verdict, result.look) == (Verdict.FAIL, (Look(evidence.trace("server").file, line=1),))
    for language, words in (("en", "the program keeps it from being seen: "), ("zh-CN", "程序使它无法被看到：")):
        assert say(result.observed, language).startswith(words)


def test_no_delay_excuses_a_program_that_keeps_calls_from_strace() -> None:
    delay = Delay("server", NO_PROCESSOR, 0, 1, 1)
    evidence = changed(traced(EVADES[0]), delays=(delay,))
    result = called("server", "accept", 0, id="c").judge(evidence)
    assert in_time(result, evidence) == result


@pytest.mark.parametrize("text", SHOWS_ALL)
def test_a_program_that_only_forks_or_is_refused_has_shown_all(text: str) -> None:
    assert called("server", "accept", 0, id="c").judge(traced(text)).verdict is Verdict.PASS


# --- what is no regular file -----------------------------------------------------------------------------------------


def link(path: Path) -> None:
    kept = path.with_name(path.name + ".kept")
    path.rename(kept)
    path.symlink_to(kept.name)


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def huge(path: Path) -> None:
    os.truncate(path, 2**33)


IRREGULAR: Final[Mapping[str, Callable[[Path], None]]] = {
    "link": link, "fifo": fifo, "endless": endless, "huge": huge,
}  # fmt: skip
SOME: Final = (EVIDENCE_FILE, "server.pcap", "kernel.trace", "ss/01-listening.server.txt")


@pytest.mark.parametrize("way", IRREGULAR)
@pytest.mark.parametrize("place", SOME)
def test_nothing_is_read_but_regular_files_of_a_run_s_size(tmp_path: Path, place: str, way: str) -> None:
    run = saved("ex03", tmp_path)
    IRREGULAR[way](run / place)
    with pytest.raises(EvidenceError) as caught:
        load(run)
    assert caught.value.code in ("evidence-file-irregular", "evidence-file-large")
    assert caught.value.params["file"] == place


@pytest.mark.parametrize("way", IRREGULAR)
def test_a_command_says_in_one_line_what_it_does_not_read(tmp_path: Path, way: str) -> None:
    run = saved("ex03", tmp_path)
    place = SOME[list(IRREGULAR).index(way)]
    IRREGULAR[way](run / place)
    command = [sys.executable, "-m", "lab.cli", "judge" if way in ("link", "endless") else "report", str(run)]
    environment = {**os.environ, "LAB_LANG": "en"}
    told = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=ANSWER_SECONDS, cwd=ROOT, env=environment
    )
    assert told.returncode == EXIT_INCONCLUSIVE, told.stderr
    assert place in told.stderr
    assert len(told.stderr.splitlines()) <= 2, "what, and what to do"


def test_a_folder_that_is_a_link_is_not_entered(tmp_path: Path) -> None:
    run = saved("ex03", tmp_path)
    link(run / "ss")
    with pytest.raises(EvidenceError) as caught:
        load(run)
    assert caught.value.code == "evidence-file-irregular"


def test_latest_is_a_link_of_ours(tmp_path: Path) -> None:
    run = saved("ex03", tmp_path / "runs" / "ex03")
    (run.parent / "latest").symlink_to(run.name)
    assert load(find_run("3", tmp_path / "runs")) == load(run)


def test_a_file_that_several_records_name_is_read_no_further_than_a_run_is_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = saved("models", tmp_path)
    document: dict[str, Any] = json.loads((run / EVIDENCE_FILE).read_text(encoding="utf-8"))
    capture = document["captures"][0]
    monkeypatch.setattr("lab.recording.files._LARGEST_RUN", 2**20)
    os.truncate(run / capture["file"], 2**19)
    document["format"] = 4
    del document["files"]
    document["captures"] = [capture] * 4
    (run / EVIDENCE_FILE).write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(EvidenceError) as caught:
        load(run)
    assert caught.value.code == "evidence-file-large"
