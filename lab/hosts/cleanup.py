"""Remove everything a lab made, found by its label alone: the compose file that made it need not exist any more."""

from __future__ import annotations

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from lab.hosts.engine import LABEL, engine

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

    from lab.settings import Settings


def remove_lab(settings: Settings) -> list[str]:
    """Remove the lab's containers, network and link; return the names of what was removed."""
    with engine() as client:
        removed = _remove_labelled(client, f"{LABEL}={settings.name}")
    return removed + _remove_link(settings.bridge)


def _remove_labelled(client: DockerClient, label: str) -> list[str]:
    from docker.errors import APIError, NotFound  # noqa: PLC0415

    def remove(container: Container) -> str:
        try:
            container.remove(force=True, v=True)
        except NotFound:
            pass  # gone by itself meanwhile
        except APIError as error:
            if "already in progress" not in str(error):
                raise
        return f"container {container.name}"

    containers = client.containers.list(all=True, filters={"label": label}, ignore_removed=True)
    with ThreadPoolExecutor(max_workers=8) as pool:
        removed = list(pool.map(remove, containers))
    for network in client.networks.list(filters={"label": label}):
        try:
            network.remove()
        except NotFound:
            continue
        removed.append(f"network {network.name}")
    return removed


def _remove_link(bridge: str) -> list[str]:
    """Remove the lab's bridge if the engine left it behind (it was killed while it made or removed the network)."""
    if os.geteuid() != 0:
        return []
    try:
        answer = subprocess.run(["ip", "-json", "link", "show", bridge], check=False, capture_output=True, text=True)
        if answer.returncode != 0 or not json.loads(answer.stdout or "[]"):
            return []
        subprocess.run(["ip", "link", "del", bridge], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError, ValueError):
        return []
    return [f"link {bridge}"]
