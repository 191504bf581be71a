"""What the recorder's container does: it keeps the kernel from recording when nobody reads.

An instance of tracefs outlives who made it, and records on. So whoever wants one asks here first, and holds on to the
connection: when that breaks, by kill -9 too, the instance is removed, and likewise when the container is told to end.
There are two doors, so that somebody can look on (`lab live`) while a run is recorded.

    keep.py NAME           for as long as the container lives; NAME and NAME.calls are of runs, NAME.live of who looks
    keep.py NAME --sweep   remove the instances that another container has left, and end
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import struct
import sys

from tracefs import BIND, MOUNT, open_up, remove_pair

READY = "/run/lab-ready"  # the agent waits for it, and tells what it says
SOCKET = "/run/keeper"
LIVE_SOCKET = "/run/keeper-live"
LIVE = ".live"  # no lab's own name has a dot
GO = b"go"
CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid


class EndedError(Exception):
    """The container is told to end."""


def keep(name: str, state: str) -> None:
    """Say what this container can do, and give what is behind each door to one after the other, until the end."""
    names = {listen(SOCKET): name, listen(LIVE_SOCKET): name + LIVE}
    owners: dict[socket.socket, socket.socket] = {}  # who has an instance, and at whose door they asked
    tell(state)
    try:
        while True:
            free = [door for door in names if door not in owners.values()]
            for ready in select.select([*free, *owners], [], [])[0]:
                if ready in owners:  # an owner says nothing: that was the end
                    ready.close()
                    name = names[owners.pop(ready)]
                    if state in (BIND, MOUNT):
                        remove_pair(name)
                else:
                    owner, _ = ready.accept()
                    owners[owner] = ready
                    if state in (BIND, MOUNT):
                        lend(names[ready], owner)
                    else:
                        refuse(state, owner)
    except EndedError:
        for owner in owners:
            end(owner)
        raise


def listen(path: str) -> socket.socket:
    """Return a door at which to ask for an instance."""
    door = socket.socket(socket.AF_UNIX)
    door.bind(path)
    door.listen()
    return door


def tell(state: str) -> None:
    """Say that the container is ready; whoever finds the file finds all of it."""
    with open(READY + ".new", "w", encoding="ascii") as file:
        file.write(state)
    os.rename(READY + ".new", READY)


def lend(name: str, owner: socket.socket) -> None:
    """Have the instance be that one's until its connection ends."""
    with contextlib.suppress(OSError):
        if remove_pair(name):  # there is none, unless somebody else has a file of it open
            owner.sendall(GO)
        else:
            owner.shutdown(socket.SHUT_RDWR)


def refuse(state: str, owner: socket.socket) -> None:
    """Say why there is nothing to be had here: to be kept waiting would look as if somebody else had it."""
    with contextlib.suppress(OSError):
        owner.sendall(state.encode())
        owner.shutdown(socket.SHUT_RDWR)


def end(owner: socket.socket) -> None:
    """End who has an instance: it has files of it open."""
    pid, _, _ = CREDENTIALS.unpack(owner.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size))
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def ended(*_: object) -> None:
    """Be told to end."""
    raise EndedError


def main(name: str, *options: str) -> int:
    """Keep the instances of that name, or sweep them away; return the exit status: 1 when one could not be removed."""
    signal.signal(signal.SIGTERM, ended)
    state = open_up()
    usable = state in (BIND, MOUNT)
    with contextlib.suppress(EndedError):
        if usable:
            remove_all(name)
        if "--sweep" not in options:
            keep(name, state)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return 0 if not usable or remove_all(name) else 1


def remove_all(name: str) -> bool:
    """Remove the instances that there are; tell whether none is left."""
    return all([remove_pair(name), remove_pair(name + LIVE)])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
