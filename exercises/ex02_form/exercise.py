"""A form posted: 23 bytes of pairs, 中文 percent-encoded, and the reset that costs an answer."""

from __future__ import annotations

from lab.conditions import Condition, all_of, backed_up, still
from lab.exercise import Lab, Step, Type
from lab.judge.claims import Claim
from lab.judge.http.messages import carried, ends_by, queued, request, response
from lab.judge.programs.printed import printed
from lab.judge.segments.closing import lets_go
from lab.programs import Client, Server
from lab.stage import Stage
from lab.views import HttpMessage, Ladder, Mend, Printed, Rows

LAB = Lab()
SUBJECT = "serve_http_full"
POST = "post_form {server} 8000"
HEAD_BYTES = 150
"""A head takes more than this, whatever the version of the library that made it."""

STEPS = (
    Step(
        "form",
        answer="b",
        type=(
            Type("server", "serve_http_full {server} 8000", "waiting on {server}:8000"),
            Type("client", f"{POST} key1=value1 key2=value2", "POST /: the body has 23 bytes"),
        ),
        show=(HttpMessage("p"), Ladder("p", "data"), Printed("p")),
    ),
    Step(
        "chinese",
        answer="a",
        type=(
            Type("client", f"{POST} text=中文", "POST /: the body has 23 bytes"),
            Type("client", f"{POST} text=中文 --kind json", "POST /: the body has 24 bytes"),
            Type("client", f"{POST} text=中文 --kind raw", "POST /: the body has 11 bytes"),
        ),
        show=tuple(HttpMessage(name, only=("content-length", "content-type")) for name in ("c", "j", "r")),
    ),
    Step(
        "small",
        answer="b",
        type=(
            Type("server", "^C", ""),
            Type("server", "serve_hello {server} 8000", "waiting on {server}:8000"),
            Type("server", "^Z", "Stopped"),
            Type("client", f"{POST} --size 100", "posting to"),
            Type("watcher", "ss -tan sport = :8000", r"ESTAB +3\d\d +0 "),
            Type("server", "fg %1", r"received 3\d\d bytes\s+closed"),
        ),
        show=(Rows("small", on=("server",)), Ladder("s", "close"), Printed("s")),
    ),
    Step(
        "large",
        answer="c",
        type=(
            Type("server", "^Z", "Stopped"),
            Type("client", f"{POST} --size 5000", "posting to"),
            Type("watcher", "ss -tan sport = :8000", r"ESTAB +52\d\d +0 "),
            Type("server", "fg %1", r"received 1024 bytes\s+closed"),
        ),
        show=(Rows("large", on=("server",)), Ladder("l", "close"), HttpMessage("l", "response"), Printed("l")),
    ),
    Step(
        "race",
        answer="c",
        type=(Type("client", f"{POST} --times 60", r"\d+ of 60 answered"),),
        show=(Printed("many"),),
    ),
    Step(
        "mended",
        answer="b",
        type=(
            Type("server", "^C", ""),
            Type("server", "serve_http_full {server} 8000", "waiting on {server}:8000"),
            Type("client", f"{POST} --size 5000", "POST /: the body has 5000 bytes"),
            Type("client", f"{POST} --size 200000", "POST /: the body has 200000 bytes"),
        ),
        show=(Ladder("u", "close"), Mend("answers_unread", "serve_http_full"), Printed("big")),
    ),
)


def begin(stage: Stage, server: Server, name: str, *args: str) -> Client:
    """Have a form posted to a server that stands still."""
    server.freeze()
    return stage.client(name, port=8000, program="post_form", args=args)


def post(stage: Stage, server: Server, name: str, *args: str) -> None:
    """Post a form to a server that stands still, then let it answer."""
    client = begin(stage, server, name, *args)
    server.thaw()
    client.wait()


def all_there(client: str, body: int) -> Condition:
    """Head and body have arrived: they come in segments of their own, and the head's size is not known beforehand."""
    return all_of(
        backed_up(client, queue="recv_q", at_least=body + HEAD_BYTES), still(client, queue="recv_q", seconds=0.05)
    )


def play(stage: Stage) -> None:
    """Forms that a server reads, forms that it does not read, and what makes the difference."""
    with stage.step("form"):
        server = stage.serve("serve_http_full", port=8000)
        post(stage, server, "p", "key1=value1", "key2=value2")

    with stage.step("chinese"):
        for kind, name in (("form", "c"), ("json", "j"), ("raw", "r")):
            post(stage, server, name, "text=中文", "--kind", kind)
        server.stop()

    with stage.step("small"):
        hello = stage.serve("serve_hello", name="hello", port=8000)
        s = begin(stage, hello, "s", "--size", "100")
        stage.snapshot("small", on=("server",), server=all_there("s", 100))
        hello.thaw()
        s.wait()

    with stage.step("large"):
        large = begin(stage, hello, "l", "--size", "5000")
        stage.snapshot("large", on=("server",), server=all_there("l", 5000))
        hello.thaw()
        large.wait()

    with stage.step("race"):
        many = stage.begin("many", program="post_form", port=8000, args=("--times", "60"))
        many.patience *= 3  # sixty forms, one after the other: much work where others work too
        many.wait()
        hello.stop()

    with stage.step("mended"):
        unread = stage.serve("answers_unread", name="unread", port=8000)
        u = begin(stage, unread, "u", "--size", "5000")
        stage.snapshot("unread", on=("server",), server=all_there("u", 5000))
        unread.thaw()
        u.wait()
        unread.stop()
        again = stage.serve("serve_http_full", name="again", port=8000)
        post(stage, again, "big", "--size", "200000")


FORM = """
    POST / HTTP/1.1
    Host: {server}:8000
    User-Agent: python-requests/…
    Accept-Encoding: gzip…
    Accept: */*
    Connection: keep-alive
    Content-Length: 23
    Content-Type: application/x-www-form-urlencoded

    key1=value1&key2=value2
"""
PERCENT = """
    POST / HTTP/1.1
    ...
    Content-Type: application/x-www-form-urlencoded

    text=%E4%B8%AD%E6%96%87
"""
JSON = r"""
    POST / HTTP/1.1
    ...
    Content-Type: application/json

    {"text": "\u4e2d\u6587"}
"""
RAW = """
    POST / HTTP/1.1
    ...
    Content-Length: 11

    text=中文
"""
HELLO = """
    HTTP/1.1 200 OK

    Hello World
"""
LOST = "the answer is lost: Connection reset by peer"

EXPECT = (
    request("p", step="form", id="form-lines", message=FORM),
    carried("p", body=23, segments=2, step="form", id="two-segments"),
    printed("p", "POST /: the body has 23 bytes", step="form", id="form-read"),
    request("c", step="chinese", id="percent-encoded", message=PERCENT),
    request("j", step="chinese", id="json-escapes", message=JSON),
    request("r", step="chinese", id="raw-utf-8", message=RAW),
    queued("s", "small", step="small", id="small-waits"),
    ends_by("s", "close", step="small", id="small-closes"),
    printed("s", "<Response [200]>", step="small", id="small-answered"),
    queued("l", "large", step="large", id="large-waits"),
    response("l", step="large", id="answer-on-wire", message=HELLO),
    ends_by("l", "reset", step="large", id="large-resets"),
    printed("l", LOST, stream="stderr", step="large", id="answer-lost"),
    printed("many", matches=r"[1-9]\d* of 60 answered", step="race", id="race-counted"),
    lets_go("u", by="server", how="reset", step="mended", id="unread-resets"),
    lets_go("big", by="server", how="fin", step="mended", id="read-closes"),
    printed("big", "POST /: the body has 200000 bytes", step="mended", id="no-limit"),
)  # fmt: skip

CLAIMS = (
    Claim("A8", says=(request("p", id="A8", message=FORM), carried("p", body=23, id="A8"))),
    Claim("A9", cases={
        "small": ((queued("s", "small", id="A9"), printed("s", "<Response [200]>", id="A9")), None),
        "large": (
            printed("l", "<Response [200]>", id="A9"),
            (queued("l", "large", id="A9"), ends_by("l", "reset", id="A9"),
             printed("l", LOST, stream="stderr", id="A9")),
        ),
        "read_whole": (printed("big", "POST /: the body has 200000 bytes", id="A9"), None),
    }),
    Claim("A10", cases={
        "form": (request("c", id="A10", message=PERCENT), None),
        "json": (
            request("j", id="A10", message="...\n\n…%E4%B8%AD%E6%96%87…"),
            request("j", id="A10", message=JSON),
        ),
        "raw": (
            request("r", id="A10", message="...\n\ntext=%E4%B8%AD%E6%96%87"),
            request("r", id="A10", message=RAW),
        ),
    }),
)  # fmt: skip
