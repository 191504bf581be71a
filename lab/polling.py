"""Looking again and again until a deadline: often at first, since most things happen at once, then less often."""

from __future__ import annotations

import time
from typing import Final

_FIRST_SECONDS: Final = 0.005
_MOST_SECONDS: Final = 0.05
_SLOWER: Final = 1.2
"""Each pause is so much longer than the one before: a look costs a processor 10 ms, and a wait may last for seconds."""


class Polling:
    """The pauses between one look and the next, and the deadline, `seconds` from now.

    The last look is begun when the deadline has come, also when the one before it took very long, or when this process
    stood still meanwhile: what has happened by then is seen.
    """

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        self._pause = _FIRST_SECONDS
        self._last = False

    def late(self) -> bool:
        """Return whether the last look has been begun, else pause.

        >>> polling = Polling(0)
        >>> polling.late(), polling.late()
        (False, True)
        """
        if self._last:
            return True
        left = self._deadline - time.monotonic()
        self._last = left <= self._pause
        time.sleep(max(min(self._pause, left), 0))
        self._pause = min(self._pause * _SLOWER, _MOST_SECONDS)
        return False
