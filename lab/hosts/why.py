"""Why a host does not answer: the engine knows whether it is the host, the engine itself, or neither."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from lab.errors import LabError, MachineError
from lab.hosts.engine import engine
from lab.hosts.found import look_around

if TYPE_CHECKING:
    from lab.settings import Settings

_SECONDS: Final = 5.0
_OF_A_STRANGER: Final = ("host-died", "host-unguarded", "host-misaddressed")
"""What is said of a container that has the name of a host and is none of the lab's."""


@contextlib.contextmanager
def explained(settings: Settings, *, begun: bool) -> Iterator[None]:
    """Raise what lies behind a host that has died or is too slow; `begun` says that it has answered before.

    A fault of the engine or of a container is the machine's (MachineError); only where neither has one, what was raised
    stands as it is.
    """
    try:
        yield
    except LabError as error:
        if not begun and error.code in _OF_A_STRANGER:
            look_around().refuse_strangers(settings)
        cause = _cause(error, settings, begun=begun) if error.code in ("host-died", "host-too-slow") else None
        if cause is None:
            raise
        raise cause from error


def _cause(error: LabError, settings: Settings, *, begun: bool) -> MachineError | None:
    from docker.errors import NotFound  # noqa: PLC0415

    host = str(error.params["host"])
    name = settings.container(host)
    try:
        with engine(_SECONDS) as client:
            try:
                state = client.containers.get(name).status
            except NotFound:
                state = "absent"
    except MachineError as fault:
        detail = fault.params.get("detail") or error.params["detail"]
        return MachineError("engine-lost", detail=detail) if begun else fault
    if state == "running":
        return None
    if state == "paused":
        return MachineError("host-paused", host=host, container=name)
    return MachineError("host-stopped" if begun else "host-down", host=host, container=name)
