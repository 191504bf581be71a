"""Exercise 1 with programs that are wrong on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lab.recording.run import Run
from tests.tampering import with_frames
from tests.wrong.base import ONE_DIFFERS, WAITED, Forged, Seen, Stop, Wrong

_NO_HOST: Final = "h11 rejects it: Missing mandatory Host"
_NO_END: Final = "httptools rejects it: "
_ONE_LINE: Final = "lines that differ: 1, missing: 0, unexpected: 0"
_TWO_LINES: Final = "lines that differ: 2, missing: 0, unexpected: 0"

WRONG: Final[Mapping[str, Wrong]] = {
    "get_page=drops_host": Wrong(
        {
            "headers-in-order": Seen(_NO_HOST, {"Line": "-"}),
            "one-segment": Seen(_NO_HOST),
            "long-arrives": Seen(_NO_HOST),
            "get-with-body": Seen(_NO_HOST),
            "put-with-body": Seen(_NO_HOST),
            "query-in-target": Seen(_NO_HOST),
            "post-with-query": Seen(_NO_HOST),
            "cookie-carries": Seen(_NO_HOST),
        },
        may=("browser-asks",),  # where no browser is installed get_page asks in its place
    ),
    "get_page=asks_in_two": Wrong(
        {
            "one-segment": Seen("segments 2"),
            "unread-row": Seen(ONE_DIFFERS, {"Recv-Q": r"1\d\d"}),
            "all-unread": Seen("Recv-Q 1..; the message has 4.. bytes"),
        },
        # It and a server that waits for the rest, or never closes, would wait for each other: none shares its play.
        may=("ended-by-close", "rest-resets"),
    ),
    "serve_hello=hello_no_line": Wrong(
        {
            "hello-answer": Seen(_NO_END, {"Line": "Hello World"}),
            "two-sends": Seen(_NO_END),
            "ended-by-close": Seen(_NO_END),
            "rest-resets": Seen(_NO_END),
            "browser-answered": Seen(_NO_END),
        }
    ),
    "serve_hello=hello_waits": Wrong(
        {
            "ended-by-close": Seen("is ended by nothing yet"),
            "server-closes": Seen("neither side sent a FIN"),
        },
        stops=Stop("answers", "a", "did-not-end", WAITED),
    ),
    "serve_hello=hello_reads_all": Wrong(
        {
            "reads-1024": Seen("server printed other lines", {"Line": r"received 3\d\d\d bytes"}),
            "rest-resets": Seen("is ended by the close of the connection"),
        }
    ),
    "hello_cut=serve_hello": Wrong(
        {"cut-looks-whole": Seen("c printed other lines", {"Line": "200 OK: 11 bytes, closed"})}
    ),
    "hello_cut=full_cut": Wrong(
        {
            "cut-looks-whole": Seen("c printed other lines", {"Line": "200 OK: 6 bytes, 22 bytes are missing"}),
            "cut-ends-alike": Seen("a close that came too soon; bytes still missing: 22"),
        }
    ),
    "full_cut=hello_cut": Wrong(
        {
            "length-tells": Seen("is ended by the close of the connection"),
            "client-misses": Seen("d printed other lines", {"Line": "200 OK: 8 bytes, closed"}),
        }
    ),
    "serve_http_full=full_cut": Wrong(
        {
            "body-read": Seen("g printed other lines", {"Line": "200 OK: 6 bytes, 22 bytes are missing"}),
            "first-visit": Seen(_ONE_LINE, {"Line": "visit "}),
            "second-visit": Seen(_ONE_LINE, {"Line": "visit "}),
            "forgotten": Seen(_ONE_LINE, {"Line": "visit "}),
            "body-724": Seen("of them in the body 6"),
        }
    ),
    "serve_http_full=keeps_count": Wrong({"forgotten": Seen(_TWO_LINES, {"Line": "visit 3"})}),
    "serve_http_full=ignores_cookie": Wrong({"second-visit": Seen(_TWO_LINES, {"Line": "visit 1"})}),
    "serve_http_full=sends_again": Wrong(
        {
            "not-modified": Seen("lines that differ: ", {"Line": "This page never changes."}),
            "no-body": Seen("is ended by its Content-Length"),
        }
    ),
    "serve_http_full=logs_path": Wrong(
        {"query-in-log": Seen("full printed other lines", {"Line": '"POST /search" 200 44'})}
    ),
    "serve_http_full=logs_body": Wrong(
        {"body-not-in-log": Seen("full prints", {"Line": '"POST /search HTTP/1.1" 200 35 name=lab'})}
    ),
    "serve_http_full=local_time": Wrong({"date-is-gmt": Seen("ahead of the clock: 8$")}),
    "serve_http_full=other_day": Wrong(
        {
            "sample-answer": Seen(_ONE_LINE, {"Line": "Date: Wed, 26 Sep 2012 .*"}),
            "was-a-tuesday": Seen("its Date is a Wed"),
        }
    ),
}


def _without_host(run: Run) -> Run:
    """Misspell the Host of the browser's request in the server's capture."""
    local = run.play.party("browser").local
    assert local is not None
    port = local.port.to_bytes(2, "big")
    at = 14 + 20  # Ethernet, IPv4 without options

    def misspelt(data: bytes) -> bytes:
        return data.replace(b"\r\nHost: ", b"\r\nHots: ") if data[at : at + 2] == port else data

    return with_frames(run, "server", lambda frames: [(header, misspelt(data)) for header, data in frames])


FORGED: Final[Mapping[str, Forged]] = {
    "browser-asks": Forged(
        "a real browser is no program of the lab's, and nothing stands in for it",
        _without_host,
        Seen(_NO_HOST, {"Line": "-"}),
    ),
}
