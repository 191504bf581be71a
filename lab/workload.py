"""The same work for every model of a server, so that their costs can be laid side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from lab.conditions import deserted

if TYPE_CHECKING:
    from lab.stage import Stage

PLAIN: Final = "plain"
TRACED: Final = "traced"
PORTS: Final = {PLAIN: 8001, TRACED: 8000}
"""Where the first program listens; each further one two ports higher."""
IDLE: Final = "connections, idle"
RESTED: Final = "the rest is over"
ANSWERED: Final = "all answered"
REQUESTS: Final = 10
"""How many each of the three clients makes: one number for all models, small, since some serve one client at a time."""
CONNECTIONS: Final = 3
REST_SECONDS: Final = 0.2
SETTLE_SECONDS: Final = 0.25


def measure_models(stage: Stage, *programs: str, options: Sequence[str] = ()) -> None:
    """Let servers rest with three idle connections each, then serve three clients; once plain, once under strace.

    The plain one (`<program>.plain`) tells what it costs: strace slows a server down to a quarter. The traced one
    (`<program>.traced`) tells which system calls it makes. Their clients are `<that name>.idle` and `<that name>.trio`.
    Readings are taken when the rest begins (`rests`), when it is over (`rested`), before the three begin (`asked`), and
    when all their requests are answered (`answered`). All rest at the same time and are asked one after the other.
    """
    ports = {
        f"{program}.{kind}": port + 2 * place for place, program in enumerate(programs) for kind, port in PORTS.items()
    }
    servers = [
        stage.serve(name.rpartition(".")[0], port=port, name=name, options=options, trace=name.endswith(f".{TRACED}"))
        for name, port in ports.items()
    ]
    _rest(stage, ports)
    for name, port in ports.items():
        # What the leaving costs is not what an answer costs. A server that never lets go is not waited for long.
        stage.wait("server", deserted(port), seconds=1)
        stage.measure("asked", name)
        trio = stage.begin(f"{name}.trio", program="trio", port=port, args=(str(REQUESTS),))
        trio.wait_says(ANSWERED)
        stage.measure("answered", name)
        trio.leave()
    for server in servers:
        server.stop()


def _rest(stage: Stage, ports: Mapping[str, int]) -> None:
    """Hold three connections to each server on which nobody speaks, for a while."""
    rest = (str(CONNECTIONS), "--seconds", str(REST_SECONDS))
    idlers = {name: stage.begin(f"{name}.idle", program="idler", port=port, args=rest) for name, port in ports.items()}
    for name, idler in idlers.items():
        idler.wait_says(IDLE)
        stage.settle(name, SETTLE_SECONDS)
    for name, idler in idlers.items():
        stage.measure("rests", name)
        idler.say("rest", answer=False)
    for name, idler in idlers.items():
        idler.wait_says(RESTED)
        stage.measure("rested", name)
        idler.leave()
