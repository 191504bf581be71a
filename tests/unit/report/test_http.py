"""An HTTP message on a page: its lines with their meanings, its body, what ended it."""

from __future__ import annotations

import pytest

from lab.loading import load_exercise
from lab.report.http import draw, notes, rows
from lab.report.ink import cells, plain
from lab.report.words import Words
from lab.text.catalog import LANGUAGES
from lab.wire.http import Exchange, parse_http
from tests.unit.judge.builders import OPEN, capture

GET = (
    "GET /search?q={} HTTP/1.1\r\nHost: 192.168.1.102:8000\r\nConnection: keep-alive\r\nX-Own: 1\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,image/apng,*/*;q=0.8\r\n\r\n"
)
HELLO = "HTTP/1.1 200 OK\r\n\r\nHello World"
CLOSE = ("< F.", "> F.", "< .")


def exchange(asked: str = GET.format("lab"), answer: str = HELLO, end: tuple[str, ...] = CLOSE) -> Exchange:
    (conversation,) = capture("server", *OPEN, f"> P. {asked}", f"< P. {answer}", *end).conversations
    return parse_http(conversation)


def words(language: str = "en") -> Words:
    return Words(load_exercise(1).texts(language), language, {})


def test_each_line_has_its_meaning_and_an_unknown_header_says_so() -> None:
    found = {row.text: row.meaning for row in rows(exchange().requests[0], words())}
    assert found["GET /search?q=lab HTTP/1.1"] == "method, request target, version"
    assert found["Host: 192.168.1.102:8000"].startswith("The host and port that the client asked for")
    assert found["X-Own: 1"] == "a header that the lab has no words for"
    assert found["↵"] == "the empty line: here the head ends"


def test_a_body_stands_behind_the_empty_line_and_a_long_one_is_cut() -> None:
    (answer,) = exchange().responses
    assert [row.text for row in rows(answer, words())] == ["HTTP/1.1 200 OK", "↵", "Hello World"]
    (many,) = exchange(answer="HTTP/1.1 200 OK\r\n\r\n" + "line\n" * 20).responses
    assert [row.text for row in rows(many, words())][2:] == ["line"] * 6 + ["… 70 bytes more"]


def test_headers_that_the_reader_knows_can_be_left_out() -> None:
    shown = [row.text for row in rows(exchange().requests[0], words(), ("connection", "ACCEPT"))]
    assert shown[0].startswith("GET /search")
    assert shown[1:4] == ["…", "Connection: keep-alive", "…"]
    assert [text[:7] for text in shown[4:]] == ["Accept:", "↵"]


def test_a_message_without_lines_is_drawn_as_it_is() -> None:
    (request,) = exchange(asked="\n").requests
    assert plain(draw(rows(request, words()), 80)[-1]).startswith("↵")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [57, 77, 94])
@pytest.mark.parametrize("query", ["lab", "x" * 3000, "中" * 300, "\x00\x1b[31m"])
def test_it_fits_whatever_was_sent(language: str, width: int, query: str) -> None:
    (request,) = exchange(GET.format(query)).requests
    lines = draw(rows(request, words(language)), width)
    assert max(map(cells, lines)) <= width
    assert all(char.isprintable() for line in lines for char in plain(line))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("answer", "end"),
    [
        (HELLO, CLOSE),
        (HELLO, ("< R.",)),
        (HELLO, ()),
        ("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhello", CLOSE),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", CLOSE),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", CLOSE),
        ("HTTP/1.1 304 Not Modified\r\n\r\n", CLOSE),
    ],
)
def test_what_ended_it_is_said_and_where_it_stands(language: str, answer: str, end: tuple[str, ...]) -> None:
    (response,) = exchange(answer=answer, end=end).responses
    ended, place = notes(response, "server.pcap", words(language))
    assert ended[-1] in ".。"
    assert "server.pcap" in place
    assert "5" in place


def test_what_a_library_refuses_is_said() -> None:
    (request,) = exchange(asked="GET / HTTP/1.1\r\n\r\n").requests
    assert notes(request, "server.pcap", words())[0] == "h11 rejects it: Missing mandatory Host: header"
