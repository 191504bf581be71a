"""One loop for everything: lines come in on stdin and go out on stdout, pipes have something to read, things fall due.

One thread, and nothing in it blocks, for two reasons. End-of-file on stdin means that the other side is gone, by
kill -9 too: it must be seen at once. And the parent-death signal of the children follows the thread that forked.
"""

from __future__ import annotations

import functools
import heapq
import itertools
import json
import os
import selectors
import signal
import time
from collections.abc import Callable

Message = dict[str, object]
Action = Callable[[], object]
STDIN, STDOUT = 0, 1
CHUNK = 65536
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Timer:
    """Something to be done later, unless it is called off."""

    def __init__(self, due: float, action: Action) -> None:
        self.due = due
        self.action: Action | None = action

    def call_off(self) -> None:
        """Have it not done."""
        self.action = None


class Loop:
    """Waits for files and for due times, and calls what was registered for each."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Timer]] = []
        self._numbers = itertools.count()  # of two timers that are due at once, the older comes first
        self._inbox = bytearray()
        self._outbox = bytearray()
        self._ended = False
        self._wake_at_signals()
        os.set_blocking(STDIN, False)
        os.set_blocking(STDOUT, False)

    def run(self, take: Callable[[bytes], object], settle: Action) -> None:
        """Give each line to `take` until stdin ends, and call `settle` in each round: a child may have ended."""
        self.when_readable(STDIN, functools.partial(self._read, take))
        while not self._ended:
            for key, _ in self._selector.select(self._until_next_timer()):
                # An action before it may have closed this file, and opened another of the same number.
                if self._selector.get_map().get(key.fd) is key:
                    key.data()
            settle()
            if self._run_timers():
                settle()

    def when_readable(self, file: int, action: Action) -> None:
        """Call `action` whenever there is something to read."""
        self._selector.register(file, selectors.EVENT_READ, action)

    def when_writable(self, file: int, action: Action) -> None:
        """Call `action` whenever writing would not block."""
        self._selector.register(file, selectors.EVENT_WRITE, action)

    def forget(self, file: int) -> None:
        """Call nothing more for this file, which need not have been registered."""
        if file in self._selector.get_map():
            self._selector.unregister(file)

    def at(self, seconds: float, action: Action) -> Timer:
        """Call `action` after that time."""
        timer = Timer(time.monotonic() + seconds, action)
        heapq.heappush(self._timers, (timer.due, next(self._numbers), timer))
        return timer

    def send(self, message: Message) -> None:
        """Send a message to the other side, as soon as it reads."""
        waiting = bool(self._outbox)
        self._outbox += json.dumps(message, separators=(",", ":")).encode() + b"\n"
        if not waiting:
            self._write()
            if self._outbox:
                self.when_writable(STDOUT, self._write_more)

    # -- what it does itself

    def _wake_at_signals(self) -> None:
        woken, wake = os.pipe()
        os.set_blocking(woken, False)
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in ENDS:
            signal.signal(number, lambda *_: self._end())
        self.when_readable(woken, lambda: os.read(woken, CHUNK))

    def _end(self) -> None:
        self._ended = True

    def _until_next_timer(self) -> float | None:
        return max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None

    def _run_timers(self) -> bool:
        now = time.monotonic()
        done = False
        while self._timers and self._timers[0][0] <= now:
            action = heapq.heappop(self._timers)[2].action
            if action is not None:
                action()
                done = True
        return done

    def _read(self, take: Callable[[bytes], object]) -> None:
        try:
            data = os.read(STDIN, CHUNK)
        except BlockingIOError:
            return
        if not data:
            self._end()
        *lines, rest = (self._inbox + data).split(b"\n")
        self._inbox = rest
        for line in lines:
            take(bytes(line))

    def _write_more(self) -> None:
        self._write()
        if not self._outbox:
            self.forget(STDOUT)

    def _write(self) -> None:
        try:
            while self._outbox:
                del self._outbox[: os.write(STDOUT, self._outbox[:CHUNK])]
        except BlockingIOError:  # the other side does not read now; end-of-file must be seen all the same
            pass
        except OSError:  # nobody listens any more
            self._end()
            self._outbox.clear()
