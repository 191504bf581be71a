"""Exercise 12 with programs that are wrong on purpose, or only other ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.wrong.base import Seen, Stop, Wrong

WRONG: Final[Mapping[str, Wrong]] = {
    # The two small programs stand in for each other, and neither then takes the other's options.
    "fetch_pool=fetch_threads,share_counter=switch_cost,switch_cost=share_counter": Wrong(
        {
            "three-processes": Seen(r"established connections \(3\): 1", {"Pid": r"\d+"}),
            "seven-workers": Seen("child processes: 0"),
            "told-in-the-parent": Seen("itself prints: 0"),
            "spawned-on-demand": Seen("workers started: 0", {"Number": "0"}),
            "threads-share": Seen("printed nothing on stdout", {"Line": "-"}),
            "processes-do-not": Seen("printed nothing on stdout", {"Line": "-"}),
            "measured": Seen("printed nothing on stdout", {"Line": "-"}),
        },
        may=("two-others", "spawn-with-guard"),  # its threads print into each other's lines
    ),
    "fetch_pool=fetch_in_turn": Wrong(
        {
            "three-connections": Seen("the deadline came .*missing: [23], unexpected: 0", {"State": "-"}),
            "three-processes": Seen(r"established connections \([01]\): [01]"),
            "at-the-same-time": Seen("or never: .*site2, site3", {"Host": "-"}),
            "asked-before-answers": Seen("printed nothing on stdout"),
        },
        may=("seven-workers",),  # may be too slow to have started them
        stops=Stop("asked", "pool", "no-answer", "pages asked for"),
    ),
    "fetch_pool=fetch_tells,fetch_unguarded=fetch_tells": Wrong(
        {
            "told-in-the-parent": Seen("itself prints: 0"),
            "two-others": Seen("itself prints: 0", {"Pid": r"pid \d+"}),
            "callback-raises": Seen("printed other lines on stderr", {"Line": "-"}),
            "swallowed": Seen("exit status 1"),
            "fork-needs-no-guard": Seen("itself prints: 0", {"Pid": r"pid \d+"}),
            "spawn-refused": Seen("printed nothing on stderr", {"Line": "-"}),
            "spawn-fetches-nothing": Seen("200 Hello from site1"),
            "spawn-with-guard": Seen("itself prints: 0", {"Pid": r"pid \d+"}),
        },
    ),
}
