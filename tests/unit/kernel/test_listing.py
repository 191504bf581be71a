"""The kernel's record of sockets as text."""

from __future__ import annotations

from dataclasses import replace

from lab.kernel.listing import line_of, list_trace
from lab.kernel.trace import Resent, Reset
from lab.wire.segment import Endpoint
from tests.unit.timeline.builders import CLIENT_ENDS, OPENS, SERVER, SERVER_ENDS, A, at, kernel

TRACE = replace(
    kernel().trace,
    resent=(Resent(at(30), *CLIENT_ENDS, synack=False),),
    resets=(
        Reset(at(40), *SERVER_ENDS, sent=True, reason="TCP_ABORT_ON_CLOSE"),
        Reset(at(41), Endpoint("10.1.1.1", 1), Endpoint("10.1.1.2", 2), sent=True, reason=None),
    ),
)
ADDRESSES = {SERVER.address, A.address}


def test_each_record_of_the_lab_s_sockets_is_a_line_in_the_order_of_time() -> None:
    lines = list_trace(TRACE, ADDRESSES).splitlines()
    assert [line.split("  ", 1)[1] for line in lines[-3:]] == [
        f"state   {SERVER} {A}  SYN-RECV -> ESTAB  (interrupt)",
        f"resent  {A} {SERVER}  segment",
        f"reset   {SERVER} {A}  sent  TCP_ABORT_ON_CLOSE",
    ]
    assert lines == sorted(lines)


def test_a_record_s_line_is_found_by_its_number() -> None:
    lines = list_trace(TRACE, ADDRESSES).splitlines()
    assert "SYN-RECV -> ESTAB" in lines[line_of(TRACE, OPENS[-1], ADDRESSES) - 1]


def test_other_people_s_sockets_are_not_listed() -> None:
    assert "10.1.1.1" not in list_trace(TRACE, ADDRESSES)
