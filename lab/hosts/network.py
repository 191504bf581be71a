"""The lab's network, and what its subnet may collide with."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import subprocess
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from lab.errors import MachineError
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
                return network.name or "?", str(subnet)
    return None


def own_subnet(client: DockerClient, settings: Settings) -> str | None:
    """Return the subnet of the lab's own network as it stands, None when it is down."""
    for network in client.networks.list(filters={"label": f"{LABEL}={settings.name}"}):
        for config in (network.attrs.get("IPAM") or {}).get("Config") or []:
            return str(config["Subnet"])
    return None


@contextlib.contextmanager
def standing_network(settings: Settings) -> Iterator[Callable[[], bool]]:
    """Look at the lab's network as it stands while something else is done; yield what tells whether it has its form.

    A network of another form gives the machine an address and a route in the lab's subnet, or the hosts a way out. True
    also when there was none. Through the command, since importing the SDK takes longer than the whole look.
    """
    try:
        process = subprocess.Popen(
            ["docker", "network", "inspect", f"{settings.name}_lan"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            errors="replace",
        )
    except FileNotFoundError:
        raise MachineError("engine-absent") from None

    def is_ours() -> bool:
        said, _ = process.communicate()
        return all(_has_form(network, settings) for network in json.loads(said or "[]"))

    with process:
        try:
            yield is_ours
        finally:
            process.kill()


def _has_form(network: dict[str, Any], settings: Settings) -> bool:
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
