"""Large files of a run are mapped; what is read of them, and what is refused, is the same."""

from __future__ import annotations

import mmap
import shutil
from pathlib import Path

import pytest

from lab.errors import EvidenceError
from lab.recording.store import load, save
from lab.settings import ROOT
from lab.timeline.build import build_timeline

RUN = ROOT / "tests" / "fixtures" / "runs" / "rounds"


@pytest.fixture(autouse=True)
def _all_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.recording.files._MAPPED", 1)


def test_a_mapped_run_tells_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    mapped = load(RUN)
    assert {type(each.data) for each in mapped.recording.captures} == {mmap.mmap}
    with monkeypatch.context() as patch:
        patch.setattr("lab.recording.files._MAPPED", 1 << 40)
        read = load(RUN)
    assert [each.data[:] for each in mapped.recording.captures] == [each.data for each in read.recording.captures]
    exact = build_timeline(read.recording, read.play)
    for many in (1 << 40, 1):
        monkeypatch.setattr("lab.wire.reading._MANY", many)
        monkeypatch.setattr("lab.kernel.reading._LARGE", many)
        fresh = load(RUN)
        assert tuple(build_timeline(fresh.recording, fresh.play).moments) == exact.moments


def test_a_mapped_run_is_saved_as_it_was(tmp_path: Path) -> None:
    save(load(RUN), tmp_path / "again")
    for name in ("client.pcap", "server.pcap", "kernel.trace"):
        assert (tmp_path / "again" / name).read_bytes() == (RUN / name).read_bytes()


@pytest.mark.parametrize("name", ["client.pcap", "kernel.trace"])
def test_a_mapped_file_that_was_changed_is_told(name: str, tmp_path: Path) -> None:
    shutil.copytree(RUN, tmp_path / "run")
    with (tmp_path / "run" / name).open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))
    with pytest.raises(EvidenceError) as refused:
        load(tmp_path / "run")
    assert refused.value.code == "evidence-file-changed"
