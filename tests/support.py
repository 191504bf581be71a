"""What tests in containers share: waiting for something that should come, a second lab, Python run inside a host."""

from __future__ import annotations

import dataclasses
import hashlib
import ipaddress
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar

import pytest

from lab.hosts.engine import engine
from lab.hosts.network import overlapping_routes
from lab.hosts.tracefs import FOLDERS, instance_names, kernel_has_tracefs
from lab.settings import Settings

T = TypeVar("T")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make network namespaces; CI is root")


def eventually(look: Callable[[], T], seconds: float = 10.0, pause: float = 0.02) -> T:
    """Look again and again until what is seen is truthy; return it, or what was seen last at the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen or time.monotonic() > deadline:
            return seen
        time.sleep(pause)


def run(*command: str, **options: Any) -> str:
    """Run a command that must work; return what it printed."""
    answer = subprocess.run(command, check=False, capture_output=True, text=True, **options)
    assert answer.returncode == 0, f"{' '.join(command)}: {answer.stderr.strip() or answer.stdout.strip()}"
    return str(answer.stdout)


def free_subnets(settings: Settings, name: str = "") -> Iterator[ipaddress.IPv4Network]:
    """Yield private /24 subnets that neither the lab, the engine nor a route of the machine has.

    Each lab begins elsewhere, by its `name`: two of them may be planned before either stands.
    """
    begin = int.from_bytes(hashlib.sha256((name or settings.name).encode()).digest()[:2])
    taken = [settings.subnet, *engine_subnets()]
    for step in range(65536):
        number = (begin + step * 257) % 65536
        subnet = ipaddress.IPv4Network((0x0A000000 + (number << 8), 24))
        if any(subnet.overlaps(other) for other in taken):
            continue
        if not overlapping_routes(dataclasses.replace(settings, subnet=subnet)):
            yield subnet


def engine_subnets() -> list[ipaddress.IPv4Network]:
    """Return the IPv4 subnets of all networks of the engine."""
    with engine() as client:
        configs = [config for network in client.networks.list() for config in network.attrs["IPAM"]["Config"] or []]
    subnets = [ipaddress.ip_network(config["Subnet"], strict=False) for config in configs if "Subnet" in config]
    return [subnet for subnet in subnets if isinstance(subnet, ipaddress.IPv4Network)]


WAITS: Final = "waits"
"""What the lab is called that the tests have which run beside the others (tests/__main__.py)."""


def another_lab(settings: Settings, suffix: str = "two") -> Settings:
    """Return the settings of a lab beside this one: another name, another subnet."""
    name = f"{settings.name[: 31 - len(suffix)]}-{suffix}"
    return dataclasses.replace(settings, name=name, subnet=next(free_subnets(settings, name)))


def variables(settings: Settings) -> dict[str, str]:
    """Return the variables by which a learner asks for that lab."""
    return {"LAB_NAME": settings.name, "LAB_SUBNET": str(settings.subnet)}


def left_of(settings: Settings) -> list[str]:
    """Return everything of that lab that the engine or the machine still has."""
    label: dict[str, str | list[str] | bool] = {"label": f"socketlab={settings.name}"}
    wanted = {"label": f"socketlab={settings.name}"}
    with engine() as client:
        found = [f"container {each.name}" for each in client.containers.list(all=True, filters=label)]
        found += [f"network {each.name}" for each in client.networks.list(filters=wanted)]
    links: list[Mapping[str, Any]] = json.loads(run("ip", "-j", "link"))
    found += [f"link {link['ifname']}" for link in links if link["ifname"] == settings.bridge]
    return found + [f"trace instance {name}" for name in trace_instances() if name in instance_names(settings)]


def trace_instances() -> dict[str, bool]:
    """Return the instances of the kernel's tracer, and whether each records; none where only root may look."""
    if os.geteuid() != 0 or not kernel_has_tracefs():
        return {}
    # In a namespace of its own, so that nothing is mounted on the machine.
    look = "mount -t tracefs tracefs $0 2>/dev/null; cd $0/instances; for i in *; do echo $i $(cat $i/tracing_on); done"
    lines = run("unshare", "--mount", "sh", "-c", look, str(FOLDERS[0])).splitlines()
    # Where there is none the shell tries the pattern itself; one may just be on its way out.
    return {name: on == "1" for name, _, on in (line.partition(" ") for line in lines) if on}


# Runs inside a host: tries every target at once for a while, and prints by name what came of it. Standard library only.
KNOCK: Final = r"""
import errno, json, select, socket, sys, time
targets, seconds = json.loads(sys.argv[1]), float(sys.argv[2])
outcome, waiting = {}, {}
for name, (kind, address, port) in targets.items():
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        if kind == "ping":
            sock = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_ICMP)
            sock.setblocking(False)
            sock.sendto(bytes.fromhex("0800f7fe00010000"), (address, 0))
        elif kind == "udp":
            sock = socket.socket(family, socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sock.setblocking(False)
            sock.sendto(b"\0\1\1\0\0\1\0\0\0\0\0\0\7example\3com\0\0\1\0\1", socket.getaddrinfo(address, port)[0][4])
        else:
            sock = socket.socket(family, socket.SOCK_STREAM)
            sock.setblocking(False)
            error = sock.connect_ex(socket.getaddrinfo(address, port)[0][4])
            if error != errno.EINPROGRESS:
                raise OSError(error, "")
        waiting[sock] = (name, kind)
    except OSError as error:
        outcome[name] = errno.errorcode.get(error.errno, str(error))
deadline = time.monotonic() + seconds
while waiting and (left := deadline - time.monotonic()) > 0:
    readers = [sock for sock, (_, kind) in waiting.items() if kind != "tcp"]
    writers = [sock for sock, (_, kind) in waiting.items() if kind == "tcp"]
    for sock in {each for ready in select.select(readers, writers, [], left) for each in ready}:
        name, kind = waiting.pop(sock)
        if kind == "tcp":
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            outcome[name] = errno.errorcode[error] if error else "connected"
        else:
            try:
                sock.recv(2048)
                outcome[name] = "answered"
            except OSError as error:
                outcome[name] = errno.errorcode[error.errno]
outcome.update(dict.fromkeys((name for name, _ in waiting.values()), "silence"))
print(json.dumps(outcome))
"""

Target = tuple[str, str, int]
"""tcp, udp or ping; address; port."""
REACHED = ("connected", "answered")


def knock_command(targets: Mapping[str, Target], seconds: float = 1.0) -> list[str]:
    """Return the command that knocks at all targets at once, for that long."""
    return ["python3", "-I", "-S", "-c", KNOCK, json.dumps(targets), str(seconds)]


def reached(outcome: Mapping[str, str]) -> dict[str, str]:
    """Return those targets that answered."""
    return {name: how for name, how in outcome.items() if how in REACHED}
