"""A run that cannot be saved leaves nothing behind and says why."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lab.errors import EXIT_MACHINE, MachineError
from lab.recording.store import load, save
from tests.unit.judge.builders import evidence, snapshot

ON_A_TINY_DISK = """
import pathlib, sys
from lab.errors import MachineError
from lab.recording.store import save
from tests.unit.judge.builders import evidence, snapshot
disk = pathlib.Path(sys.argv[1])
try:
    save(evidence(snapshots=(snapshot("big", "server", "x" * 200_000),)), disk / "runs" / "ex03" / "one")
except MachineError as error:
    print(error.code, error.params["path"], sorted(disk.rglob("*")), sep="|")
"""


def test_a_full_disk_is_named_and_nothing_is_left_on_it(tmp_path: Path) -> None:
    unshare = shutil.which("unshare")
    own_mounts = [str(unshare), "--map-root-user", "--mount", "sh", "-c"]
    trial = [*own_mounts, "mount -t tmpfs none /mnt"]
    if unshare is None or subprocess.run(trial, capture_output=True, check=False).returncode:
        pytest.skip("this machine allows no mount namespace of one's own")
    script = 'mount -t tmpfs -o size=64k none "$1" && exec "$2" -c "$3" "$1"'
    told = subprocess.run(
        [*own_mounts, script, "sh", str(tmp_path), sys.executable, ON_A_TINY_DISK],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert told.stderr == ""
    assert told.stdout.strip().split("|") == ["disk-full", str(tmp_path / "runs" / "ex03" / "one"), "[]"]


def test_a_folder_that_takes_no_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MachineError) as caught:
        save(evidence(), tmp_path / "file" / "one")
    assert (caught.value.code, caught.value.exit_code) == ("run-not-written", EXIT_MACHINE)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_run_is_never_written_over(tmp_path: Path) -> None:
    save(evidence(), tmp_path / "one")
    with pytest.raises(MachineError):
        save(evidence(exercise="ex04"), tmp_path / "one")
    assert load(tmp_path / "one").play.exercise == "ex03"
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_an_interrupt_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_bytes = Path.write_bytes

    def interrupted(path: Path, data: bytes) -> int:
        if path.suffix == ".pcap":
            raise KeyboardInterrupt
        return write_bytes(path, data)

    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save(evidence(), tmp_path / "runs" / "ex03" / "one")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_save_left_is_not_mixed_into_the_next(tmp_path: Path) -> None:
    stale = tmp_path / f".one.{os.getpid()}.partial" / "ss"
    stale.mkdir(parents=True)
    (stale / "stale.txt").write_text("from another life")
    save(evidence(snapshots=(snapshot("x", "server"),)), tmp_path / "one")
    assert [path.name for path in (tmp_path / "one" / "ss").iterdir()] == ["x.server.txt"]
