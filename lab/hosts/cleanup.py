"""Remove everything a lab made, found by its label alone: the compose file that made it need not exist any more."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from lab.hosts.engine import LABEL, engine
from lab.hosts.found import look_around
from lab.hosts.tracefs import remove_instances
from lab.hosts.turn import clear_turn
from lab.settings import RECORDER

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container
    from docker.models.networks import Network

    from lab.hosts.holders import Holder
    from lab.settings import Settings

_TURN_SECONDS: Final = 20.0
_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.05
_STOP_SECONDS: Final = 5
"""Of what is recording at the moment: the kernel takes its time to free its buffers."""
_SERVICE: Final = "com.docker.compose.service"


def remove_lab(settings: Settings) -> tuple[list[Holder], list[str]]:
    """Remove the lab's containers, network, link and recording; return who was ended and what was removed.

    Who plays on it or waits for its turn is ended: either would make hosts again. Waits for a `docker compose` that is
    still at work for a lab that was killed, but goes on if that hangs. Raises MachineError, and ends and removes
    nothing, when the lab belongs to another user and is not to be taken over.
    """
    look_around().refuse_others(settings)
    ended: list[Holder] = []
    with clear_turn(settings, ended.append, _TURN_SECONDS) or contextlib.nullcontext():
        look_around().refuse_others(settings)  # whoever waited may have brought it up meanwhile
        return ended, remove_now(settings)


def remove_now(settings: Settings) -> list[str]:
    """Remove the lab as `remove_lab` does; for who already has the turn."""
    with engine() as client:
        removed = _remove_labelled(client, f"{LABEL}={settings.name}")
    left = [f"trace instance {name}" for name in remove_instances(settings)]
    return removed + _remove_link(settings.bridge) + left


def _remove_labelled(client: DockerClient, label: str) -> list[str]:
    """Remove until nothing is left: another `down` may be at it, and the engine may still be finishing something."""
    from docker.errors import APIError  # noqa: PLC0415

    removed: dict[str, None] = {}
    deadline = time.monotonic() + _SECONDS
    while True:
        containers = client.containers.list(all=True, filters={"label": label}, ignore_removed=True)
        networks = client.networks.list(filters={"label": label})
        if not containers and not networks:
            return list(removed)
        try:
            with ThreadPoolExecutor(max_workers=8) as pool:
                removed |= dict.fromkeys(pool.map(functools.partial(_remove_container, client), containers))
            removed |= dict.fromkeys(map(_remove_network, networks))
        except APIError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_POLL_SECONDS)


def _remove_container(client: DockerClient, container: Container) -> str:
    from docker.errors import NotFound  # noqa: PLC0415

    with contextlib.suppress(NotFound):  # gone by itself meanwhile
        if container.labels.get(_SERVICE) == RECORDER:
            _end_recording(client, container)
        container.remove(force=True, v=True)
    return f"container {container.name}"


def _end_recording(client: DockerClient, container: Container) -> None:
    """Have the recorder remove its instance of the kernel's tracer, or another of the same rights if it was killed."""
    from docker.errors import DockerException  # noqa: PLC0415

    with contextlib.suppress(DockerException):
        if container.status == "paused":
            container.unpause()
        container.stop(timeout=_STOP_SECONDS)
        container.reload()
        if container.attrs["State"]["ExitCode"] != 0:
            _sweep(client, container)


def _sweep(client: DockerClient, container: Container) -> None:
    made, host = container.attrs["Config"], container.attrs["HostConfig"]
    client.containers.run(
        container.attrs["Image"],
        entrypoint=[*made["Entrypoint"], "--sweep"],
        cap_add=host["CapAdd"],
        cap_drop=host["CapDrop"],
        labels={LABEL: made["Labels"][LABEL]},
        network_mode="none",
        read_only=True,
        remove=True,
        security_opt=host["SecurityOpt"],
        tmpfs=host["Tmpfs"],
        volumes=host["Binds"],
    )


def _remove_network(network: Network) -> str:
    from docker.errors import NotFound  # noqa: PLC0415

    with contextlib.suppress(NotFound):
        network.reload()
        # Somebody else's container, or one that an engine which was killed has forgotten to take off.
        for container in network.attrs.get("Containers") or {}:
            network.disconnect(container, force=True)
        network.remove()
    return f"network {network.name}"


def _remove_link(bridge: str) -> list[str]:
    """Remove the lab's bridge if the engine left it behind (it was killed while it made or removed the network)."""
    if os.geteuid() != 0:
        return []
    try:
        answer = subprocess.run(
            ["ip", "-json", "link", "show", bridge],
            check=False,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
        )
        if answer.returncode != 0 or not json.loads(answer.stdout or "[]"):
            return []
        subprocess.run(["ip", "link", "del", bridge], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError, ValueError):
        return []
    return [f"link {bridge}"]
