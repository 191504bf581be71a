"""One session at a time: who makes, drives or removes a lab's hosts has the lab's turn from its begin to its end.

The turn is a socket's abstract name (unix(7)): it ends with its last holder, by kill -9 too, and leaves no file behind.
A session has a second name from when it begins to wait for the turn until it gives it back: `down` finds it by that.
While `down` ends sessions it has a name, too: by that they know who interrupted them, and that the hosts are going.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import time
from typing import TYPE_CHECKING, Final, Self

from lab.errors import InterruptError, MachineError
from lab.hosts.holders import Holder, holders_of, listener_of, names_below

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lab.hosts.images import Say
    from lab.settings import Settings

SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.02
_SILENT_SECONDS: Final = 1.0
"""So long one waits for the turn before saying so; by then a holder that is stopped has had the time to go on."""
_END_SECONDS: Final = 8.0
"""A session that is told to end closes its channels and ends its compose first."""
_ASKING: Final = 4096
"""How many may ask who holds a name: nobody takes them, their own end forgets them."""


class Turn:
    """The turn of a lab, held until it is given back. As a context it is given back in the end."""

    def __init__(self, lab: str, lock: socket.socket, session: socket.socket | None = None) -> None:
        self._lab = lab
        self._lock = lock
        self._session = session

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What holds it, for a child that must hold it longer than we live.

        A `docker compose` whose lab was killed with -9 goes on to its end: the next lab waits for that.
        """
        return (self._lock.fileno(),)

    def ended_by_down(self, how: type[BaseException] | None) -> InterruptError | None:
        """Return what to say of a session that ends so, if a `down` ended it; only as long as it has the turn."""
        return _ended_by_down(self._lab) if how is KeyboardInterrupt else None

    def give_back(self) -> None:
        """Let the next one have it; safe to call twice."""
        self._lock.close()
        if self._session:
            self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, how: type[BaseException] | None, *_: object) -> None:
        ended = self.ended_by_down(how)
        self.give_back()
        if ended:
            raise ended from None


def take_turn(settings: Settings, say: Say | None = None, seconds: float = SECONDS) -> Turn:
    """Wait for the lab's turn, telling `say` for whom if that takes long, and return it.

    Raises MachineError, which names the holder: `lab-busy` at the deadline, `lab-stopped` for one that stands still;
    and InterruptError where a `down` ends the wait.
    """
    name = _name(settings)
    with contextlib.ExitStack() as undone:
        session = undone.enter_context(_listen(f"{name}/{os.getpid()}.{os.urandom(4).hex()}"))
        try:
            lock = _wait_for_lock(settings, say, seconds)
        except KeyboardInterrupt:
            if ended := _ended_by_down(settings.name):
                raise ended from None
            raise
        undone.pop_all()
        return Turn(settings.name, lock, session)


def _wait_for_lock(settings: Settings, say: Say | None, seconds: float) -> socket.socket:
    name = _name(settings)
    begun, told = time.monotonic(), False
    while not (lock := _bind(name)):
        waited = time.monotonic() - begun
        if waited > _SILENT_SECONDS:
            holder = _holder(name)
            if holder and holder.stopped:
                raise MachineError("lab-stopped", lab=settings.name, command=holder.command, pid=holder.pid)
            if waited > seconds:
                raise _busy(settings, holder)
            if say and holder and not told:
                say("waiting", {"command": holder.command, "pid": holder.pid})
                told = True
        time.sleep(_POLL_SECONDS)
    return lock


def clear_turn(settings: Settings, ended: Callable[[Holder], object], seconds: float) -> Turn | None:
    """End every session that has the turn or waits for it, tell `ended` of each, and return the turn.

    None at the deadline: what is no session, a `docker compose` of a lab that was killed, is waited for and not ended.
    Sessions are those of processes that this user may end.
    """
    name = _name(settings)
    deadline = time.monotonic() + seconds
    with _listen(f"{_down(settings.name)}/{os.getpid()}.{os.urandom(4).hex()}"):
        while not (lock := _bind(name)):
            if time.monotonic() > deadline:
                return None
            _end_sessions(name, ended)
            for holder in holders_of(names_below(name).get(name, ())):
                if holder.stopped:
                    _send(holder, signal.SIGCONT)
            time.sleep(_POLL_SECONDS)
        # Who waited for it beside us would make hosts again as soon as we are done.
        _end_sessions(name, ended)
    return Turn(settings.name, lock)


def _end_sessions(name: str, ended: Callable[[Holder], object]) -> None:
    inodes = {inode for each, found in names_below(name).items() if each != name for inode in found}
    for number in (signal.SIGTERM, signal.SIGKILL):
        sessions = left = _others(inodes)
        for session in sessions:
            _send(session, number)
            _send(session, signal.SIGCONT)
        deadline = time.monotonic() + _END_SECONDS
        while left and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
            left = _others(inodes)
        for session in sessions:
            if session.pid not in {each.pid for each in left}:
                ended(session)


def _others(inodes: Iterable[str]) -> list[Holder]:
    return [holder for holder in holders_of(inodes) if holder.pid != os.getpid()]


def _send(holder: Holder, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(holder.pid, number)


def _busy(settings: Settings, holder: Holder | None) -> MachineError:
    if holder is None:
        return MachineError("lab-held", lab=settings.name)
    return MachineError("lab-busy", lab=settings.name, command=holder.command, pid=holder.pid)


def _holder(name: str) -> Holder | None:
    """Return who has the turn: a session rather than its children, one that is not stopped rather than one that is."""
    found = holders_of(names_below(name).get(name, ()))
    if not found:
        return listener_of(name)
    return min(found, key=lambda holder: (holder.stopped, not holder.command.startswith("lab "), holder.pid))


def _ended_by_down(lab: str) -> InterruptError | None:
    return InterruptError("ended-by-down", lab=lab) if names_below(_down(lab)) else None


def _name(settings: Settings) -> str:
    return f"socketlab/{settings.name}"


def _down(lab: str) -> str:
    """Return what names of a `down` begin with: no session's, which another `down` would end."""
    return f"socketlab-down/{lab}"


def _bind(name: str) -> socket.socket | None:
    try:
        return _listen(name)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return None


def _listen(name: str) -> socket.socket:
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        bound.bind(f"\0{name}")
        bound.listen(_ASKING)
    except OSError:
        bound.close()
        raise
    return bound
