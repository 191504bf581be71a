"""Times in which something of a run could not go on, for no fault of a program's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

STOOD_STILL: Final = "stood-still"
NO_PROCESSOR: Final = "no-processor"
LAB: Final = "lab"


@dataclass(frozen=True, slots=True)
class Delay:
    """Between `begun_ns` and `ended_ns` something waited for `waited_ns`.

    `reason` is `stood-still` (stopped, paused, or the machine asleep: `who` is `lab` for the command itself, or a host)
    or `no-processor` (in a wait that ended at its deadline, the program `who` was ready to run and had no processor).
    """

    who: str
    reason: str
    begun_ns: int
    ended_ns: int
    waited_ns: int
