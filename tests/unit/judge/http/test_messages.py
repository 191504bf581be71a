from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lab.errors import EvidenceError
from lab.judge.errors import ExerciseError
from lab.judge.http.dates import dated, weekday
from lab.judge.http.messages import carried, ends_by, request, response
from lab.judge.judging import say
from lab.judge.segments.closing import lets_go
from lab.judge.verdict import Expectation, Result, Verdict
from lab.recording.run import Run
from tests.unit.judge.builders import BEGUN, MS, OPEN, Talk, capture, evidence

GET = "GET /a HTTP/1.1\r\nHost: 192.168.1.102:8000\r\nConnection: keep-alive\r\nUser-Agent: x/1.2\r\n\r\n"
POST = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nkey=value"
HELLO = ("HTTP/1.1 200 OK\r\n\r\n", "Hello World")
DATED = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nDate: {}\r\n\r\n"
CLOSE = ("< F.", "> F.", "< .")


def run(asked: str = GET, *answers: str, end: tuple[str, ...] = CLOSE) -> Run:
    script = (*OPEN, *([f"> P. {asked}"] if asked else []), *(f"< P. {each}" for each in answers), *end)
    return evidence(captures=(capture("server", *script), capture("client", *script)))


def judged(expectation: Expectation, seen: Run) -> tuple[Verdict, str]:
    result = expectation.judge(seen)
    return result.verdict, say(result.observed, "en")


def cells(result: Result) -> list[tuple[str | None, str | None]]:
    assert result.comparison is not None
    return [
        (pair.expected[0] if pair.expected else None, pair.observed[0] if pair.observed else None)
        for pair in result.comparison.pairs
    ]


def test_a_request_holds_line_by_line_with_the_address_filled_in() -> None:
    wanted = request("a", id="r", message="""
        GET /a HTTP/1.1
        Host: {server}:8000
        Connection: keep-alive
        User-Agent: x/…
    """)  # fmt: skip
    assert judged(wanted, run()) == (Verdict.PASS, "the same lines")


def test_dots_stand_for_any_lines_but_not_for_another_order() -> None:
    some = request("a", id="r", message="GET /a HTTP/1.1\n...\nUser-Agent: …")
    swapped = request("a", id="r", message="GET /a HTTP/1.1\n...\nUser-Agent: …\nHost: …\n...")
    assert some.judge(run()).verdict is Verdict.PASS
    assert some.judge(run()).comparison is not None
    assert cells(some.judge(run())) == [
        ("GET /a HTTP/1.1", "GET /a HTTP/1.1"),
        ("User-Agent: …", "User-Agent: x/1.2"),
    ]
    assert judged(swapped, run()) == (Verdict.FAIL, "lines that differ: 0, missing: 1, unexpected: 0")


def test_a_line_that_differs_stands_beside_the_one_it_should_be_and_its_frame_is_named() -> None:
    wanted = request("a", id="r", message="GET /a HTTP/1.1\nHost: {server}:8000\nConnection: close\n...")
    result = wanted.judge(run())
    assert cells(result)[2] == ("Connection: close", "Connection: keep-alive")
    assert [look.frame for look in result.look] == [4]
    assert say(result.observed, "en") == "lines that differ: 1, missing: 0, unexpected: 0"


def test_the_frame_is_that_of_the_first_line_that_differs() -> None:
    script = (*OPEN, "> . GET /a HTTP/1.1\r\nHost: a\r\n", "> P. Connection: keep-alive\r\n\r\n")
    seen = evidence(captures=(capture("server", *script), capture("client", *script)))
    for line, frame in (("Host: b", 4), ("Host: a\nConnection: close", 5), ("Host: a", 5)):
        assert [look.frame for look in request("a", id="r", message=f"GET /a HTTP/1.1\n{line}").judge(seen).look] == [
            frame
        ]


def test_a_header_that_is_missing_and_one_that_nobody_expected_are_told() -> None:
    wanted = request("a", id="r", message="GET /a HTTP/1.1\nHost: {server}:8000\nCookie: x=1\nUser-Agent: …")
    result = wanted.judge(run())
    assert say(result.observed, "en") == "lines that differ: 0, missing: 1, unexpected: 1"
    assert {("Cookie: x=1", None), (None, "Connection: keep-alive")} <= set(cells(result))


def test_a_body_is_compared_behind_the_empty_line() -> None:
    right = request("a", id="r", message="POST / HTTP/1.1\n...\n\nkey=value")
    wrong = request("a", id="r", message="POST / HTTP/1.1\n...\n\nkey=other")
    none = request("a", id="r", message="POST / HTTP/1.1\n...")
    some = request("a", id="r", message="POST / HTTP/1.1\n...\n\n...")
    assert [each.judge(run(POST)).verdict for each in (right, wrong, none, some)] == [
        Verdict.PASS,
        Verdict.FAIL,
        Verdict.FAIL,
        Verdict.PASS,
    ]
    assert cells(wrong.judge(run(POST)))[-2:] == [("↵", "↵"), ("key=other", "key=value")]
    assert cells(none.judge(run(POST)))[-1] == (None, "key=value")


def test_a_response_is_told_apart_from_a_request() -> None:
    wanted = response("a", id="r", message="HTTP/1.1 200 OK\n\nHello World")
    assert wanted.judge(run(GET, *HELLO)).verdict is Verdict.PASS
    assert judged(wanted, run(GET)) == (Verdict.FAIL, "no response 1 of a (there are 0)")
    assert judged(wanted, run("")) == (Verdict.FAIL, "no response 1 of a (there are 0)")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("GET / HTTP/1.1\r\n\r\n", "h11 rejects it: Missing mandatory Host: header"),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "httptools rejects it: Transfer-Encoding can't be present with Content-Length",
        ),
        ("hello", "httptools rejects it: Invalid method encountered"),
        ("GET / HTTP/1.1\r\nHost: a\r\n", "its head has no end: no empty line came"),
    ],
)
def test_a_message_that_one_library_does_not_read_fails_with_its_words(asked: str, says: str) -> None:
    for wanted in (
        request("a", id="r", message="...\n\n..."),
        ends_by("a", "none", which="request", id="e"),
        carried("a", id="c"),
    ):
        assert judged(wanted, run(asked)) == (Verdict.FAIL, says)


@pytest.mark.parametrize(
    ("answers", "end", "how", "says"),
    [
        (HELLO, CLOSE, "close", "the close of the connection"),
        (HELLO, ("< R.",), "reset", "a reset (R)"),
        (HELLO, (), "open", "nothing yet"),
        (("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",), CLOSE, "length", "its Content-Length"),
        (("HTTP/1.1 204 No Content\r\n\r\n",), CLOSE, "none", "its head: it has no body"),
    ],
)
def test_what_ended_a_response(answers: tuple[str, ...], end: tuple[str, ...], how: str, says: str) -> None:
    seen = run(GET, *answers, end=end)
    assert judged(ends_by("a", how, id="e"), seen) == (Verdict.PASS, f"response 1 of a is ended by {says}")
    assert ends_by("a", "chunked", id="e").judge(seen).verdict is Verdict.FAIL
    assert all(look.frame for look in ends_by("a", how, id="e").judge(seen).look) or how == "open"


def test_a_response_cut_short_tells_how_much_is_missing() -> None:
    seen = run(GET, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")
    result = ends_by("a", "length", id="e").judge(seen)
    assert say(result.observed, "en").endswith("a close that came too soon; bytes still missing: 7")


def test_how_much_a_message_was_is_counted() -> None:
    seen = run(POST, *HELLO)
    holds = carried("a", size=len(POST), body=9, segments=1, id="c")
    assert holds.judge(seen).verdict is Verdict.PASS
    assert carried("a", which="response", body=11, segments=2, id="c").judge(seen).verdict is Verdict.PASS
    verdict, says = judged(carried("a", size=">1024", id="c"), seen)
    assert (verdict, says) == (
        Verdict.FAIL,
        f"request 1 of a: bytes {len(POST)}, of them in the body 9, segments 1",
    )


def when(text: str) -> Run:
    return run(GET, DATED.format(text))


def test_a_date_fell_on_the_day_that_the_calendar_says() -> None:
    seen = when("Wed, 25 Sep 2012 04:15:03 GMT")
    assert judged(weekday("a", "Wed", id="w"), seen) == (Verdict.FAIL, "by the calendar its Date is a Tue")
    assert weekday("a", "Tue", id="w").judge(seen).verdict is Verdict.PASS


def test_a_date_is_compared_with_the_clock_of_the_capture() -> None:
    assert (BEGUN + 10 * MS) // 10**9 == 1_700_000_000  # 14 Nov 2023, 22:13:20 GMT
    seen = when("Tue, 14 Nov 2023 22:13:20 GMT")
    assert dated("a", off="-0.1..0.1", id="d").judge(seen).verdict is Verdict.PASS
    assert dated("a", off="-8.1..-7.9", hours=8, id="d").judge(seen).verdict is Verdict.PASS
    verdict, says = judged(dated("a", off="-0.1..0.1", hours=8, id="d"), seen)
    assert (verdict, says.rpartition(" ")[2]) == (Verdict.FAIL, "-8")


@pytest.mark.parametrize("text", ["yesterday", "Tue, 31 Feb 2023 00:00:00 GMT", "14 Nov 2023"])
def test_a_date_that_cannot_be_read_fails(text: str) -> None:
    assert judged(weekday("a", "Tue", id="w"), when(text)) == (Verdict.FAIL, f"no Date that can be read: {text}")
    assert dated("a", off=0, id="d").judge(run(GET, *HELLO)).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("write", "code"),
    [
        (lambda: request("a", id="x", message="\n  \n"), "http-empty"),
        (lambda: ends_by("a", "magic", id="x"), "http-ends"),
        (lambda: ends_by("a", "close", which="letter", id="x"), "http-which"),
        (lambda: carried("a", id="x", size="some"), "amount"),
        (lambda: dated("a", id="x", off="soon"), "amount"),
        (lambda: weekday("a", "Wednesday", id="x"), "http-weekday"),
        (lambda: lets_go("a", by="server", how="tired", id="x"), "lets-go"),
        (lambda: lets_go("a", by="b", how="fin", id="x"), "closes-first"),
    ],
)
def test_what_an_exercise_writes_wrongly_is_named(write: Any, code: str) -> None:
    with pytest.raises(ExerciseError) as caught:
        write()
    assert (caught.value.code, caught.value.params["id"]) == (code, "x")


def test_bytes_that_the_capture_lacks_decide_nothing() -> None:
    frames = Talk().frames(*OPEN, f"> . {GET[:20]}", f"> P. {GET[20:]}")
    lacking = capture("server", frames=[*frames[:3], *frames[4:]])
    result = request("a", id="r", message="...").judge(evidence(captures=(lacking, replace(lacking, host="client"))))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "lacks bytes 0 to 20" in say(result.observed, "en")


def test_a_conversation_that_is_not_there_fails() -> None:
    other = Talk().frames("> S", "< S.")
    seen = evidence(captures=(capture("server", frames=other), capture("client", frames=other)))
    assert request("a", id="r", message="...").judge(seen).verdict is Verdict.FAIL
    with pytest.raises(EvidenceError):
        evidence().play.party("nobody")


@pytest.mark.parametrize(
    ("end", "by", "how", "holds"),
    [
        (CLOSE, "server", "fin", True),
        (CLOSE, "a", "fin", True),
        (CLOSE, "server", "reset", False),
        (("> F.", "< R."), "server", "reset", True),
        (("> F.", "< R."), "a", "fin", True),
        (("< F.", "> .", "< R"), "server", "fin", False),
        ((), "server", "fin", False),
        ((), "server", "reset", False),
    ],
)
def test_how_an_end_let_go(end: tuple[str, ...], by: str, how: str, holds: bool) -> None:  # noqa: FBT001 - a case
    result = lets_go("a", by=by, how=how, id="g").judge(run(GET, *HELLO, end=end))
    assert (result.verdict is Verdict.PASS) == holds
    assert all(look.frame for look in result.look)
