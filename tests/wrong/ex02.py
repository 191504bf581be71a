"""Exercise 2 with programs that are wrong on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.wrong.base import WAITED, Seen, Stop, Wrong

_NO_END: Final = "httptools rejects it: "
_PATIENCE: Final = 6
"""Seconds: where other plays keep both cores busy, Python takes its time to import requests."""
_ONE_LINE: Final = "lines that differ: 1, missing: 0, unexpected: 0"

WRONG: Final[Mapping[str, Wrong]] = {
    "post_form=no_encoding": Wrong(
        {
            "form-lines": Seen("missing: 1, unexpected: 1", {"Line": "Content-Type: .*urlencoded"}),
            "percent-encoded": Seen("lines that differ: 1, missing: 1", {"Line": "text=中文"}),
        },
        patience=_PATIENCE,
    ),
    "post_form=encodes_all": Wrong(
        {
            "json-escapes": Seen(_ONE_LINE, {"Line": r'\{"text": "%E4%B8%AD%E6%96%87"\}'}),
            "raw-utf-8": Seen("lines that differ: 2", {"Line": "text=%E4%B8%AD%E6%96%87"}),
        },
        patience=_PATIENCE,
    ),
    "post_form=drips": Wrong(
        {
            "form-lines": Seen("missing: 1, unexpected: 1", {"Line": "Content-Type: .*urlencoded"}),
            "two-segments": Seen("of them in the body 23, segments 3"),
            "percent-encoded": Seen("missing: 1, unexpected: 0", {"Line": "-"}),
        },
        patience=_PATIENCE,
    ),
    "post_form=adds_newline": Wrong(
        {
            "small-waits": Seen(r"Recv-Q 3\d\d; the message has 3\d\d bytes"),
            "large-waits": Seen(r"Recv-Q 52\d\d; the message has 52\d\d bytes"),
        },
        patience=_PATIENCE,
    ),
    "serve_hello=hello_twice": Wrong(
        {"race-counted": Seen("many printed other lines", {"Line": "0 of 60 answered"})},
        stops=Stop("race", "hello", "ended-early", "status 0"),
        patience=_PATIENCE,
    ),
    "serve_hello=hello_no_line": Wrong(
        {
            "small-closes": Seen(_NO_END),
            "answer-on-wire": Seen(_NO_END, {"Line": "Hello World"}),
            "large-resets": Seen(_NO_END),
        },
        patience=_PATIENCE,
    ),
    "serve_hello=hello_waits": Wrong(
        {
            "small-closes": Seen("is ended by nothing yet"),
            "small-answered": Seen("s printed other lines on stdout", {"Line": "-"}),
        },
        stops=Stop("small", "s", "did-not-end", WAITED),
        patience=_PATIENCE,
    ),
    "serve_hello=hello_reads_all": Wrong(
        {
            "large-resets": Seen("is ended by the close of the connection"),
            "answer-lost": Seen("l printed nothing on stderr", {"Line": "-"}),
        },
        patience=_PATIENCE,
    ),
    "serve_http_full=full_cut": Wrong(
        {
            "form-read": Seen("p printed other lines on stdout", {"Line": "-"}),
            "no-limit": Seen("big printed other lines on stdout", {"Line": "-"}),
        },
        patience=_PATIENCE,
    ),
    "serve_http_full=answers_unread": Wrong(
        {
            "read-closes": Seen(r"server ends its side with a reset \(R\)"),
            # Whether that client still gets the answer hangs on how far it was with its 200,000 bytes.
            "no-limit": Seen("big printed other lines", {"Line": "-"}),
        },
        patience=_PATIENCE,
    ),
    "answers_unread=serve_http_full": Wrong(
        {"unread-resets": Seen(r"server ends its side with a FIN \(F\.\)")}, patience=_PATIENCE
    ),
}
