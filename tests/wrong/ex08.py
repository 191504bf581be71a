"""Exercise 8 with its own servers in each other's places, and with servers that lack one thing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.wrong.base import ONE_DIFFERS, Seen, Stop, Wrong

_NEVER: Final = {"Count": "0"}
_OFTEN: Final = {"Count": r"[1-9]\d*"}
_ONE_HELD: Final = "rows that differ: 3, missing: 0, unexpected: 0"

WRONG: Final[Mapping[str, Wrong]] = {
    "serve_nb_accept=accept_blocks": Wrong(
        {
            "accept-polled": Seen(r"accept\(listener\) EAGAIN: 0 times", _NEVER),
            "first-late": Seen("the first answers, mostly: 0\\.", {"Number": r"0\.[012]\d"}),
        }
    ),
    "serve_nb_accept=serve_nb_one": Wrong(
        {
            "not-inherited": Seen(r"recv\(\) EAGAIN: [1-9]\d* times", _OFTEN),
            # It sleeps, mostly; on a busy machine some other call under strace may take longest.
            "inside-recv": Seen(r"accepts was longest inside (?!recv)", {"Inside": r"[0-4]?\d%"}),
            "others-prompt": Seen("the others, mostly: ", {"Number": r"0\.[5-9]\d|[1-9]\.\d\d"}),
        }
    ),
    "serve_nb_accept=serve_nb_all": Wrong(
        {
            "b-unread": Seen(
                "the deadline came .*rows that differ: 2", {"Recv-Q": "0", "Process": "serve_nb_all fd=5"}
            ),
            "b-after-a": Seen("b did not wait for a to close"),
            # It sleeps, mostly; on a busy machine some other call under strace may take longest.
            "inside-recv": Seen(r"accepts was longest inside (?!recv)", {"Inside": r"[0-4]?\d%"}),
            "others-prompt": Seen("the others, mostly: ", {"Number": r"0\.[5-9]\d|[1-9]\.\d\d"}),
        },
        # It looks once in a pause: there may be something each time.
        may=("not-inherited",),
    ),
    "serve_nb_accept=goes_on_closed": Wrong(
        {"b-after-a": Seen("b was never answered", {"Event": "-"})},
        stops=Stop("second_waits", "b", "no-answer", "KNOCK"),
    ),
    "serve_nb_one=serve_nb_accept": Wrong(
        {
            "recv-polled": Seen(r"recv\(\) EAGAIN: 0 times", _NEVER),
            "every-answer-late": Seen("the others, mostly: 0\\.", {"Number": r"0\.[012]\d"}),
        }
    ),
    "serve_nb_one=serve_nb_all": Wrong({"d-after-c": Seen("d did not wait for c to close")}),
    "serve_nb_all=serve_nb_one": Wrong(
        {
            "three-held": Seen(f"the deadline came .*{_ONE_HELD}", {"Recv-Q": "2", "Process": ""}),
            "all-served": Seen("not answered before one of them had closed"),
        },
        stops=Stop("all_of_them", "g", "no-answer", "hello"),
    ),
    "serve_nb_all=serve_select": Wrong(
        {
            "asks-in-vain": Seen(r"recv\(\) EAGAIN: 0 times", _NEVER),
            "burns-idle": Seen("0 times as much processor time", {"Ratio": "0"}),
        }
    ),
    "goes_on_closed=serve_nb_accept": Wrong(
        {
            "bad-descriptor": Seen(r"recv\(\) EBADF: 0 times", _NEVER),
            "k-unread": Seen(f"the deadline came .*{ONE_DIFFERS}", {"Recv-Q": "0", "Process": "serve_nb_accept fd=4"}),
        },
        stops=Stop("wedge", "wedged", "no-answer", "Bad file descriptor"),
    ),
}
