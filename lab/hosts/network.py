"""The lab's network, and what its subnet may collide with."""

from __future__ import annotations

import ipaddress
import json
import subprocess
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from lab.hosts.engine import LABEL

if TYPE_CHECKING:
    from lab.settings import Settings


def colliding_network(networks: Iterable[Mapping[str, Any]], settings: Settings) -> tuple[str, str] | None:
    """Return (name, subnet) of another network of the engine that overlaps the lab's, None when there is none.

    `networks` are all there are, as the engine's API describes them.
    """
    for network in networks:
        if (network.get("Labels") or {}).get(LABEL) == settings.name:
            continue
        for config in (network.get("IPAM") or {}).get("Config") or []:
            subnet = ipaddress.ip_network(config.get("Subnet", "::/128"), strict=False)
            if subnet.version == settings.subnet.version and subnet.overlaps(settings.subnet):
                return network.get("Name") or "?", str(subnet)
    return None


def has_form(network: Mapping[str, Any], settings: Settings) -> bool:
    """Tell whether a network has the form that compose.yaml gives the lab's.

    One of another form gives the machine an address and a route in the lab's subnet, or the hosts a way out.
    """
    options = network.get("Options") or {}
    return (
        network.get("Internal") is True
        and options.get("com.docker.network.bridge.inhibit_ipv4") == "true"
        and options.get("com.docker.network.bridge.name") == settings.bridge
        and [config.get("Subnet") for config in network["IPAM"]["Config"] or []] == [str(settings.subnet)]
    )


def overlapping_routes(settings: Settings) -> list[str]:
    """Return the machine's own routes (not the default) into the lab's subnet, as `ip route` names them.

    They are harmless: the lab's bridge gets neither address nor route on the machine.
    """
    try:
        answer = subprocess.run(
            ["ip", "-json", "route"], check=True, capture_output=True, encoding="utf-8", errors="replace"
        )
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
