"""The servers of images/servers/broken, and what each of them makes fail in exercise 3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Seen:
    """What a failure says: a pattern of its words, and cells that its comparison marks, by column (`-`: no such row)."""

    says: str
    marks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the play stops: the step, the program, and a pattern of why."""

    step: str
    party: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is to be seen of a wrong server.

    `fails` are the expectations that its own doing makes fail. `may` are those that hang on how fast it is. When the
    play `stops`, all that it then never reached fails too, and says so.
    """

    fails: Mapping[str, Seen]
    may: tuple[str, ...] = ()
    stops: Stop | None = None


_ONE_MISSING: Final = r"missing: 1, unexpected: 0"
_ONE_UNEXPECTED: Final = r"missing: 0, unexpected: 1"
_ONE_DIFFERS: Final = r"rows that differ: 1, missing: 0, unexpected: 0"

WRONG_SERVERS: Final[Mapping[str, Wrong]] = {
    "answers_lower": Wrong(
        {
            "upper-case": Seen("a printed other lines", {"Line": "hello"}),
            "exchange": Seen("segments that differ: 2", {"Data": '"hello"'}),
        }
    ),
    "answers_twice": Wrong(
        {
            "upper-case": Seen("a printed other lines", {"Line": "HELLOHELLO"}),
            "exchange": Seen("segments that differ: 2", {"Data": '"HELLOHELLO"'}),
        }
    ),
    "closes_too_soon": Wrong(
        {"exchange": Seen("missing: [123]", {"Data": "-"})},
        # What was typed before its close() had come is then unread: a reset in place of the FIN.
        may=("server-closes-first",),
        stops=Stop("server_first", "a", "ended-early", "the server closed the connection|connection lost: .* reset"),
    ),
    "crashes_on_data": Wrong(
        {
            "upper-case": Seen("a printed other lines", {"Line": "the server closed the connection"}),
            "exchange": Seen("missing: 4", {"Data": "-"}),
        },
        stops=Stop(
            "talks", "a", "ended-early", "the server closed the connection; server: AttributeError: .*toupper.*"
        ),
    ),
    "doubles_backlog": Wrong(
        {
            "listener": Seen(_ONE_DIFFERS, {"Send-Q": "10"}),
            "second-socket": Seen(_ONE_DIFFERS, {"Send-Q": "10"}),
            "time-wait-server": Seen(_ONE_DIFFERS, {"Send-Q": "10"}),
            "listens-again": Seen(_ONE_DIFFERS, {"Send-Q": "10"}),
            "backlog-and-one": Seen("the deadline came ", {"Recv-Q": "7", "Send-Q": "10"}),
            "seventh-waits": Seen("7 ESTAB, 0 SYN-SENT", {"Rows": "7"}),
            "kernel-counted": Seen("counters that moved otherwise: 2", {"Change": "0"}),
        }
    ),
    "exits_with_zero": Wrong({"cannot-listen": Seen("strict ends with exit status 0")}),
    "forgets_close": Wrong(
        {
            "server-lets-go": Seen(f"the deadline came .*{_ONE_UNEXPECTED}", {"State": "CLOSE-WAIT"}),
            "time-wait-client": Seen(f"the deadline came .*{_ONE_DIFFERS}", {"State": "FIN-WAIT-2"}),
        }
    ),
    "forgets_listen": Wrong({}, stops=Stop("listens", "server", "ended-early", "OSError: .*Invalid argument")),
    "forks_a_child": Wrong(
        {
            "second-socket": Seen(_ONE_DIFFERS, {"Process": r"forks_a_child fd=4 pid=\d+"}),
            "close-wait": Seen(f"the deadline came .*{_ONE_MISSING}", {"State": "-"}),
            "fin-wait-2": Seen(f"the deadline came .*{_ONE_DIFFERS}", {"State": "TIME-WAIT"}),
            "stands-still": Seen(r"such a row \d", {"State": "TIME-WAIT"}),
        },
        may=("four-segments",),
    ),
    "greets_first": Wrong(
        {
            "mirror-row": Seen(_ONE_DIFFERS, {"Recv-Q": "16"}),
            "upper-case": Seen("a printed other lines", {"Line": "connected from .*"}),
            "exchange": Seen("segments that differ: ", {"Data": "-"}),
        },
        stops=Stop("talks", "a", "ended-early", "UnicodeDecodeError: .*"),
    ),
    "ignores_backlog": Wrong(
        {
            "listener": Seen(_ONE_DIFFERS, {"Send-Q": "1"}),
            "second-socket": Seen(_ONE_DIFFERS, {"Send-Q": "1"}),
            "time-wait-server": Seen(_ONE_DIFFERS, {"Send-Q": "1"}),
            "listens-again": Seen(_ONE_DIFFERS, {"Send-Q": "1"}),
            "backlog-and-one": Seen("the deadline came ", {"Recv-Q": "2", "Send-Q": "1"}),
            "seventh-waits": Seen("2 ESTAB, 5 SYN-SENT", {"Rows": "2"}),
        }
    ),
    "ignores_eof": Wrong(
        {
            "server-lets-go": Seen(f"the deadline came .*{_ONE_UNEXPECTED}", {"State": "CLOSE-WAIT"}),
            "time-wait-client": Seen(f"the deadline came .*{_ONE_DIFFERS}", {"State": "FIN-WAIT-2"}),
            "four-segments": Seen("b sends the first FIN; segments from there on: 2"),
            "twenty-rounds": Seen("rounds printed nothing on stdout", {"Line": "-"}),
            "all-closed": Seen("three segments: 0, with four: 0, otherwise: 1"),
        },
        stops=Stop("three_or_four", "rounds", "did-not-end", "5 s"),
    ),
    "ignores_exit": Wrong(
        {
            "exchange": Seen("unexpected: 2", {"Data": '"EXIT"'}),
            "server-closes-first": Seen("neither side sent a FIN"),
        },
        stops=Stop("server_first", "a", "did-not-end", "EXIT"),
    ),
    "listens_on_all": Wrong(
        {
            "listener": Seen(_ONE_DIFFERS, {"Local": r"0\.0\.0\.0:8000"}),
            "second-socket": Seen(_ONE_DIFFERS, {"Local": r"0\.0\.0\.0:8000"}),
            "time-wait-server": Seen(_ONE_DIFFERS, {"Local": r"0\.0\.0\.0:8000"}),
            "listens-again": Seen(_ONE_DIFFERS, {"Local": r"0\.0\.0\.0:8000"}),
            "backlog-and-one": Seen(_ONE_DIFFERS, {"Local": r"0\.0\.0\.0:8000"}),
        }
    ),
    "never_accepts": Wrong(
        {
            "second-socket": Seen("the deadline came .*rows that differ: 2", {"Recv-Q": "1", "Process": ""}),
            "upper-case": Seen("a printed other lines", {"Line": "connected from .*"}),
            "exchange": Seen("missing: 4", {"Data": "-"}),
        },
        stops=Stop("talks", "a", "no-answer", "hello"),
    ),
    "no_reuseaddr": Wrong(
        {}, stops=Stop("restart", "again", "ended-early", "cannot listen on .*Address already in use")
    ),
    "resets_on_close": Wrong(
        {
            "server-closes-first": Seen("no FIN, but a reset"),
            "time-wait-server": Seen(f"the deadline came .*{_ONE_MISSING}", {"State": "-"}),
            "time-wait-client": Seen(f"the deadline came .*{_ONE_MISSING}", {"State": "-"}),
            "four-segments": Seen("b sends the first FIN; segments from there on: 3"),
            "twenty-rounds": Seen("rounds printed nothing on stdout", {"Line": "-"}),
            "all-closed": Seen("otherwise: 1"),
            "address-in-use": Seen("strict printed nothing on stderr"),
            "cannot-listen": Seen("strict was still running"),
        },
        stops=Stop("restart", "strict", "did-not-end", "LISTEN .*:8000"),
    ),
    "reuses_always": Wrong(
        {
            "address-in-use": Seen("strict printed nothing on stderr", {"Line": "-"}),
            "cannot-listen": Seen("strict was still running"),
        },
        stops=Stop("restart", "strict", "did-not-end", "LISTEN .*:8000"),
    ),
    "says_goodbye": Wrong(
        {
            "exchange": Seen("unexpected: 1", {"Data": ".*bient.*"}),
            "server-closes-first": Seen("a sends the first FIN"),
            "time-wait-server": Seen(f"the deadline came .*{_ONE_MISSING}", {"State": "-"}),
            "client-forgets": Seen(f"the deadline came .*{_ONE_UNEXPECTED}", {"State": "TIME-WAIT"}),
            "twenty-rounds": Seen("rounds printed nothing on stdout", {"Line": "-"}),
            "all-closed": Seen("otherwise: 1"),
        },
        stops=Stop("three_or_four", "rounds", "did-not-end", "5 s"),
    ),
    "serves_only_one": Wrong(
        {},
        may=("time-wait-server",),
        stops=Stop("client_first", "b", "ended-early", "cannot connect to .*: Connection refused; server: status 0"),
    ),
    "shuts_down_only": Wrong({"close-wait": Seen(_ONE_DIFFERS, {"Process": "shuts_down_only fd=5"})}),
    "wrong_port": Wrong({}, stops=Stop("listens", "server", "did-not-listen", r".*:8000; LISTEN .*:8008")),
}
