"""The same work for every model of a server, so that their costs can be laid side by side."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from lab.conditions import deserted

if TYPE_CHECKING:
    from lab.stage import Stage

PLAIN: Final = "plain"
TRACED: Final = "traced"
PORTS: Final = {PLAIN: 8001, TRACED: 8000}
IDLE: Final = "connections, idle"
RESTED: Final = "the rest is over"
ANSWERED: Final = "all answered"
REQUESTS: Final = 15
CONNECTIONS: Final = 3
REST_SECONDS: Final = 0.2
SETTLE_SECONDS: Final = 0.25
_POLL_SECONDS: Final = 0.02


def measure_model(
    stage: Stage,
    program: str,
    *,
    options: Sequence[str] = (),
    requests: int = REQUESTS,
    seconds: float = REST_SECONDS,
) -> None:
    """Let a server rest with three idle connections, then serve three clients; once plain, once under strace.

    The plain one (`<program>.plain`) tells what it costs: strace slows a server down to a quarter. The traced one
    (`<program>.traced`) tells which system calls it makes. Their clients are `<that name>.idle` and `<that name>.trio`.
    Readings are taken when the rest of `seconds` begins (`rests`), when it is over (`rested`), before the three begin,
    who make so many `requests` each (`asked`), and when all of them are answered (`answered`).
    """
    names = {kind: f"{program}.{kind}" for kind in PORTS}
    servers = [
        stage.serve(program, port=PORTS[kind], name=name, options=options, trace=kind == TRACED)
        for kind, name in names.items()
    ]
    rest = (str(CONNECTIONS), "--seconds", str(seconds))
    idlers = [stage.begin(f"{name}.idle", program="idler", port=PORTS[kind], args=rest) for kind, name in names.items()]
    for idler, name in zip(idlers, names.values(), strict=True):
        idler.wait_says(IDLE)
        _settle(stage, name)
    for idler, name in zip(idlers, names.values(), strict=True):
        stage.measure("rests", name)
        idler.say("rest", answer=False)
    for idler, name in zip(idlers, names.values(), strict=True):
        idler.wait_says(RESTED)
        stage.measure("rested", name)
        idler.leave()
    for kind, name in names.items():
        # What the leaving costs is not what an answer costs. A server that never lets go is not waited for long.
        stage.wait("server", deserted(PORTS[kind]))
        stage.measure("asked", name)
        trio = stage.begin(f"{name}.trio", program="trio", port=PORTS[kind], args=(str(requests),))
        trio.wait_says(ANSWERED)
        stage.measure("answered", name)
        trio.leave()
    for server in servers:
        server.stop()


def _settle(stage: Stage, name: str) -> None:
    """Wait until a server has taken in whom it will and rests; one that polls is not waited for long."""
    deadline = time.monotonic() + SETTLE_SECONDS
    before = None
    while time.monotonic() < deadline:
        used = stage.used(name)
        now = used["cpu_ns"], used["voluntary"]
        if now == before:
            return
        before = now
        time.sleep(_POLL_SECONDS)
