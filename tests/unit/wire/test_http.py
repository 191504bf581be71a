from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.wire.conversation import Conversation, conversations
from lab.wire.http import Exchange, Framing, Kind, Message, parse_http
from lab.wire.segment import Flags, Segment
from lab.wire.stream import StreamError
from tests.unit.wire.conftest import CLIENT, SERVER, Recorded

GET = b"GET /a?b=c HTTP/1.1\r\nHost: server:8000\r\nAccept: */*\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: server\r\nContent-Length: 23\r\n\r\nkey1=value1&key2=value2"
HELLO = b"HTTP/1.1 200 OK\r\n\r\nHello World"
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
BOTH = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
NO_HOST = b"GET / HTTP/1.1\r\n\r\n"


def talk(
    requests: list[bytes], responses: list[bytes], end: Flags | None = Flags.FIN, lost: int | None = None
) -> Conversation:
    """Return a conversation in which each piece is a segment; `lost` is the number of one that was not captured."""
    segments = [
        Segment(1, 1, CLIENT, SERVER, 10, 0, Flags.SYN, 500, b"", 0),
        Segment(2, 2, SERVER, CLIENT, 20, 11, Flags.SYN | Flags.ACK, 500, b"", 0),
        Segment(3, 3, CLIENT, SERVER, 11, 21, Flags.ACK, 500, b"", 0),
    ]
    at = 11
    for data in requests:
        segments.append(Segment(0, 0, CLIENT, SERVER, at, 21, Flags.ACK, 500, data, len(data)))
        at += len(data)
    back = 21
    for data in responses:
        segments.append(Segment(0, 0, SERVER, CLIENT, back, at, Flags.ACK, 500, data, len(data)))
        back += len(data)
    if end is not None:
        segments.append(Segment(0, 0, SERVER, CLIENT, back, at, end | Flags.ACK, 500, b"", 0))
    numbered = [each._replace(number=place, time_ns=place * 1000) for place, each in enumerate(segments, start=1)]
    (conversation,) = conversations(each for each in numbered if each.number != lost)
    return conversation


def exchange(requests: bytes = GET, responses: bytes = HELLO, end: Flags | None = Flags.FIN) -> Exchange:
    return parse_http(talk([requests], [responses], end))


def one(messages: tuple[Message, ...]) -> Message:
    (message,) = messages
    return message


def test_a_request_is_read_by_both_libraries_to_the_same_end() -> None:
    request = one(exchange().requests)
    assert request.valid
    assert [reading.library for reading in request.readings] == ["h11", "httptools"]
    assert (request.read.method, request.read.target, request.read.version) == ("GET", b"/a?b=c", "1.1")
    assert request.read.headers == ((b"Host", b"server:8000"), (b"Accept", b"*/*"))
    assert (request.header("ACCEPT"), request.header("cookie")) == (b"*/*", None)
    assert (request.body, request.complete, request.ends_by, request.size) == (b"", True, "none", len(GET))


def test_each_line_tells_its_offset_and_the_frame_that_brought_it() -> None:
    cut = GET.index(b"ver:8000")
    request = one(parse_http(talk([GET[:cut], GET[cut:]], [HELLO])).requests)
    assert [(line.shown, line.begin, line.frame) for line in request.lines] == [
        ("GET /a?b=c HTTP/1.1", 0, 4),
        ("Host: server:8000", 21, 4),
        ("Accept: */*", 40, 5),
    ]
    assert (request.frames, request.body_begin) == ((4, 5), len(GET))


def test_a_body_is_what_the_length_says_and_the_next_request_follows() -> None:
    first, second = exchange(POST + GET).requests
    assert (first.body, first.ends_by, first.read.framing) == (b"key1=value1&key2=value2", "length", Framing.LENGTH)
    assert (second.begin, second.read.method) == (len(POST), "GET")


def test_a_get_may_carry_a_body() -> None:
    data = b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
    request = one(exchange(data).requests)
    assert (request.valid, request.body) == (True, b"hello")


def test_a_response_without_a_length_ends_where_the_server_closes() -> None:
    response = one(exchange().responses)
    assert (response.valid, response.read.status, response.read.reason) == (True, 200, b"OK")
    assert (response.body, response.complete, response.ends_by) == (b"Hello World", True, "close")


@pytest.mark.parametrize("length", range(len(HELLO) - 11, len(HELLO)))
def test_a_response_without_a_length_that_was_cut_short_looks_complete(length: int) -> None:
    response = one(exchange(responses=HELLO[:length]).responses)
    assert (response.valid, response.complete, response.ends_by, response.missing) == (True, True, "close", 0)


@pytest.mark.parametrize(
    ("responses", "end", "ends_by", "missing"),
    [
        (LENGTH, Flags.FIN, "length", 0),
        (LENGTH, None, "length", 0),
        (LENGTH, Flags.RST, "length", 0),
        (LENGTH[:-2], Flags.FIN, "short", 2),
        (LENGTH[:-2], Flags.RST, "reset", 2),
        (LENGTH[:-2], None, "open", 2),
        (CHUNKED, Flags.FIN, "chunked", 0),
        (CHUNKED[:-2], Flags.FIN, "short", 0),
        (HELLO, Flags.RST, "reset", 0),
        (HELLO, None, "open", 0),
        (b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", Flags.FIN, "none", 0),
        (b"HTTP/1.1 200 OK\r\nContent-Len", Flags.FIN, "short", 0),
    ],
)
def test_what_ended_a_response_is_told(responses: bytes, end: Flags | None, ends_by: str, missing: int) -> None:
    response = one(exchange(responses=responses, end=end).responses)
    assert (response.ends_by, response.missing) == (ends_by, missing)
    assert response.differences == ()


def test_an_answer_to_head_has_no_body_whatever_its_length_says() -> None:
    head = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    first, second = exchange(head + GET, answer + LENGTH).responses
    assert (first.valid, first.body, first.ends_by, first.size) == (True, b"", "none", len(answer))
    assert (second.valid, second.body) == (True, b"hello")


def test_an_interim_response_comes_before_the_answer() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    first, second = exchange(POST, interim + LENGTH).responses
    assert (first.read.status, first.size, second.read.status) == (100, len(interim), 200)
    assert (first.valid, second.valid) == (True, True)


@pytest.mark.parametrize(
    ("data", "library", "says"),
    [(BOTH, "httptools", "Transfer-Encoding can't be present"), (NO_HOST, "h11", "Missing mandatory Host")],
)
def test_a_message_that_one_library_refuses_is_told_as_such(data: bytes, library: str, says: str) -> None:
    request, following = exchange(data + GET).requests
    (refusal,) = request.refused
    assert (refusal.library, request.differences, request.valid) == (library, ("refused",), False)
    assert says in (refusal.refused or "")
    assert (request.complete, request.end, following.read.target) == (True, len(data), b"/a?b=c")


@pytest.mark.parametrize("data", [b"hello", b"HELLO\r\n\r\n", b"\x00\xff\r\n\r\n", b"GET / HTTP/9.9.9\r\n\r\n"])
def test_what_is_no_http_is_data_and_no_error(data: bytes) -> None:
    request = one(exchange(data).requests)
    assert (request.valid, request.complete, request.end) == (False, False, len(data))
    assert request.lines[0].text == data.partition(b"\r\n")[0]


def test_nothing_said_is_no_message() -> None:
    assert parse_http(talk([], [])) == Exchange((), ())


@pytest.mark.parametrize("lost", [4, 5, 6])
def test_bytes_that_the_capture_lacks_are_an_error(lost: int) -> None:
    with pytest.raises(StreamError) as caught:
        parse_http(talk([GET[:9], GET[9:], POST], [HELLO], lost=lost))
    assert caught.value.code == "stream-gap"


def test_lines_that_end_without_a_carriage_return_are_lines() -> None:
    request = one(exchange(b"GET / HTTP/1.1\nHost: a\n\n").requests)
    assert [line.text for line in request.lines] == [b"GET / HTTP/1.1", b"Host: a"]
    assert [reading.library for reading in request.refused] == ["httptools"]


def test_recorded_talk_that_is_no_http_is_read_without_a_word(recorded: Recorded) -> None:
    for name in ("client-first", "half-close", "reset-unread"):
        for conversation in recorded(name):
            assert not any(message.valid for message in parse_http(conversation).requests)


NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,10}", fullmatch=True).filter(
    lambda name: name.lower() not in {"host", "content-length", "transfer-encoding", "connection", "upgrade", "expect"}
)
VALUES = st.from_regex(r"[!-~]([ -~]{0,20}[!-~])?", fullmatch=True)
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=5)
BODIES = st.binary(max_size=60)


def message(headers: list[tuple[str, str]], body: bytes) -> bytes:
    told = [("Host", "a"), *headers, ("Content-Length", str(len(body)))]
    return b"PUT / HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in told).encode() + b"\r\n" + body


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % len(data) for cut in cuts)})
    return [data[one:other] for one, other in pairwise(places)]


@given(st.lists(st.tuples(HEADERS, BODIES), min_size=1, max_size=3), st.lists(st.integers(0, 500), max_size=8))
def test_how_a_request_was_cut_into_segments_changes_nothing(
    sent: list[tuple[list[tuple[str, str]], bytes]], cuts: list[int]
) -> None:
    data = b"".join(message(headers, body) for headers, body in sent)
    read = parse_http(talk(split(data, cuts), [])).requests
    assert [each.body for each in read] == [body for _, body in sent]
    assert all(each.valid and each.complete for each in read)
    for each, (headers, _) in zip(read, sent, strict=True):
        assert [(name.decode(), value.decode()) for name, value in each.read.headers[1:-1]] == headers
        assert data[each.lines[1].begin :].startswith(each.lines[1].text)


@given(HEADERS, BODIES.filter(bool), st.data())
def test_a_message_cut_short_is_never_complete(
    headers: list[tuple[str, str]], body: bytes, draw: st.DataObject
) -> None:
    data = message(headers, body)
    kept = draw.draw(st.integers(1, len(data) - 1))
    (read,) = parse_http(talk([data[:kept]], [], None)).requests
    assert (read.kind, read.complete, read.ends_by, read.differences) == (Kind.REQUEST, False, "open", ())


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_any_bytes_at_all_are_told_and_none_is_lost(requests: bytes, responses: bytes) -> None:
    read = parse_http(talk([requests] if requests else [], [responses] if responses else []))
    for data, messages in ((requests, read.requests), (responses, read.responses)):
        assert all(each.begin < each.end for each in messages)
        if messages:
            assert messages[-1].end == len(data) or data[messages[-1].end :].strip(b"\r\n") == b""
