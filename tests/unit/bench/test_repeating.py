from __future__ import annotations

from pathlib import Path

from lab.kernel.sockets import parse_ss
from lab.wire.capture import parse_capture
from tests.bench.extras import repeat_capture, repeat_rows

FIXTURES = Path(__file__).parents[2] / "fixtures"


def test_a_repeated_capture_holds_as_many_packets_as_it_says() -> None:
    data = (FIXTURES / "captures" / "transfer.pcap").read_bytes()
    repeated, count = repeat_capture(data, 1000)
    assert count >= 1000
    assert parse_capture(repeated, where="repeated").frames == count


def test_repeated_rows_are_as_many_as_it_says() -> None:
    texts = [(FIXTURES / "ss" / "6.15" / f"{host}-tanpo.txt").read_text() for host in ("server", "client")]
    text, count = repeat_rows(texts, 500)
    assert count >= 500
    assert len(parse_ss(text)) == count
