"""Exercise 3 with programs that are wrong on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lab.recording.run import Run
from lab.wire.segment import Flags
from lab.wire.state import State
from tests.tampering import unrecorded, with_rows, with_transitions, without_frame
from tests.wrong.base import ONE_DIFFERS, ONE_MISSING, ONE_UNEXPECTED, WAITED, Forged, Seen, Stop, Wrong

WRONG: Final[Mapping[str, Wrong]] = {
    "serve_blocking=answers_lower": Wrong(
        {
            "upper-case": Seen("a printed other lines", {"Line": "hello"}),
            "exchange": Seen("segments that differ: 2", {"Data": '"hello"'}),
        }
    ),
    "serve_blocking=answers_twice": Wrong(
        {
            "upper-case": Seen("a printed other lines", {"Line": "HELLOHELLO"}),
            "exchange": Seen("segments that differ: 2", {"Data": '"HELLOHELLO"'}),
        }
    ),
    "serve_blocking=closes_too_soon": Wrong(
        {"exchange": Seen("missing: [123]", {"Data": "-"})},
        # What was typed before its close() had come is then unread: a reset in place of the FIN.
        may=("server-closes-first",),
        stops=Stop("server_first", "a", "ended-early", "the server closed the connection|connection lost: .* reset"),
    ),
    "serve_blocking=crashes_on_data": Wrong(
        {
            "upper-case": Seen("a printed other lines", {"Line": "the server closed the connection"}),
            "exchange": Seen("missing: 4", {"Data": "-"}),
        },
        stops=Stop(
            "talks", "a", "ended-early", "the server closed the connection; server: AttributeError: .*toupper.*"
        ),
    ),
    "serve_blocking=doubles_backlog": Wrong(
        {
            "listener": Seen(ONE_DIFFERS, {"Send-Q": "10"}),
            "second-socket": Seen(ONE_DIFFERS, {"Send-Q": "10"}),
            "time-wait-server": Seen(ONE_DIFFERS, {"Send-Q": "10"}),
            "listens-again": Seen(ONE_DIFFERS, {"Send-Q": "10"}),
            "backlog-and-one": Seen("the deadline came ", {"Recv-Q": "7", "Send-Q": "10"}),
            "seventh-waits": Seen("7 ESTAB, 0 SYN-SENT", {"Rows": "7"}),
            "kernel-counted": Seen("counters that grew by another amount: 2", {"Change": "0"}),
        }
    ),
    "serve_blocking=exits_with_zero": Wrong({"cannot-listen": Seen("strict ends with exit status 0")}),
    "serve_blocking=forgets_close": Wrong(
        {
            "server-lets-go": Seen(f"the deadline came .*{ONE_UNEXPECTED}", {"State": "CLOSE-WAIT"}),
            "time-wait-client": Seen(f"the deadline came .*{ONE_DIFFERS}", {"State": "FIN-WAIT-2"}),
        },
        # The last of the twenty stays open until the server is ended: its FIN may then come too late.
        may=("all-closed",),
    ),
    "serve_blocking=forgets_listen": Wrong(
        {}, stops=Stop("listens", "server", "ended-early", "OSError: .*Invalid argument")
    ),
    "serve_blocking=forks_a_child": Wrong(
        {
            "second-socket": Seen(ONE_DIFFERS, {"Process": r"forks_a_child fd=4 pid=\d+"}),
            "close-wait": Seen(f"the deadline came .*{ONE_MISSING}", {"State": "-"}),
            "fin-wait-2": Seen(f"the deadline came .*{ONE_DIFFERS}", {"State": "TIME-WAIT"}),
            "stands-still": Seen(r"such a row \d", {"State": "TIME-WAIT"}),
        },
        may=("four-segments",),
    ),
    "serve_blocking=greets_first": Wrong(
        {
            "mirror-row": Seen(ONE_DIFFERS, {"Recv-Q": "16"}),
            "upper-case": Seen("a printed other lines", {"Line": "at your service "}),
            "exchange": Seen("segments that differ: ", {"Data": '"at your service "'}),
        },
        stops=Stop("talks", "a", "no-answer", "again"),
    ),
    "serve_blocking=ignores_backlog": Wrong(
        {
            "listener": Seen(ONE_DIFFERS, {"Send-Q": "1"}),
            "second-socket": Seen(ONE_DIFFERS, {"Send-Q": "1"}),
            "time-wait-server": Seen(ONE_DIFFERS, {"Send-Q": "1"}),
            "listens-again": Seen(ONE_DIFFERS, {"Send-Q": "1"}),
            "backlog-and-one": Seen("the deadline came ", {"Recv-Q": "2", "Send-Q": "1"}),
            "seventh-waits": Seen("2 ESTAB, 5 SYN-SENT", {"Rows": "2"}),
        }
    ),
    "serve_blocking=ignores_eof": Wrong(
        {
            "server-lets-go": Seen(f"the deadline came .*{ONE_UNEXPECTED}", {"State": "CLOSE-WAIT"}),
            "time-wait-client": Seen(f"the deadline came .*{ONE_DIFFERS}", {"State": "FIN-WAIT-2"}),
            "four-segments": Seen("b sends the first FIN; segments from there on: 2"),
            "observed-close": Seen("it reported .* → ESTAB → CLOSE-WAIT$"),
            "twenty-rounds": Seen("rounds printed nothing on stdout", {"Line": "-"}),
            "all-closed": Seen("three segments: 0, with four: 0, otherwise: 1"),
        },
        stops=Stop("three_or_four", "rounds", "did-not-end", WAITED),
    ),
    "serve_blocking=ignores_exit": Wrong(
        {
            "exchange": Seen("unexpected: 2", {"Data": '"EXIT"'}),
            "server-closes-first": Seen("neither side sent a FIN"),
        },
        stops=Stop("server_first", "a", "did-not-end", "EXIT"),
    ),
    "serve_blocking=listens_on_all": Wrong(
        {
            "listener": Seen(ONE_DIFFERS, {"Local": r"0\.0\.0\.0:8000"}),
            "second-socket": Seen(ONE_DIFFERS, {"Local": r"0\.0\.0\.0:8000"}),
            "time-wait-server": Seen(ONE_DIFFERS, {"Local": r"0\.0\.0\.0:8000"}),
            "listens-again": Seen(ONE_DIFFERS, {"Local": r"0\.0\.0\.0:8000"}),
            "backlog-and-one": Seen(ONE_DIFFERS, {"Local": r"0\.0\.0\.0:8000"}),
        }
    ),
    "serve_blocking=never_accepts": Wrong(
        {
            "second-socket": Seen("the deadline came .*rows that differ: 2", {"Recv-Q": "1", "Process": ""}),
            "upper-case": Seen("a printed other lines", {"Line": "connected from .*"}),
            "exchange": Seen("missing: 4", {"Data": "-"}),
        },
        stops=Stop("talks", "a", "no-answer", "hello"),
    ),
    "serve_blocking=no_reuseaddr": Wrong(
        {}, stops=Stop("restart", "again", "ended-early", "cannot listen on .*Address already in use")
    ),
    "serve_blocking=reaches_out": Wrong(
        {
            "upper-case": Seen("a printed other lines", {"Line": "hello"}),
            "exchange": Seen("segments that differ: 2", {"Data": '"hello"'}),
        }
    ),
    "serve_blocking=resets_on_close": Wrong(
        {
            "server-closes-first": Seen("no FIN, but a reset"),
            "time-wait-server": Seen(f"the deadline came .*{ONE_MISSING}", {"State": "-"}),
            "time-wait-client": Seen(f"the deadline came .*{ONE_MISSING}", {"State": "-"}),
            "four-segments": Seen("b sends the first FIN; segments from there on: 3"),
            "observed-close": Seen("it reported .* → CLOSE-WAIT → UNCONN$"),
            "twenty-rounds": Seen("rounds printed nothing on stdout", {"Line": "-"}),
            "all-closed": Seen("otherwise: 1"),
            "address-in-use": Seen("strict printed nothing on stderr"),
            "cannot-listen": Seen("strict was still running"),
        },
        stops=Stop("restart", "strict", "did-not-end", "LISTEN .*:8000"),
    ),
    "serve_blocking=reuses_always": Wrong(
        {
            "address-in-use": Seen("strict printed nothing on stderr", {"Line": "-"}),
            "cannot-listen": Seen("strict was still running"),
        },
        stops=Stop("restart", "strict", "did-not-end", "LISTEN .*:8000"),
    ),
    "serve_blocking=says_goodbye": Wrong(
        {
            "exchange": Seen("unexpected: 2", {"Data": ".*good-bye.*"}),
            "server-closes-first": Seen("neither side sent a FIN"),
        },
        stops=Stop("server_first", "a", "did-not-end", "good-bye"),
    ),
    "serve_blocking=serves_only_one": Wrong(
        {
            "four-segments": Seen("no FIN, but a reset"),
            "observed-close": Seen("it reported no such connection on server"),
        },
        may=("time-wait-server",),
        stops=Stop("client_first", "b", "ended-early", "cannot connect to .*: Connection refused; server: status 0"),
    ),
    "serve_blocking=shuts_down_only": Wrong({"close-wait": Seen(ONE_DIFFERS, {"Process": "shuts_down_only fd=5"})}),
    "prompt=exits_itself": Wrong(
        {
            "exchange": Seen("missing: 1"),
            "server-closes-first": Seen("a sends the first FIN"),
            "time-wait-server": Seen(f"the deadline came .*{ONE_MISSING}", {"State": "-"}),
            "client-forgets": Seen(f"the deadline came .*{ONE_UNEXPECTED}", {"State": "TIME-WAIT"}),
        },
    ),
    "prompt=greets_server": Wrong(
        {
            "handshake": Seen("segments that differ: 1, missing: 0, unexpected: 0"),
            "exchange": Seen("unexpected: [23]", {"Data": '"HI"'}),
        },
        may=("second-socket",),  # its ACK of the answer may take 40 ms: until then the answer is in the server's Send-Q
    ),
    "serve_blocking=wrong_port": Wrong(
        {}, stops=Stop("listens", "server", "did-not-listen", r".*:8000; LISTEN .*:8008")
    ),
    "serve_blocking=fills_host": Wrong({}, stops=Stop("listens", "server", "took-all-processes", "")),
    "serve_blocking=renames_itself": Wrong(
        {
            "server-lets-go": Seen(f"the deadline came .*{ONE_UNEXPECTED}", {"State": "CLOSE-WAIT"}),
            "time-wait-client": Seen(f"the deadline came .*{ONE_DIFFERS}", {"State": "FIN-WAIT-2"}),
        },
        may=("all-closed",),
    ),
    "serve_blocking=writes_verdict": Wrong(
        {
            "upper-case": Seen("a printed other lines", {"Line": r"\x1b\[2J.*verdict: pass.*"}),
            "exchange": Seen("segments that differ: 2", {"Data": r'"\\x1b\[2J.*'}),
        }
    ),
}

UNASKED: Final = "these plays have the kernel's record, and what it tells decides"


def frame(run: Run, client: str, flags: Flags, *, last: bool = False) -> int:
    """Return the number of a client's first or last segment with just these flags, on the server, of either end."""
    conversation = run.conversation(client, "server")
    assert conversation is not None
    found = [segment.number for segment in conversation.segments if segment.flags == flags]
    return found[-1 if last else 0]


FORGED: Final[Mapping[str, Forged]] = {
    "observed-opening": Forged(
        "the kernel finishes the handshake by itself, whatever the programs do",
        lambda run: with_transitions(
            run, lambda each: each.new is not State.ESTABLISHED or each.peer != run.play.party("a").local
        ),
        Seen("it reported LISTEN → SYN-RECV → FIN-WAIT-1"),
    ),
    "inferred-opening": Forged(
        UNASKED,
        lambda run: unrecorded(without_frame(run, frame(run, "a", Flags.ACK), "server")),
        Seen("segments that differ: 1"),
        may=("handshake", "both-ends", "exchange"),
    ),
    "inferred-close": Forged(
        UNASKED,
        lambda run: unrecorded(without_frame(run, frame(run, "b", Flags.FIN | Flags.ACK, last=True), "server")),
        Seen("missing: 1"),
        may=("four-segments",),
    ),
    "both-ends": Forged(
        "what `ss` and the captures say of one connection comes from one kernel, whatever the programs do",
        lambda run: with_rows(run, "connected", "client", "^ESTAB", "FIN-WAIT-1"),
        Seen(r"do not fit the others: .*02-connected\.client\.txt"),
        may=("mirror-row",),
    ),
}
