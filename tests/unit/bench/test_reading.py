from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lab.settings import read_settings
from lab.wire.capture import parse_capture
from tests.bench.measures import Measure
from tests.bench.reading import reading, reading_conversations, write_capture
from tests.bench.world import MissingError, World

FIXTURE = Path(__file__).parents[2] / "fixtures" / "captures" / "client-first.pcap"


def test_the_big_capture_is_the_recorded_conversation_again_and_again(tmp_path: Path) -> None:
    write_capture(tmp_path / "big.pcap", 100)
    written = parse_capture((tmp_path / "big.pcap").read_bytes(), where="big")
    assert (written.frames, written.skipped) == (100, 0)
    recorded = parse_capture(FIXTURE.read_bytes(), where="recorded").segments
    for number, segment in enumerate(written.segments):
        like = recorded[number % len(recorded)]
        assert segment._replace(number=like.number, time_ns=like.time_ns, src=like.src, dst=like.dst) == like
    talks = {frozenset({segment.src, segment.dst}) for segment in written.segments}
    assert len(talks) == 100 // len(recorded)


def test_a_capture_of_any_size_is_written_whole(tmp_path: Path) -> None:
    write_capture(tmp_path / "big.pcap", 1_003)
    assert len(parse_capture((tmp_path / "big.pcap").read_bytes(), where="big").segments) == 1_003


@pytest.mark.parametrize(("measure", "missing"), [(reading, "tshark"), (reading_conversations, "tcptrace")])
def test_without_what_it_is_compared_with_it_is_left_out(
    measure: Measure, missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(MissingError, match=missing):
        measure(World(read_settings({}), tmp_path), [0])
    assert not list(tmp_path.iterdir())
