"""Recordings of the kernel's own tracer that are damaged."""

from __future__ import annotations

import contextlib
import json
import re
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.kernel.ring import parse_kernel_trace
from lab.kernel.tracefile import TraceParseError
from tests.unit.kernel.pages import FORMATS, HEAD, PAGE, changed, common, file_of, head_of, page_of, record
from tests.unit.kernel.printed import recording

WHOLE = recording("refused")
LISTEN, CLOSE = 10, 7


def refused(data: bytes) -> TraceParseError:
    with pytest.raises(TraceParseError) as caught:
        parse_kernel_trace(data, where="kernel.trace")
    for language in ("en", "zh-CN"):
        assert "{" not in caught.value.what(language) + caught.value.remedy(language)
    assert "kernel.trace" in caught.value.what()
    return caught.value


def changed_head(**members: object) -> bytes:
    head, body = head_of(WHOLE)
    return json.dumps({**head, **members}).encode() + b"\n" + body


@pytest.mark.parametrize("cut", [1, 7, PAGE // 2, PAGE, PAGE + 1])
def test_a_recording_that_is_cut_short_is_refused(cut: int) -> None:
    assert refused(WHOLE[:-cut]).code == "kernel-trace-size"


def test_a_recording_that_has_grown_is_refused() -> None:
    assert refused(WHOLE + bytes(PAGE)).code == "kernel-trace-size"


@pytest.mark.parametrize(
    "data",
    [b"", b"\n", b"{}", b"[]\n", b"\xff\xfe\n", b"{\n", b"[" * 100_000 + b"\n", b"9" * 5000 + b"\n", WHOLE[:500]],
)
def test_what_does_not_begin_with_a_header_is_refused(data: bytes) -> None:
    assert refused(data).code == "kernel-trace-no-header"


@pytest.mark.parametrize("member", [each for each in HEAD if each != "kernel"])
@pytest.mark.parametrize("value", [None, True, -1 << 70, 1 << 70, "x", ["x", 1], {"x": 1}, [{"cpu": 0}]], ids=str)
def test_a_header_with_a_member_that_cannot_be_is_refused(member: str, value: object) -> None:
    if isinstance(value, str) and isinstance(HEAD[member], str):
        value = 7
    assert refused(changed_head(**{member: value})).code == "kernel-trace-header"


def test_a_machine_that_is_not_read_here_is_named() -> None:
    error = refused(changed_head(machine="s390x"))
    assert error.code == "kernel-trace-machine"
    assert "s390x" in error.what()


@pytest.mark.parametrize("field", ["timestamp", "commit", "data"])
def test_a_description_of_the_pages_that_lacks_something_is_refused(field: str) -> None:
    text = head_of(WHOLE)[0]["header_page"]
    assert isinstance(text, str)
    error = refused(changed_head(header_page=text.replace(field, "other")))
    assert (error.code, error.params["field"]) == ("kernel-trace-format", field)


USED = {
    "sock:inet_sock_set_state": "common_type common_flags common_pid skaddr oldstate newstate sport dport protocol saddr_v6 daddr_v6",
    "tcp:tcp_retransmit_skb": "common_type sport dport saddr_v6 daddr_v6",
    "tcp:tcp_retransmit_synack": "common_type sport dport saddr_v6 daddr_v6",
    "tcp:tcp_send_reset": "common_type saddr daddr",
    "tcp:tcp_receive_reset": "common_type sport dport daddr_v6",
    "sock:sock_send_length": "common_type common_flags common_pid sk family protocol",
    "sock:sock_recv_length": "common_type common_flags common_pid sk family protocol",
    "raw_syscalls:sys_enter": "common_type common_pid id args",
    "raw_syscalls:sys_exit": "common_type common_pid id ret",
    "sched:sched_process_exec": "common_type filename pid",
    "sched:sched_process_fork": "common_type child_pid parent_pid",
}
FIELDS = [(event, field) for event, fields in USED.items() for field in fields.split()]


@pytest.mark.parametrize(("event", "field"), FIELDS, ids=lambda each: each)
@pytest.mark.parametrize("replacement", ["gone{rest};", "{name}[3];"])
def test_a_description_that_lacks_a_field_or_has_it_otherwise_is_refused(
    event: str, field: str, replacement: str
) -> None:
    wrong = re.sub(
        rf"(?<= )(?P<name>{field})(?P<rest>(?:\[\d+\])?);",
        lambda found: replacement.format(**found.groupdict()),
        FORMATS[event],
    )
    assert wrong != FORMATS[event]
    error = refused(changed_head(events={**FORMATS, event: wrong}))
    assert (error.code, error.params["event"]) == ("kernel-trace-format", event)


def test_a_description_without_a_number_is_refused() -> None:
    event = "raw_syscalls:sys_exit"
    error = refused(changed_head(events={**FORMATS, event: FORMATS[event].replace("ID: ", "ID ")}))
    assert error.params["field"] == "ID"


def test_a_record_of_an_event_that_was_not_recorded_is_refused() -> None:
    formats = {name: text for name, text in FORMATS.items() if name != "raw_syscalls:sys_enter"}
    assert refused(changed_head(events=formats)).code == "kernel-trace-event"
    assert refused(changed_head(events={})).code == "kernel-trace-event"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(changed(CLOSE, 13), id="a state that there is not"),
        pytest.param(changed(0, LISTEN), id="a state of nothing"),
        pytest.param(changed(CLOSE, LISTEN)[:-4], id="too short for its fields"),
        pytest.param(pack("<H", 1), id="too short for anything"),
        pytest.param(common("tcp:tcp_send_reset") + pack("<QQii", 0, 1, 7, 11) + b"\x07" + bytes(55), id="a family of nothing"),
        pytest.param(common("sched:sched_process_exec") + pack("<Iii", 20 | 99 << 16, 7, 7) + b"./x\0", id="a text outside"),
    ],
)  # fmt: skip
def test_a_record_with_values_that_cannot_be_is_refused(body: bytes) -> None:
    assert refused(file_of(page_of(record(changed(CLOSE, LISTEN)), record(body)))).code == "kernel-trace-event"


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(b"\x01\x00", id="half a word"),
        pytest.param(pack("<I", 5), id="a record longer than its page"),
        pytest.param(pack("<I", 0), id="no room for a length"),
        pytest.param(pack("<II", 0, 3), id="a length too small for itself"),
        pytest.param(pack("<II", 0, 7) + bytes(8), id="a length between words"),
        pytest.param(pack("<II", 0, 1 << 31), id="a huge length"),
        pytest.param(pack("<II", 5 << 5 | 29, 0), id="nothing filtered out"),
        pytest.param(pack("<I", 30), id="half an extension"),
    ],
)
def test_a_page_that_the_kernel_cannot_have_written_is_refused(part: bytes) -> None:
    good = record(changed(CLOSE, LISTEN))
    error = refused(file_of(page_of(), page_of(good, part)))
    assert (error.code, error.params["cpu"], error.params["page"]) == ("kernel-trace-page", 0, 2)
    assert error.params["offset"] == len(file_of(page_of(), page_of())) - PAGE + 16 + len(good)


def test_a_page_that_claims_more_than_it_can_hold_is_refused() -> None:
    page = pack("<Qq", 1, PAGE - 15).ljust(PAGE, b"\0")
    assert refused(file_of(page)).code == "kernel-trace-page"


def read_or_refused(data: bytes) -> None:
    """Any other exception fails the test."""
    with contextlib.suppress(TraceParseError):
        parse_kernel_trace(data, where="kernel.trace")


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    read_or_refused(data)


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_damaged_bytes_anywhere_are_read_or_refused(places: list[tuple[int, int]]) -> None:
    data = bytearray(WHOLE)
    for at, value in places:
        data[at] = value
    read_or_refused(bytes(data))


HEAD_SIZE = WHOLE.index(b"\n") + 1
FIRST = [HEAD_SIZE + page * PAGE for page in range((len(WHOLE) - HEAD_SIZE) // PAGE)]


@given(st.sampled_from(FIRST), st.integers(0, 400), st.binary(min_size=1, max_size=64))
def test_damaged_pages_are_read_or_refused(page: int, at: int, put: bytes) -> None:
    place = page + at
    read_or_refused(WHOLE[:place] + put + WHOLE[place + len(put) :])


@given(st.sampled_from(sorted(FORMATS)), st.integers(0, 2000), st.text("0123456789;:\t\n[]sfi", min_size=1, max_size=4))
def test_damaged_descriptions_are_read_or_refused(event: str, at: int, put: str) -> None:
    text = FORMATS[event]
    read_or_refused(changed_head(events={**FORMATS, event: text[:at] + put + text[at + len(put) :]}))
