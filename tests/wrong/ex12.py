"""Exercise 12 with programs that are wrong on purpose, or only other ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.wrong.base import Seen, Stop, Wrong

WRONG: Final[Mapping[str, Wrong]] = {
    "fetch_pool=fetch_threads": Wrong(
        {
            "three-processes": Seen(r"established connections \(3\): 1", {"Pid": r"\d+"}),
            "seven-workers": Seen("child processes of pool: 0"),
            "told-in-the-parent": Seen("itself prints: 0"),
            "spawned-on-demand": Seen("workers started: 0", {"Number": "0"}),
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
    "share_counter=shares_all": Wrong(
        {
            "processes-do-not": Seen(
                "shared printed other lines", {"Line": r"after 4 processes process \d+ holds counter 4"}
            )
        }
    ),
    "share_counter=shares_none": Wrong(
        {"threads-share": Seen("shared printed other lines", {"Line": r"after 4 threads process \d+ holds counter 0"})}
    ),
    "switch_cost=tells_no_ratio": Wrong(
        {"measured": Seen("switch printed other lines", {"Line": r"measured 15 times: .*"})}
    ),
}
