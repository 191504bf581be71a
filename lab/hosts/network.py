"""Does the lab's subnet collide with what is there?"""

from __future__ import annotations

import ipaddress
import json
import subprocess
from typing import TYPE_CHECKING

from lab.hosts.engine import LABEL

if TYPE_CHECKING:
    from docker import DockerClient

    from lab.settings import Settings


def colliding_network(client: DockerClient, settings: Settings) -> tuple[str, str] | None:
    """Return (name, subnet) of another network of the engine that overlaps the lab's, None when there is none."""
    for network in client.networks.list():
        if (network.attrs.get("Labels") or {}).get(LABEL) == settings.name:
            continue
        for config in (network.attrs.get("IPAM") or {}).get("Config") or []:
            subnet = ipaddress.ip_network(config.get("Subnet", "::/128"), strict=False)
            if subnet.version == settings.subnet.version and subnet.overlaps(settings.subnet):
                return network.name, str(subnet)
    return None


def own_subnet(client: DockerClient, settings: Settings) -> str | None:
    """Return the subnet of the lab's own network as it stands, None when it is down."""
    for network in client.networks.list(filters={"label": f"{LABEL}={settings.name}"}):
        for config in (network.attrs.get("IPAM") or {}).get("Config") or []:
            return str(config["Subnet"])
    return None


def overlapping_routes(settings: Settings) -> list[str]:
    """Return the machine's own routes (not the default) into the lab's subnet, as `ip route` names them.

    They are harmless: the lab's bridge gets neither address nor route on the machine.
    """
    try:
        answer = subprocess.run(["ip", "-json", "route"], check=True, capture_output=True, text=True)
        routes = json.loads(answer.stdout or "[]")
    except (OSError, subprocess.CalledProcessError, ValueError):
        return []
    found = []
    for route in routes:
        if route.get("dst") in (None, "default"):
            continue
        target = ipaddress.ip_network(route["dst"], strict=False)
        if target.version == settings.subnet.version and target.overlaps(settings.subnet):
            found.append(f"{route['dst']} dev {route.get('dev', '?')}")
    return found
