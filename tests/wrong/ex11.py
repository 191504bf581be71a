"""Exercise 11 with programs that are wrong on purpose, and with right ones where it needs wrong ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from lab.recording.run import Run
from lab.recording.saved import saved_form
from tests.records import changed
from tests.tampering import saying
from tests.wrong.base import ONE_DIFFERS, ONE_MISSING, WAITED, Forged, Seen, Stop, Wrong

_NO_EPOLL: Final = {
    "handed-once": Seen(r"epoll_ctl, epoll_wait: 0$", {"Descriptors": "0"}),
    "asks-by-number": Seen(r"with epoll_wait: 0$", {"Descriptors": "0"}),
}
_DRAINS: Final = {
    "rest-lies": Seen(f"the deadline came .*{ONE_DIFFERS}", {"Recv-Q": "0"}),
    "stalls": Seen("k printed other lines", {"Line": "all 10000 bytes came back"}),
    "next-piece": Seen("k printed other lines", {"Line": "10000 of 10000 bytes came back"}),
}

WRONG: Final[Mapping[str, Wrong]] = {
    "serve_epoll_lt=serve_poll": Wrong(
        {
            **_NO_EPOLL,
            # A poll() that a freeze broke off is taken up again by restart_syscall(), of which strace tells no more.
            "three-told": Seen(r"got others as ready \(returns: 0\)", {"Ready": "-"}),
            "told-thrice": Seen("gets g as ready: 2 times", {"Count": "2"}),
        }
    ),
    "serve_epoll_lt=serve_threads": Wrong(
        {
            **_NO_EPOLL,
            "three-told": Seen(r"got others as ready \(returns: 0\)", {"Ready": "-"}),
            "told-thrice": Seen("gets g as ready: 0 times", {"Count": "0"}),
        }
    ),
    "serve_epoll_lt=one_at_a_time": Wrong(
        {**_NO_EPOLL, "all-served": Seen("not answered .*: c, a, b", {"Answered": "-"})},
        stops=Stop("registers", "c", "no-answer", "hello"),
    ),
    "serve_epoll_lt=et_no_drain": Wrong(
        {"level-whole": Seen("g printed other lines", {"Line": "connected from .*"})},
        stops=Stop("level", "g", "no-answer", "all 10000 bytes came back"),
    ),
    "serve_epoll_lt=wakes_in_vain": Wrong({"rests": Seen(r"epoll_wait\(\): \d+ times", {"Count": r"[1-9]\d*"})}),
    "serve_select=serve_epoll_lt": Wrong({"handed-each-time": Seen("with select: 0$", {"Descriptors": "0"})}),
    "serve_epoll_et=serve_epoll_lt": Wrong(
        {
            "told-once": Seen("gets h as ready: 3 times", {"Count": "3"}),
            "until-eagain": Seen(r"recv\(h\) EAGAIN: 0 times", {"Count": "0"}),
        }
    ),
    "serve_epoll_et=et_no_drain": Wrong(
        {"edge-whole": Seen("h printed other lines", {"Line": "connected from .*"})},
        stops=Stop("edge", "h", "no-answer", "all 10000 bytes came back"),
    ),
    "et_no_drain=serve_epoll_et": Wrong(_DRAINS),
    "et_no_drain=serve_epoll_lt": Wrong(
        {**_DRAINS, "no-second-word": Seen("gets k as ready: 3 times", {"Count": "3"})},
    ),
    "drops_rest=serve_selectors": Wrong({"bytes-lost": Seen("400000 of 400000", {"Number": "400000"})}),
    "drops_rest=serve_threads": Wrong(
        {
            "bytes-lost": Seen("400000 of 400000", {"Number": "400000"}),
            "eagain": Seen(r"send\(p\) EAGAIN: 0 times", {"Count": "0"}),
        }
    ),
    "dies_of_eagain=serve_selectors": Wrong(
        {
            "blocking-error": Seen("dies printed nothing on stderr", {"Line": "-"}),
            "server-dies": Seen("dies was still running"),
            "s-lost": Seen("s printed other lines", {"Line": "connected from .*"}),
            "arrived-stays": Seen("q printed other lines", {"Line": "input>>>"}),
        },
        stops=Stop("dies", "dies", "did-not-end", WAITED),
    ),
    "serve_selectors=drops_rest": Wrong(
        {
            "stops-reading": Seen(ONE_DIFFERS, {"Recv-Q": "[01]", "State": "(?!ESTAB).*"}),
            "nothing-lost": Seen(
                "r printed other lines", {"Line": r"\d+ of 400000 bytes came back|sending .*, reading nothing"}
            ),
        }
    ),
    "serve_selectors=blocks_in_send": Wrong(
        {
            "t-served": Seen("t printed other lines", {"Line": "connected from .*"}),
            "nothing-lost": Seen("r printed other lines", {"Line": "sending .*, reading nothing"}),
        },
        stops=Stop("keeps", "t", "no-answer", "hello"),
    ),
    "stall=reads_at_once": Wrong(
        {"no-room": Seen(f"the deadline came .*{ONE_MISSING}", {"Send-Q": "-"})},
        # How much of it finds room is then a matter of speed.
        may=("eagain", "bytes-lost"),
        stops=Stop("drops", "p", "ended-early", r"\d+ of 400000 bytes came back"),
    ),
}


def _mapping(run: Run) -> Run:
    """Let the server have mapped its epoll descriptor, right after it put the listener on the list."""
    trace = run.trace("server")
    lines = trace.text.split("\n")
    at = next(at for at, line in enumerate(lines) if " epoll_ctl(" in line)
    pid, time, _ = lines[at].split(maxsplit=2)
    mapped = "mmap(NULL, 4096, PROT_READ, MAP_SHARED, 4<anon_inode:[eventpoll]>, 0) = 0x7f0000000000 <0.000010>"
    mapping = replace(trace, text="\n".join([*lines[: at + 1], f"{pid} {time} {mapped}", *lines[at + 1 :]]))
    return changed(
        run,
        traces=tuple(
            replace(each, text=mapping.text) if each.party == "server" else each for each in saved_form(run).traces
        ),
    )


_KERNEL: Final = "how long a call takes with so many sockets is for the kernel to say"

FORGED: Final[Mapping[str, Forged]] = {
    "no-mmap": Forged(
        "no program can map an epoll descriptor: the kernel refuses",
        _mapping,
        Seen("with mmap: 1$", {"Descriptors": "1"}),
    ),
    "poll-grows": Forged(
        _KERNEL,
        partial(saying, actor="cost", stream="stdout", text="poll: 1.1 times as long"),
        Seen("cost prints .*1.1", {"Number": "1.1"}),
        may=("epoll-flat",),
    ),
    "epoll-flat": Forged(
        _KERNEL,
        partial(saying, actor="cost", stream="stdout", text="epoll: 240.5 times as long"),
        Seen("cost prints .*240.5", {"Number": "240.5"}),
        may=("poll-grows",),
    ),
}
