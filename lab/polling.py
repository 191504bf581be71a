"""Looking again and again until a deadline: often at first, since most things happen at once, then less often."""

from __future__ import annotations

import time
from typing import Final

_FIRST_SECONDS: Final = 0.005
_MOST_SECONDS: Final = 0.05
_SLOWER: Final = 1.2
"""Each pause is so much longer than the one before: a look costs a processor 10 ms, and a wait may last for seconds."""


class Polling:
    """The pauses between one look and the next, and the deadline, `seconds` from now."""

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        self._pause = _FIRST_SECONDS

    def late(self) -> bool:
        """Return whether the deadline has come, else pause: the last look is begun when it has.

        >>> Polling(0).late()
        True
        """
        left = self._deadline - time.monotonic()
        if left <= 0:
            return True
        time.sleep(min(self._pause, left))
        self._pause = min(self._pause * _SLOWER, _MOST_SECONDS)
        return False
