"""Try a server of the echo family in the cases that each of them must pass."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from lab.conformance import CASES, FORBIDDEN, STALLING, Outcome, Trial
from lab.hosts.host import Host
from lab.kernel.sockets import parse_ss
from lab.settings import PORT
from lab.stage import PlayStoppedError, Stage

if TYPE_CHECKING:
    from lab.hosts.channel import Event
    from lab.programs import Client

_OPTIONS: Final = ("--backlog", "256", "--send-buffer", "65536", "--recv-buffer", "65536")
"""A backlog for all of `many` at once; buffers of a fixed size, which the kernel would let grow otherwise."""
_STILL_SECONDS: Final = 0.25
_STALL_SECONDS: Final = 10.0
_CASE_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.02
_STALLED: Final = re.compile(r"stalled (?P<peer>\S+) after \d+ bytes")
_VERDICT: Final = re.compile(r"(?P<outcome>pass|fail) (?P<case>[a-z0-9-]+)(?:: (?P<why>.*))?")


def examine(
    hosts: Mapping[str, Host],
    server: str,
    cases: Sequence[str] = CASES,
    *,
    seconds: float = 10.0,
    megabytes: int = 64,
) -> Iterator[Trial]:
    """Try a server in these cases, and yield what comes of each.

    A server that ends is started again for the next case. `seconds` is how long the client waits for what should come
    at once, `megabytes` what it sends in `large`.
    """
    forbidden = FORBIDDEN.get(server, {})
    yield from (Trial(server, case, Outcome.FORBIDDEN, forbidden[case]) for case in cases if case in forbidden)
    left = [case for case in cases if case not in forbidden]
    while left:
        for host in hosts.values():
            host.clean()
        trials = list(_Examination(hosts, server, seconds, megabytes).run(left))
        yield from trials
        done = {trial.case for trial in trials}
        left = [case for case in left if case not in done]


class _Examination:
    """One start of the server, and of the client, which stops at the first failure."""

    def __init__(self, hosts: Mapping[str, Host], server: str, seconds: float, megabytes: int) -> None:
        self._stage = Stage(hosts)
        self._events = hosts["client"].channel
        self._after = len(self._events.events)
        self._server = server
        self._args = ("--patience", f"{seconds:g}", "--megabytes", str(megabytes), "--stop")
        self._send_q: int | None = None

    def run(self, cases: Sequence[str]) -> Iterator[Trial]:
        """Yield what comes of the cases up to the first failure."""
        start = f"{len(self._stage.hosts['server'].channel.events)}.{self._after}"  # a name is never used twice
        try:
            server = self._stage.serve(self._server, name=f"server.{start}", port=PORT, options=_OPTIONS)
        except PlayStoppedError as error:
            yield from (Trial(self._server, case, Outcome.FAIL, error.stopped.detail) for case in cases)
            return
        args = (*self._args, *cases)
        client = self._stage.begin(f"conform.{start}", program="conform", port=PORT, args=args)
        for case in cases:
            outcome, why = self._outcome(client)
            send_q, self._send_q = self._send_q, None
            if case in STALLING and outcome is Outcome.PASS and send_q is None:
                outcome, why = Outcome.FAIL, "the server's Send-Q never stood still"
            if outcome is Outcome.FAIL and server.broke_down("ended-early"):
                why = f"{why}; {server.last_words()}"
            yield Trial(self._server, case, outcome, why, send_q)
            if outcome is Outcome.FAIL:
                return

    def _outcome(self, client: Client) -> tuple[Outcome, str]:
        """Wait for what the client says of the case it is at; let its reader go on when it has stalled long enough."""
        while event := self._next(client):
            text = event.data.get("text", "")
            if stalled := _STALLED.fullmatch(text):
                self._send_q = self._send_q_stands_still(stalled["peer"])
                client.say("", answer=False)
            elif verdict := _VERDICT.fullmatch(text):
                return Outcome(verdict["outcome"]), verdict["why"] or ""
            elif event.kind == "exit":
                break
        return Outcome.FAIL, client.last_words()

    def _next(self, client: Client) -> Event | None:
        event = self._events.wait_event(lambda event: event.name == client.name, _CASE_SECONDS, self._after)
        if event:
            self._after = self._events.events.index(event, self._after) + 1
        return event

    def _send_q_stands_still(self, peer: str) -> int | None:
        """Watch the server's end of that connection until its Send-Q holds bytes and nothing moves; return them."""
        deadline = time.monotonic() + _STALL_SECONDS
        seen, since = (0, 0), time.monotonic()
        while (now := time.monotonic()) < deadline:
            rows = parse_ss(self._stage.hosts["server"].look()[2])
            queues = next(((row.recv_q, row.send_q) for row in rows if str(row.peer) == peer), None)
            if queues is None:  # the server has let go of it, or has died
                return None
            if not queues[1] or queues != seen:
                seen, since = queues, now
            elif now - since >= _STILL_SECONDS:
                return queues[1]
            time.sleep(_POLL_SECONDS)
        return None
