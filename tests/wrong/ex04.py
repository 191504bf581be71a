"""Exercise 4 with programs that are wrong on purpose, and with right ones where it needs wrong ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from lab.recording.run import Run
from lab.wire.segment import Flags
from tests.tampering import saying, with_flags, with_rows
from tests.wrong.base import ONE_DIFFERS, ONE_MISSING, ONE_UNEXPECTED, WAITED, Forged, Seen, Stop, Wrong

WRONG: Final[Mapping[str, Wrong]] = {
    "forgets_close=serve_blocking": Wrong(
        {
            "close-wait": Seen(f"the deadline came .*{ONE_MISSING}", {"State": "-"}),
            "orphan": Seen(f"the deadline came .*{ONE_DIFFERS}", {"State": "TIME-WAIT"}),
            "rebound": Seen(ONE_DIFFERS, {"Process": "serve_blocking fd=4"}),
            "fin-after-next": Seen("too early: 1, missing: 0", {"Frame": r"\d+"}),
        }
    ),
    "forgets_close=ignores_eof": Wrong(
        {
            "rebound": Seen(
                "the deadline came .*rows that differ: 2, missing: 0, unexpected: 1", {"State": "CLOSE-WAIT"}
            ),
            "time-wait-after-all": Seen(f"the deadline came .*{ONE_DIFFERS}", {"State": "FIN-WAIT-2"}),
        }
    ),
    "serve_blocking=forgets_close": Wrong(
        {
            "nothing-left": Seen(f"the deadline came .*{ONE_UNEXPECTED}", {"State": "CLOSE-WAIT"}),
            "closed-by-both": Seen(f"the deadline came .*{ONE_DIFFERS}", {"State": "FIN-WAIT-2"}),
        }
    ),
    "serve_blocking=resets_on_close": Wrong(
        {
            "closed-by-both": Seen(f"the deadline came .*{ONE_MISSING}", {"State": "-"}),
            "end-of-file": Seen("d printed other lines", {"Line": "connected from .*"}),
        }
    ),
    "serve_blocking=ignores_exitall": Wrong(
        {
            "end-of-file": Seen("d printed other lines", {"Line": "EXITALL"}),
            "no-answer": Seen("unexpected: [12]", {"Data": '"EXITALL"'}),
            "server-ends": Seen("server was still running"),
            "queued-reset": Seen(ONE_MISSING, {"Flags": "-"}),
            "e-learns": Seen("e printed nothing on stderr", {"Line": "-"}),
            "f-learns": Seen("f printed nothing on stderr", {"Line": "-"}),
        },
        stops=Stop("exitall", "e", "did-not-end", WAITED),
    ),
    "dies_of_reset=serve_blocking": Wrong(
        {
            "dies-of-reset": Seen("fragile printed nothing on stderr", {"Line": "-"}),
            "ended-by-one": Seen("fragile was still running"),
            "good1-lost": Seen("good1 printed nothing on stderr", {"Line": "-"}),
        },
        stops=Stop("reset", "good1", "did-not-end", "HELLO"),
    ),
    "rude=leaves_politely": Wrong(
        {
            "one-reset": Seen("segments that differ", {"Flags": "F."}),
            "dies-of-reset": Seen("fragile printed nothing on stderr", {"Line": "-"}),
            "ended-by-one": Seen("fragile was still running"),
            "good1-lost": Seen("good1 printed nothing on stderr", {"Line": "-"}),
        },
        stops=Stop("reset", "good1", "did-not-end", "HELLO"),
    ),
    "dies_of_half=serve_blocking": Wrong(
        {
            "dies-of-half": Seen("decoder printed nothing on stderr", {"Line": "-"}),
            "rude2-told": Seen("rude2 printed other lines", {"Line": "sent .*, got .*"}),
            "good2-lost": Seen("good2 printed nothing on stderr", {"Line": "-"}),
        },
        stops=Stop("half", "good2", "did-not-end", "HELLO"),
    ),
    "serve_blocking=dies_of_reset": Wrong(
        {
            "loses-one": Seen("steady printed other lines", {"Line": "waiting on .*"}),
            "bytes-are-bytes": Seen("rude5 printed other lines", {"Line": "connected from .*"}),
            "others-served": Seen("good4 printed other lines", {"Line": "connected from .*"}),
        },
        stops=Stop("stands", "good4", "ended-early", "connection lost: .*; steady: ConnectionResetError: .*"),
    ),
    "serve_blocking=dies_of_half": Wrong(
        {
            "bytes-are-bytes": Seen("rude5 printed other lines", {"Line": "the server closed the connection"}),
            "others-served": Seen("good4 printed other lines", {"Line": "connected from .*"}),
        },
        stops=Stop("stands", "good4", "ended-early", "connection lost: .*; steady: UnicodeDecodeError: .*"),
    ),
    "hello_dies=serve_hello": Wrong(
        {
            "dies-of-pipe": Seen("hello printed nothing on stderr", {"Line": "-"}),
            "ended-by-leaving": Seen("hello was still running"),
            "good3-lost": Seen("good3 printed nothing on stderr", {"Line": "-"}),
        },
        stops=Stop("early", "good3", "did-not-end", ".*"),
    ),
    "hello_dies=never_accepts": Wrong(
        {
            "gone-before": Seen(ONE_DIFFERS, {"Process": ""}),
            "sent-to-nobody": Seen("missing: 2", {"Flags": "-"}),
            "dies-of-pipe": Seen("hello printed nothing on stderr", {"Line": "-"}),
            "ended-by-leaving": Seen("hello was still running"),
            "good3-lost": Seen("good3 printed nothing on stderr", {"Line": "-"}),
        },
        stops=Stop("early", "good3", "did-not-end", WAITED),
    ),
    "serve_hello=hello_dies": Wrong(
        {
            "hello-loses-one": Seen("greeter printed other lines", {"Line": "waiting on .*"}),
            "hello-serves-on": Seen("good5 printed ", {"Line": "-"}),
        }
    ),
    "serve_blocking=listens_on_all": Wrong(
        {
            "elsewhere": Seen("rows that differ: 2", {"Local": r"0\.0\.0\.0:8008"}),
            "still-listens": Seen(ONE_DIFFERS, {"Local": r"0\.0\.0\.0:8000"}),
        }
    ),
}

_KERNEL: Final = "which port is closed, and what a SYN to it gets, is for the kernel to say"


def _answered(client: str) -> Callable[[Run], Run]:
    """Return what turns the reset of a refused client's SYN into an acceptance."""

    def tamper(run: Run) -> Run:
        conversation = run.conversation(client)
        assert conversation is not None
        return with_flags(run, conversation.segments[1].number, Flags.SYN | Flags.ACK, "server")

    return tamper


FORGED: Final[Mapping[str, Forged]] = {
    "f-has-no-row": Forged(
        "a kernel that has reset a connection has no row of it, whatever program it was",
        lambda run: with_rows(
            run, "over", "client", r"\Z", f"ESTAB 0 0 {run.resolve('client:f')} {run.resolve('server:8000')}\n"
        ),
        Seen(ONE_UNEXPECTED, {"State": "ESTAB"}),
    ),
    "refused-8000": Forged(_KERNEL, _answered("g"), Seen(ONE_DIFFERS.replace("rows", "segments"), {"Flags": "S."})),
    "refused-9000": Forged(_KERNEL, _answered("h"), Seen(ONE_DIFFERS.replace("rows", "segments"), {"Flags": "S."})),
    "g-told": Forged(
        "a client that fails in another way would mean that something listens, or that a filter drops its SYN",
        partial(saying, actor="g", stream="stderr", text="cannot connect: Connection timed out"),
        Seen("g printed other lines on stderr", {"Line": ".* timed out"}),
    ),
}
