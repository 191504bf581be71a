"""A request on the wire: GET, its headers, the answer that ends with the close; what one recv() gets of it."""

from __future__ import annotations

from lab.conditions import backed_up, held, state
from lab.exercise import Lab, Step, Type
from lab.judge.claims import Claim
from lab.judge.http.dates import dated, weekday
from lab.judge.http.messages import carried, ends_by, queued, request, response
from lab.judge.programs.printed import never_printed, printed
from lab.judge.segments.closing import closes
from lab.judge.sockets.tables import sockets
from lab.programs import Server
from lab.stage import Stage
from lab.views import HttpMessage, Ladder, Mend, Printed, Rows, Text

LAB = Lab(optional=("browser",))
SUBJECT = "serve_hello"
PAGE = "get_page {server} 8000"

STEPS = (
    Step(
        "asks",
        answer="b",
        type=(
            Type("server", "serve_hello {server} 8000", "waiting on {server}:8000"),
            Type("client", f"{PAGE} --wait", "Enter sends the request"),
            Type("server", "^Z", "Stopped"),
            Type("client", "go", r"sent 4\d\d bytes"),
        ),
        show=(HttpMessage("a"),),
    ),
    Step(
        "waits",
        answer="c",
        type=(Type("watcher", "ss -tanp sport = :8000", r"ESTAB +4\d\d +0 +{server}:8000 +{client}:\d+ .*fd=4"),),
        show=(Rows("waiting", on=("server",)),),
    ),
    Step(
        "answers",
        answer="c",
        type=(Type("server", "fg %1", r"received 4\d\d bytes\s+closed"),),
        show=(HttpMessage("a", "response"), Ladder("a", "close")),
    ),
    Step(
        "long",
        answer="a",
        type=(
            Type("server", "^Z", "Stopped"),
            Type("client", f"{PAGE} --query 3000", r"sent 34\d\d bytes"),
            Type("watcher", "ss -tan sport = :8000", r"ESTAB +34\d\d +0 "),
            Type("server", "fg %1", r"received 1024 bytes\s+closed"),
        ),
        show=(Rows("long", on=("server",)), Printed("server"), Printed("long")),
    ),
    Step(
        "cut",
        answer="a",
        type=(
            Type("server", "^C", ""),
            Type("server", "hello_cut {server} 8000", "waiting on {server}:8000"),
            Type("client", PAGE, "200 OK: 8 bytes, closed"),
            Type("server", "^C", ""),
            Type("server", "full_cut {server} 8000", "waiting on {server}:8000"),
            Type("client", PAGE, "200 OK: 6 bytes, 22 bytes are missing"),
        ),
        show=(
            Printed("c"),
            Mend("hello_cut", "serve_hello"),
            Printed("d"),
            HttpMessage("d", "response", only=("content-length",)),
        ),
    ),
    Step(
        "bodies",
        answer="c",
        type=(
            Type("server", "^C", ""),
            Type("server", "serve_http_full {server} 8000", "waiting on {server}:8000"),
            Type("client", f"{PAGE} --body hello", "GET /: the body has 5 bytes"),
            Type("client", f"{PAGE} --method PUT --body hello", "PUT /: the body has 5 bytes"),
            Type("client", f"{PAGE} --method PATCH --body hello", "PATCH /: the body has 5 bytes"),
        ),
        show=(HttpMessage("g", only=("content-length",)), Printed("g"), Printed("p"), Printed("m")),
    ),
    Step(
        "targets",
        answer="b",
        type=(
            Type("client", f"{PAGE} /search?name=lab", "200 OK"),
            Type("client", f"{PAGE} /search --method POST --body name=lab", "200 OK"),
            Type("client", f"{PAGE} /search?name=lan --method POST --body x=1", "200 OK"),
        ),
        show=(Printed("full"),),
    ),
    Step(
        "visits",
        answer="a",
        type=(
            Type("client", f"{PAGE} /visits", "visit 1"),
            Type("client", f"{PAGE} /visits --cookie visits=1", "visit 2"),
            Type("client", f"{PAGE} /visits", "visit 1"),
        ),
        show=(
            HttpMessage("v1", "response", only=("set-cookie",)),
            HttpMessage("v2", only=("cookie",)),
            Printed("v2"),
            Printed("v3"),
        ),
    ),
    Step(
        "copies",
        answer="b",
        type=(
            Type("client", f"{PAGE} /page", 'etag: "v1"'),
            Type("client", f"{PAGE} /page --copy v1", "304 Not Modified: 0 bytes"),
        ),
        show=(
            Printed("n1"),
            HttpMessage("n2", only=("cache-control", "if-none-match")),
            HttpMessage("n2", "response"),
            Printed("n2"),
        ),
    ),
    Step(
        "sample",
        answer="c",
        type=(Type("client", f"{PAGE} /sample", "200 OK: 724 bytes, complete"),),
        show=(HttpMessage("s", "response"), HttpMessage("v3", "response", only=("date",))),
    ),
    Step("browser", show=(Text("browser", party="browser"), HttpMessage("browser"))),
)


def ask(stage: Stage, server: Server, name: str, *args: str) -> None:
    """Ask for a page. The server stands still meanwhile: a client that is answered is gone before anybody looks."""
    server.freeze()
    client = stage.client(name, port=8000, program="get_page", args=args)
    server.thaw()
    client.wait()


def play(stage: Stage) -> None:
    """One request taken slowly, then what requests and answers may look like, then a browser."""
    _slowly(stage)
    _with_care(stage)
    with stage.step("browser"):
        last = stage.serve("serve_hello", name="last", port=8000)
        last.freeze()
        stage.browse("browser", port=8000)
        last.thaw()
        # A browser takes its time to start, and to end: what matters is over when the server has closed.
        stage.snapshot("browsed", on=("server",), server=state("TIME-WAIT", "browser"), seconds=20)


def _slowly(stage: Stage) -> None:
    """Look at one request and its answer, then at what goes wrong with so small a server."""
    with stage.step("asks"):
        server = stage.serve("serve_hello", port=8000, backlog=2)
        a = stage.client("a", port=8000, program="get_page", args=("--wait",))
        stage.snapshot("accepted", on=("server",), server=held("a"))
        server.freeze()
        a.say("go", answer=False)

    with stage.step("waits"):
        stage.snapshot("waiting", on=("server",), server=backed_up("a", queue="recv_q"))

    with stage.step("answers"):
        server.thaw()
        a.wait()

    with stage.step("long"):
        server.freeze()
        long = stage.client("long", port=8000, program="get_page", args=("--query", "3000"))
        stage.snapshot("long", on=("server",), server=backed_up("long", queue="recv_q", at_least=3000))
        server.thaw()
        long.wait()
        server.stop()

    with stage.step("cut"):
        for program, name, client in (("hello_cut", "cut", "c"), ("full_cut", "told", "d")):
            server = stage.serve(program, name=name, port=8000)
            ask(stage, server, client)
            server.stop()


def _with_care(stage: Stage) -> None:
    """Ask a server that reads requests to their end."""
    with stage.step("bodies"):
        full = stage.serve("serve_http_full", name="full", port=8000)
        ask(stage, full, "g", "--body", "hello")
        ask(stage, full, "p", "--method", "PUT", "--body", "hello")
        ask(stage, full, "m", "--method", "PATCH", "--body", "hello")

    with stage.step("targets"):
        ask(stage, full, "q", "/search?name=lab")
        ask(stage, full, "f", "/search", "--method", "POST", "--body", "name=lab")
        ask(stage, full, "b", "/search?name=lan", "--method", "POST", "--body", "x=1")

    with stage.step("visits"):
        ask(stage, full, "v1", "/visits")
        ask(stage, full, "v2", "/visits", "--cookie", "visits=1")
        ask(stage, full, "v3", "/visits")

    with stage.step("copies"):
        ask(stage, full, "n1", "/page")
        ask(stage, full, "n2", "/page", "--copy", "v1")

    with stage.step("sample"):
        ask(stage, full, "s", "/sample")
        full.stop()


CHROME_66 = """
    GET / HTTP/1.1
    Host: {server}:8000
    Connection: keep-alive
    Pragma: no-cache
    Cache-Control: no-cache
    Upgrade-Insecure-Requests: 1
    User-Agent: Mozilla/5.0 (Macintosh; … Chrome/66.0.3359.139 Safari/537.36
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,image/apng,*/*;q=0.8
    Accept-Encoding: gzip, deflate
    Accept-Language: zh-CN,zh;q=0.9,en;q=0.8,cy;q=0.7
"""
HELLO = """
    HTTP/1.1 200 OK

    Hello World
"""
SAMPLE = """
    HTTP/1.1 200 OK
    Server: WSGIServer/0.2 CPython/3.5.2
    Content-Type: text/html;charset=UTF-8
    Content-Length: 724
    Set-Cookie: JSESSIONID=C97E2B4C55553EAB46079A4F263435A4; Path=/hello
    Date: Wed, 25 Sep 2012 04:15:03 GMT

    ...
"""
FIRST_VISIT = """
    HTTP/1.1 200 OK
    ...
    Set-Cookie: visits=1; Path=/visits

    visit 1
"""
SECOND_VISIT = """
    HTTP/1.1 200 OK
    ...
    Set-Cookie: visits=2; Path=/visits

    visit 2
"""
WITH_COOKIE = """
    GET /visits HTTP/1.1
    ...
    Cookie: visits=1
"""
GET_WITH_BODY = """
    GET / HTTP/1.1
    ...
    Content-Length: 5

    hello
"""
PUT_WITH_BODY = """
    PUT / HTTP/1.1
    ...
    Content-Length: 5

    hello
"""
PATCH_WITH_BODY = PUT_WITH_BODY.replace("PUT", "PATCH")
NOT_MODIFIED = """
    HTTP/1.1 304 Not Modified
    ...
    ETag: "v1"
"""
ASKS_FOR_NEWS = """
    GET /page HTTP/1.1
    ...
    Cache-Control: no-cache
    ...
    If-None-Match: "v1"
"""
POSTED = """
    POST /search HTTP/1.1
    ...

    name=lab
"""
POSTED_WITH_QUERY = """
    POST /search?name=lan HTTP/1.1
    ...

    x=1
"""
IN_TARGET = """
    GET /search?name=lab HTTP/1.1
    ...
"""
GET_LOGGED = '"GET /search?name=lab HTTP/1.1" 200 43'
POST_LOGGED = '"POST[^"]*".*name=lab.*|"POST[^"]*name=lab.*'
UNREAD = """
    State  Recv-Q  Send-Q  Local        Peer      Process
    ESTAB  >300    0       server:8000  client:a  server fd=4
"""

EXPECT = (
    request("a", step="asks", id="headers-in-order", message=CHROME_66),
    carried("a", size=">300", body=0, segments=1, step="asks", id="one-segment"),
    sockets("waiting", on="server", only="client:a", step="waits", id="unread-row", table=UNREAD),
    queued("a", "waiting", step="waits", id="all-unread"),
    response("a", step="answers", id="hello-answer", message=HELLO),
    carried("a", which="response", size=30, body=11, segments=2, step="answers", id="two-sends"),
    ends_by("a", "close", step="answers", id="ended-by-close"),
    closes("a", first="server", step="answers", id="server-closes"),
    carried("long", size=">3000", step="long", id="long-arrives"),
    printed("server", "received 1024 bytes", step="long", id="reads-1024"),
    ends_by("long", "reset", step="long", id="rest-resets"),
    printed("c", "200 OK: 8 bytes, closed", step="cut", id="cut-looks-whole"),
    ends_by("c", "close", step="cut", id="cut-ends-alike"),
    ends_by("d", "short", step="cut", id="length-tells"),
    printed("d", "200 OK: 6 bytes, 22 bytes are missing", step="cut", id="client-misses"),
    request("g", step="bodies", id="get-with-body", message=GET_WITH_BODY),
    request("p", step="bodies", id="put-with-body", message=PUT_WITH_BODY),
    printed("g", "GET /: the body has 5 bytes", step="bodies", id="body-read"),
    request("q", step="targets", id="query-in-target", message=IN_TARGET),
    printed("full", GET_LOGGED, step="targets", id="query-in-log"),
    never_printed("full", POST_LOGGED, step="targets", id="body-not-in-log"),
    request("b", step="targets", id="post-with-query", message=POSTED_WITH_QUERY),
    response("v1", step="visits", id="first-visit", message=FIRST_VISIT),
    request("v2", step="visits", id="cookie-carries", message=WITH_COOKIE),
    response("v2", step="visits", id="second-visit", message=SECOND_VISIT),
    response("v3", step="visits", id="forgotten", message=FIRST_VISIT),
    response("n2", step="copies", id="not-modified", message=NOT_MODIFIED),
    ends_by("n2", "none", step="copies", id="no-body"),
    response("s", step="sample", id="sample-answer", message=SAMPLE),
    carried("s", which="response", body=724, step="sample", id="body-724"),
    weekday("s", "Tue", step="sample", id="was-a-tuesday"),
    dated("v3", off="-0.01..0.01", step="sample", id="date-is-gmt"),
    request("browser", step="browser", id="browser-asks", message="""
        GET / HTTP/1.1
        Host: {server}:8000
        Connection: keep-alive
        ...
        Upgrade-Insecure-Requests: 1
        User-Agent: Mozilla/5.0 …
        Accept: text/html,application/xhtml+xml,application/xml;q=0.9,…
        Accept-Encoding: gzip, deflate
        Accept-Language: zh-CN,zh;q=0.9,en;q=0.8,cy;q=0.7
    """),
    ends_by("browser", "close", step="browser", id="browser-answered"),
)  # fmt: skip

CLAIMS = (
    Claim("A1", cites="RFC 9110, section 3.4"),
    Claim("A2", cases={
        "without_cookie": (response("v3", id="A2", message=FIRST_VISIT), None),
        "with_cookie": (
            response("v2", id="A2", message=FIRST_VISIT),
            (request("v2", id="A2", message=WITH_COOKIE), response("v2", id="A2", message=SECOND_VISIT)),
        ),
    }),
    Claim("A3", says=(request("a", id="A3", message=CHROME_66), request("p", id="A3", message=PUT_WITH_BODY))),
    Claim("A4", cases={
        "headers": (request("a", id="A4", message=CHROME_66), None),
        "no_cache": (
            (request("n2", id="A4", message=ASKS_FOR_NEWS), carried("n2", which="response", body=">0", id="A4")),
            (request("n2", id="A4", message=ASKS_FOR_NEWS), response("n2", id="A4", message=NOT_MODIFIED)),
        ),
        "keep_alive": (
            closes("a", first="a", id="A4"),
            (closes("a", first="server", id="A4"), response("a", id="A4", message=HELLO)),
        ),
    }),
    Claim("A5", cases={
        "get": (carried("g", body=0, id="A5"), request("g", id="A5", message=GET_WITH_BODY)),
        "put": (carried("p", body=0, id="A5"), request("p", id="A5", message=PUT_WITH_BODY)),
        "patch": (carried("m", body=0, id="A5"), request("m", id="A5", message=PATCH_WITH_BODY)),
    }),
    Claim("A6",
        says=carried("long", size="<=1024", id="A6"),
        instead=(carried("long", size=">3000", id="A6"), printed("server", "received 1024 bytes", id="A6"))),
    Claim("A7", cases={
        "get": (request("q", id="A7", message=IN_TARGET), None),
        "post": ((request("f", id="A7", message=POSTED), never_printed("full", POST_LOGGED, id="A7")), None),
        "post_with_query": (
            request("b", id="A7", message="POST /search HTTP/1.1\n...\n\n..."),
            request("b", id="A7", message=POSTED_WITH_QUERY),
        ),
        "logged": (
            never_printed("full", '"GET[^"]*name=lab.*', id="A7"),
            printed("full", GET_LOGGED, id="A7"),
        ),
    }),
    Claim("A11", says=(
        response("a", id="A11", message=HELLO),
        carried("a", which="response", segments=2, id="A11"),
        ends_by("a", "close", id="A11"),
        ends_by("c", "close", id="A11"),
        printed("c", "200 OK: 8 bytes, closed", id="A11"),
    )),
    Claim("A12", cases={
        "parts": ((response("s", id="A12", message=SAMPLE), carried("s", which="response", body=724, id="A12")), None),
        "its_date": (weekday("s", "Wed", id="A12"), weekday("s", "Tue", id="A12")),
    }),
    Claim("A13", cases={
        "as_gmt": (dated("v3", off="7.9..8.1", id="A13"), dated("v3", off="-0.01..0.01", id="A13")),
        "as_local": (dated("v3", hours=8, off="-8.1..-7.9", id="A13"), None),
    }),
    Claim("A14", says=(
        sockets("waiting", on="server", only="client:a", id="A14", table=UNREAD),
        queued("a", "waiting", id="A14"),
    )),
)  # fmt: skip
