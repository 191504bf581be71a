"""Which engine the lab uses: the one that the command `docker` would use, for everything.

The command reads DOCKER_HOST, DOCKER_CONTEXT, and the context that `docker context use` wrote into its configuration;
the SDK reads only the first. So the SDK is given what the command says: the engine's socket where it is one of this
machine, else a relay whose every connection is one that the command itself has made (`docker system dial-stdio`),
with the command's own ssh and TLS.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.errors import MachineError

_OWN: Final = "unix:///var/run/docker.sock"
_UNIX: Final = "unix://"
_DIAL: Final = ("docker", "system", "dial-stdio")
_SECONDS: Final = 30.0
_BACKLOG: Final = 16
_held: Final[set[str]] = set()
"""The context that this process keeps to, if it was chosen by `docker context use`."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the engine is."""

    address: str
    """As the command resolves it: unix://, tcp://, ssh://; empty when it cannot, as with an unknown context."""
    told: str = ""
    """The address or the context that the command is told to use; empty for this machine's own engine."""
    undo: str = ""
    """What to type to have this machine's own engine instead."""

    @property
    def path(self) -> str | None:
        """The engine's socket, None for an engine that is reached in another way."""
        return self.address.removeprefix(_UNIX) if self.address.startswith(_UNIX) else None


def hold_engine() -> None:
    """Keep to one engine as long as this process lives, whatever `docker context use` makes of the configuration.

    The hosts' image is of the engine's own architecture: a platform that is preferred elsewhere does not count here.
    """
    os.environ.pop("DOCKER_DEFAULT_PLATFORM", None)
    if not os.environ.get("DOCKER_HOST") and not os.environ.get("DOCKER_CONTEXT") and (chosen := _chosen_context()):
        os.environ["DOCKER_CONTEXT"] = chosen
        _held.add(chosen)


def endpoint() -> Endpoint:
    """Return where the engine is that the command `docker` would use now."""
    host, context = os.environ.get("DOCKER_HOST") or "", os.environ.get("DOCKER_CONTEXT") or ""
    if host:
        host = host.strip() or _UNIX
        if _is_own(host):
            return Endpoint(_OWN)
        address = host if host.startswith(_UNIX) else _inspect("default", host, _configuration())
        return Endpoint(address, host, "unset DOCKER_HOST")
    undo = "docker context use default" if context in _held or not context else "unset DOCKER_CONTEXT"
    context = context or _chosen_context()
    if context in ("", "default"):
        return Endpoint(_OWN)
    address = _inspect(context, host, _configuration())
    return Endpoint(_OWN) if _is_own(address) else Endpoint(address, context, undo)


@contextlib.contextmanager
def dialled() -> Iterator[socket.socket]:
    """Yield a connection to the engine; OSError where a socket of this machine has nobody behind it.

    Of an engine elsewhere one only learns by reading that nobody is there: nothing comes then.
    """
    path = endpoint().path
    if path is None:
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                process = _dial(theirs)
            with process:
                ours.settimeout(_SECONDS)
                try:
                    yield ours
                finally:
                    ours.close()  # the command ends with it
    else:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_SECONDS)
            connection.connect(path)
            yield connection


@contextlib.contextmanager
def sdk_address() -> Iterator[str]:
    """Yield the address under which the SDK reaches the engine."""
    where = endpoint()
    if where.path is not None:
        yield where.address
        return
    with (
        tempfile.TemporaryDirectory(prefix="socketlab-") as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door,
        _short_name(folder) as short,
    ):
        door.bind(f"{short}/engine")
        door.listen(_BACKLOG)
        relay = threading.Thread(target=_relay, args=(door,), name="engine-relay", daemon=True)
        relay.start()
        try:
            yield f"{_UNIX}{short}/engine"
        finally:
            door.shutdown(socket.SHUT_RDWR)  # which ends an accept() in another thread; close() does not
            relay.join()


def why_silent(detail: str) -> MachineError:
    """Say why the engine does not answer, in the command's own words where they tell more; `detail` are the SDK's."""
    where = endpoint()
    words = detail
    with contextlib.suppress(OSError):
        asked = ["docker", "version", "--format", "{{.Server.APIVersion}}"]
        answer = subprocess.run(asked, check=False, capture_output=True, encoding="utf-8", errors="replace")
        if answer.returncode == 0:
            return MachineError("engine-refused", detail=detail)
        words = (answer.stderr.strip().splitlines() or [detail])[-1]
    if "permission denied" in words.lower() and where.path is not None:
        return MachineError("engine-forbidden")
    if where.told:
        return MachineError("engine-elsewhere", told=where.told, undo=where.undo)
    return MachineError("engine-absent")


def _is_own(address: str) -> bool:
    """Tell whether an address is that of this machine's own engine; `unix://` alone is, a path below it is not."""
    path = address.removeprefix(_UNIX)
    if path == address or path.endswith("/"):
        return False
    return not path or os.path.realpath(path) == os.path.realpath(_OWN.removeprefix(_UNIX))


def _configuration() -> str:
    try:
        home = Path.home()
    except RuntimeError:  # a number without a name and without HOME: the command looks beside it, too
        home = Path()
    return os.environ.get("DOCKER_CONFIG") or str(home / ".docker")


def _chosen_context() -> str:
    """Return what `docker context use` has chosen; empty when nothing is, or the command could not read it either.

    As the command reads JSON: in names capitals do not count, the last string of a name does, and what is not UTF-8, or
    stands behind the document, is no fault.
    """
    try:
        text = (Path(_configuration()) / "config.json").read_text(encoding="utf-8", errors="replace")
        fields, _ = json.JSONDecoder(object_pairs_hook=list).raw_decode(text.lstrip(" \t\r\n"))
    except (OSError, ValueError):
        return ""
    pairs = (pair for pair in fields if isinstance(pair, tuple)) if isinstance(fields, list) else ()
    chosen = [value for name, value in pairs if name.lower() == "currentcontext" and isinstance(value, str)]
    return chosen[-1] if chosen else ""


@functools.cache
def _inspect(context: str, host: str, configuration: str) -> str:  # noqa: ARG001 - what the answer depends on
    """Ask the command where that context is; empty when there is none such, or no command."""
    command = ["docker", "context", "inspect", context, "--format", "{{.Endpoints.docker.Host}}"]
    try:
        return subprocess.run(
            command, check=False, capture_output=True, encoding="utf-8", errors="replace"
        ).stdout.strip()
    except OSError:
        return ""


def _dial(theirs: socket.socket) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C in the terminal must reach the lab alone. It ends with the connection.
    return subprocess.Popen(
        _DIAL,
        stdin=theirs.fileno(),
        stdout=theirs.fileno(),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _relay(door: socket.socket) -> None:
    """Have each who comes to the door talk with the engine by a command of their own, until the door is shut."""
    with contextlib.ExitStack() as begun, contextlib.suppress(OSError):
        while True:
            connection, _ = door.accept()
            with connection:
                begun.enter_context(_dial(connection))


@contextlib.contextmanager
def _short_name(folder: str) -> Iterator[str]:
    """Yield another name of the folder: a socket's path may have 107 bytes."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
