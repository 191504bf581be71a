"""Scripted connections in the lab: so many, by two clients, each closed by the server first.

`serve_blocking` prints a line for each; where nobody reads it that costs more than the connection, so it goes nowhere.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from lab.conditions import Condition
from lab.hosts.connection import Connection
from lab.hosts.recorder import DIED
from lab.loading import load_exercise
from lab.recording.run import Run
from lab.recording.store import save
from lab.runner import play
from lab.settings import PORT
from lab.stage import Stage
from lab.wire.state import State
from tests.bench.world import BrokenError, MissingError, World

SERVER: Final = "serve_blocking"
CLIENT: Final = "rounds"
PER_SECOND: Final = 3_000
"""How fast they come when they are recorded: two cores can do more, but tcpdump's ring then overflows."""
_CLIENTS: Final = 2
"""So that there is always one to be served."""
_BACKLOG: Final = 64
_SECONDS: Final = 300.0
_LISTENS: Final = Condition(
    f"LISTEN :{PORT}", lambda rows, _: any(row.state is State.LISTEN and row.local.port == PORT for row in rows)
)
_OVER: Final = Condition(
    f"LISTEN TIME-WAIT :{PORT}",
    lambda rows, _: all(
        row.state in (State.LISTEN, State.TIME_WAIT)
        for row in rows
        if PORT in (row.local.port, row.peer and row.peer.port)
    ),
)
"""Now and then a FIN's acknowledgement does not come, so that LAST-ACK lasts until the FIN is sent again: 0.2 s."""
_NUMBERS: Final = itertools.count()


def serve(stage: Stage) -> None:
    """Start the server; BrokenError when it does not listen."""
    line = shlex.join([SERVER, "--backlog", str(_BACKLOG), stage.hosts["server"].address, str(PORT)])
    stage.start("server", "bash", "-c", f"exec {line} >/dev/null", on="server")
    if not stage.wait("server", _LISTENS, seconds=5.0):
        raise BrokenError(line, _LISTENS.words)


def connect(stage: Stage, count: int, per_second: int | None = None) -> float:
    """Make so many connections, an even number; return the seconds from the clients' start to the end of the last.

    They go as fast as they can, or `per_second`.
    """
    arguments = ["--per-second", f"{per_second / _CLIENTS:g}"] if per_second else []
    arguments += [stage.hosts["server"].address, str(PORT), str(count // _CLIENTS)]
    begun_ns = time.time_ns()
    names = [f"{CLIENT}{next(_NUMBERS)}" for _ in range(_CLIENTS)]
    clients = [stage.start(name, CLIENT, *arguments, patience=_SECONDS) for name in names]
    ended_ns = 0
    for client in clients:
        client.wait_ends()
        if client.exit_event is None or client.exit_event.data["status"]:
            raise BrokenError(shlex.join(client.argv), client.last_words())
        ended_ns = max(ended_ns, client.exit_event.time_ns)
    return (ended_ns - begun_ns) / 1e9


def record(
    world: World, count: int, around: Callable[[Stage], contextlib.AbstractContextManager[object]] | None = None
) -> Run:
    """Return the evidence of so many connections, recorded as a run of an exercise is: both captures and the recorder.

    They come in the pace of `PER_SECOND`, `around` them goes on what it begins. MissingError where the kernel cannot be
    asked.
    """

    def connections(stage: Stage) -> None:
        with stage.step("connections"):
            serve(stage)
            with around(stage) if around else contextlib.nullcontext():
                connect(stage, count, PER_SECOND)
            for host in stage.hosts:
                if not stage.wait(host, _OVER, seconds=5.0):
                    raise BrokenError(CLIENT, f"{host}: {_OVER.words}")

    # Any exercise does: it is only played, not judged.
    exercise = dataclasses.replace(load_exercise(3), play=connections)
    with Connection(world.settings) as connection:
        evidence = play(exercise, world.settings, connection)
    if evidence.play.stopped:
        raise BrokenError(
            evidence.play.stopped.party, f"{evidence.play.stopped.reason}: {evidence.play.stopped.detail}"
        )
    require_recorder(evidence.recording.unrecorded)
    return evidence


def require_recorder(unrecorded: str) -> None:
    """Raise MissingError where the kernel's recorder cannot be had, BrokenError where it broke down."""
    if unrecorded == DIED:
        raise BrokenError("recorder", unrecorded)
    if unrecorded:
        raise MissingError(f"recorder ({unrecorded})")


def kept(world: World, count: int, evidence: Run | None = None) -> Path:
    """Return the folder of such a recording that this benchmark made: `evidence` when none is there, or one made now."""
    folder = world.runs / f"connections-{count}"
    if not folder.exists():
        save(evidence or record(world, count), folder)
    return folder
