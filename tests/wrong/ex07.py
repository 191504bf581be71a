"""Exercise 7 with programs that are wrong on purpose, and with other models of a server where it needs this one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.wrong.base import ONE_DIFFERS, Seen, Wrong

_TWO: Final = "the deadline came .*rows that differ: 2"

_LONG: Final = 6
"""What is right in these must not stop for a busy machine."""

WRONG: Final[Mapping[str, Wrong]] = {
    "serve_blocking=serve_threads": Wrong(
        {
            "first-served": Seen("a printed other lines", {"Line": "hello"}),
            "bytes-wait": Seen(_TWO, {"Recv-Q": "0", "Process": "serve_threads fd=5"}),
            "first-again": Seen("a printed other lines", {"Line": "again"}),
            "still-waits": Seen(_TWO, {"Recv-Q": "0", "Process": "serve_threads fd=5"}),
            "after-the-first": Seen("b did not wait for a", {"Event": "b: answer"}),
            "second-served": Seen("b printed other lines", {"Line": "urgent"}),
            "accepts-now": Seen(r"accept\(\): 0 times", {"Count": "0"}),
            "same-descriptor": Seen(ONE_DIFFERS, {"Process": "serve_threads fd=5"}),
            "in-turn": Seen("answered before another had its last answer", {"First answer": r"[\d.]+"}),
        },
        # Its threads are inside recv(), each for its client. Whether accept() was called again before b came is a race.
        may=("no-accept", "all-the-while", "asleep-in-recv"),
    ),
    "serve_blocking=serve_select": Wrong(
        {
            "first-served": Seen("a printed other lines", {"Line": "hello"}),
            "bytes-wait": Seen(_TWO, {"Recv-Q": "0", "Process": "serve_select fd=5"}),
            "asleep-in-recv": Seen(r"server was longest inside p?select6?\(\)", {"Inside": r"\d%"}),
            "no-accept": Seen(r"accept\(\): 1 times", {"Count": "1"}),
            "first-again": Seen("a printed other lines", {"Line": "again"}),
            "still-waits": Seen(_TWO, {"Recv-Q": "0", "Process": "serve_select fd=5"}),
            "after-the-first": Seen("b did not wait for a", {"Event": "b: answer"}),
            "all-the-while": Seen("server was ", {"Inside": r"\d%"}),
            "second-served": Seen("b printed other lines", {"Line": "urgent"}),
            "accepts-now": Seen(r"accept\(\): 0 times", {"Count": "0"}),
            "same-descriptor": Seen(ONE_DIFFERS, {"Process": "serve_select fd=5"}),
            "in-turn": Seen("answered before another had its last answer", {"First answer": r"[\d.]+"}),
        }
    ),
    "serve_blocking=serve_nb_all": Wrong(
        {
            "bytes-wait": Seen(_TWO, {"Recv-Q": "0", "Process": "serve_nb_all fd=5"}),
            "asleep-in-recv": Seen("server was longest inside .*sleep", {"Inside": r"\d+%"}),
            "no-accept": Seen(r"accept\(\): \d+ times", {"Count": r"[1-9]\d*"}),
            "still-waits": Seen(_TWO, {"Recv-Q": "0", "Process": "serve_nb_all fd=5"}),
            "after-the-first": Seen("b did not wait for a", {"Event": "b: answer"}),
            "all-the-while": Seen("server was ", {"Inside": r"\d+%"}),
            "same-descriptor": Seen(ONE_DIFFERS, {"Process": "serve_nb_all fd=5"}),
            "in-turn": Seen("answered before another had its last answer", {"First answer": r"[\d.]+"}),
            "no-call-at-rest": Seen(r"\*\(\): \d+ times", {"Count": r"[1-9]\d*"}),
        },
        may=("waiting-is-free", "accepts-now"),
    ),
    "serve_blocking=forks_a_child": Wrong(
        {
            "one-held": Seen(ONE_DIFFERS, {"Process": r"forks_a_child fd=4 pid=\d+"}),
            "bytes-wait": Seen("the deadline came .*rows that differ: 3", {"Recv-Q": "0"}),
            "still-waits": Seen("the deadline came .*rows that differ: 3", {"Recv-Q": "0"}),
            "after-the-first": Seen("b did not wait for a", {"Event": "b: answer"}),
            "accepts-now": Seen(r"accept\(\): 0 times", {"Count": "0"}),
            "same-descriptor": Seen(ONE_DIFFERS, {"Process": r"forks_a_child fd=4 pid=\d+"}),
            "in-turn": Seen("answered before another had its last answer", {"First answer": r"[\d.]+"}),
        },
        # The parent's accept() may have begun before b came; its children are inside recv().
        may=("no-accept", "all-the-while", "asleep-in-recv"),
    ),
    "never_accepts=serve_blocking": Wrong(
        {
            "nobody-holds": Seen(_TWO, {"Recv-Q": "0", "Process": "serve_blocking fd=4"}),
            "never-called": Seen(r"accept\(\): [12] times", {"Count": "[12]"}),
        }
    ),
    # What follows would hide its mistake, had it the means.
    "serve_blocking=hides_calls": Wrong(
        {
            "asleep-in-recv": Seen(r"server was longest inside poll\(\)", {"Inside": r"\d+%"}),
            "all-the-while": Seen(r"server was longest inside poll\(\)", {"Inside": r"\d+%"}),
            "no-call-at-rest": Seen(r"\*\(\): \d+ times", {"Count": r"[1-9]\d*"}),
        },
        may=("waiting-is-free",),
        patience=_LONG,
    ),
    "serve_blocking=evades_trace": Wrong(
        dict.fromkeys(
            ("asleep-in-recv", "no-accept", "all-the-while", "accepts-now", "no-call-at-rest"),
            Seen(r"the program keeps it from being seen: .*, line \d+: from this clone\(\) on, "),
        ),
    ),
    "serve_blocking=burns_apart": Wrong(
        {"waiting-is-free": Seen("times as much processor time", {"Ratio": r"[\d.]+"})}, patience=_LONG
    ),
    "serve_blocking=never_rests": Wrong(
        {"waiting-is-free": Seen("times as much processor time", {"Ratio": r"[\d.]+"})}, patience=_LONG
    ),
}
