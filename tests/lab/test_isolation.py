"""Nothing in the lab reaches outside, nothing outside reaches it, and a server run in the lab cannot lift that."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Final

import pytest

from lab.hosts.cleanup import remove_lab
from lab.hosts.compose import bring_up
from lab.hosts.connection import open_hosts
from lab.hosts.engine import engine
from lab.hosts.host import Host
from lab.hosts.images import image_name
from lab.settings import HOSTS, PORT, Settings
from tests.lab.home_lan import LINK, Echo, HomeLan, home_lan, lab_beside_home
from tests.lab.home_lan import PORT as HOME_PORT
from tests.lab.namespaces import Frame, Namespace, Tap, tap
from tests.support import Target, another_lab, knock_command, needs_root, reached, run

pytestmark = pytest.mark.lab

USERS: Final = ("lab", "root")
NOWHERE: Final = "198.51.100.1"  # TEST-NET-2, RFC 5737: nobody's
DOCKER_DNS: Final = "127.0.0.11"
TRY_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Scene:
    """The lab with a listening server, a second lab with another, a home LAN, and the machine listening everywhere."""

    lab: Settings
    other: Settings
    hosts: Mapping[str, Host]
    others: Mapping[str, Host]
    home: HomeLan
    machine: Echo
    hardware: frozenset[str]

    @property
    def server(self) -> Target:
        return "tcp", self.lab.addresses["server"], PORT


@pytest.fixture(scope="module")
def scene(hosts_up: Settings) -> Iterator[Scene]:
    lab = lab_beside_home(hosts_up)
    other = another_lab(hosts_up)
    with ExitStack() as all_of_it:
        if lab is not hosts_up:
            all_of_it.callback(remove_lab, lab)
            bring_up(lab, {host: {} for host in HOSTS})
        all_of_it.callback(remove_lab, other)
        bring_up(other, {host: {} for host in HOSTS})
        hosts = all_of_it.enter_context(open_hosts(lab, None))
        others = all_of_it.enter_context(open_hosts(other, None))
        home = all_of_it.enter_context(home_lan(lab.subnet))
        machine = all_of_it.enter_context(closing(Echo(port=0)))
        for each, settings in ((hosts, lab), (others, other)):
            listen(each["server"], settings)
        yield Scene(lab, other, hosts, others, home, machine, hardware_addresses(lab))


def listen(server: Host, settings: Settings) -> None:
    server.channel.call("spawn", name="listener", argv=["serve_blocking", settings.addresses["server"], str(PORT)])
    assert server.channel.wait_event(lambda event: event.kind == "output" and "waiting on" in event.data["text"], 5)


def hardware_addresses(lab: Settings) -> frozenset[str]:
    with engine() as client:
        networks = [client.containers.get(lab.container(host)).attrs["NetworkSettings"]["Networks"] for host in HOSTS]
    return frozenset(end["MacAddress"] for each in networks for end in each.values())


def knock(host: Host, targets: Mapping[str, Target], user: str) -> dict[str, str]:
    outcome: dict[str, str] = json.loads(host.run(*knock_command(targets, TRY_SECONDS), user=user))
    return outcome


def outside(scene: Scene, user: str) -> dict[str, Target]:
    """Everything that is not the lab, each with somebody who would answer where there can be one."""
    found: dict[str, Target] = {}
    for kind in ("tcp", "udp"):
        found |= {
            f"the machine's own LAN address, {kind}": (kind, scene.home.machine, scene.machine.ports[kind]),
            f"the home LAN's gateway, {kind}": (kind, scene.home.gateway, HOME_PORT),
            f"the home LAN's neighbour, {kind}": (kind, scene.home.neighbour, HOME_PORT),
            f"the engine's default bridge, {kind}": (kind, default_bridge_gateway(), scene.machine.ports[kind]),
            f"a public address, {kind}": (kind, NOWHERE, 80),
            f"the other lab, {kind}": (kind, scene.other.addresses["server"], PORT),
            f"the machine's end of the bridge by IPv6, {kind}": (kind, f"{link_local(scene.lab.bridge)}%eth0", 22),
        }
    for words, address in (("everybody", "255.255.255.255"), ("the subnet", str(scene.lab.subnet.broadcast_address))):
        found[f"a broadcast to {words}"] = ("udp", address, HOME_PORT)
    found["a multicast"] = ("udp", "224.0.0.251", 5353)
    if user == "root":
        found |= {
            "a ping to the machine": ("ping", scene.home.machine, 0),
            "a ping to the gateway": ("ping", scene.home.gateway, 0),
            "a ping to a public address": ("ping", NOWHERE, 0),
        }
    return found


def default_bridge_gateway() -> str:
    with engine() as client:
        return str(client.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"])


def link_local(link: str) -> str:
    found = json.loads(run("ip", "-j", "-6", "addr", "show", "dev", link))
    return next((info["local"] for each in found for info in each.get("addr_info", [])), "fe80::1")


def left_a_host(scene: Scene, everywhere: Tap) -> list[Frame]:
    """Return the frames that the lab's hosts sent, and those with their addresses anywhere else on the machine.

    By link too: every lab's hosts have the same hardware addresses, each on a bridge of its own.
    """
    ports = {link["ifname"] for link in json.loads(run("ip", "-j", "link", "show", "master", scene.lab.bridge))}
    addresses = set(scene.lab.addresses.values())
    return [
        frame
        for frame in everywhere.heard()
        if (frame.link in ports and frame.source in scene.hardware) or frame.sender in addresses
    ]


# --- out -------------------------------------------------------------------------------------------------------------


@needs_root
@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("name", HOSTS)
def test_nothing_in_the_lab_reaches_outside_and_not_one_frame_leaves_the_host(
    scene: Scene, name: str, user: str
) -> None:
    came = len(scene.machine.came)
    with tap() as everywhere:
        outcome = knock(scene.hosts[name], outside(scene, user), user)
        left = left_a_host(scene, everywhere)
    assert reached(outcome) == {}
    assert scene.machine.came[came:] == []
    assert left == [], "not even a question for the address may leave the host"


@needs_root
def test_the_tap_hears_what_does_leave_a_host(scene: Scene) -> None:
    with tap() as everywhere:
        outcome = knock(scene.hosts["client"], {"the server": scene.server}, "lab")
        left = left_a_host(scene, everywhere)
    assert outcome == {"the server": "connected"}
    assert {frame.what for frame in left} == {"IPv4"}
    assert {frame.sender for frame in left} == {scene.lab.addresses[host] for host in HOSTS}


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_the_engines_name_server_is_refused(hosts_open: Mapping[str, Host], user: str, kind: str) -> None:
    outcome = knock(hosts_open["client"], {"dns": (kind, DOCKER_DNS, 53)}, user)
    assert reached(outcome) == {}


@pytest.mark.parametrize("user", USERS)
def test_no_outside_name_is_found(hosts_open: Mapping[str, Host], user: str) -> None:
    words = (
        "import socket\ntry: print(socket.getaddrinfo('example.com', 80))\nexcept OSError as error: print(error.errno)"
    )
    answer = hosts_open["client"].run("python3", "-I", "-S", "-c", words, user=user, timeout=15)
    assert int(answer) in (socket.EAI_AGAIN, socket.EAI_NONAME)


@pytest.fixture(scope="module")
def hosts_open(request: pytest.FixtureRequest, hosts_up: Settings) -> Iterator[Mapping[str, Host]]:
    """The hosts, from the scene where there is one: a host has one driver at a time."""
    if os.geteuid() == 0:
        yield request.getfixturevalue("scene").hosts
    else:
        with open_hosts(hosts_up, None) as hosts:
            yield hosts


# --- in --------------------------------------------------------------------------------------------------------------


def no_row_but_the_listener(scene: Scene) -> None:
    rows = scene.hosts["server"].leftovers()
    assert [row for row in rows if not row.startswith(("LISTEN", "TIME-WAIT"))] == []


def connect_fails(target: Target, at: Namespace | None = None, link: str | None = None, source: str = "") -> bool:
    def make() -> socket.socket:
        return socket.socket(socket.AF_INET, socket.SOCK_STREAM)

    with closing(at.inside(make) if at else make()) as asking:
        asking.settimeout(TRY_SECONDS)
        if at is None:
            # Whatever happens to the simulation: this may not leave the machine.
            asking.setsockopt(socket.SOL_SOCKET, socket.SO_DONTROUTE, 1)
        if link:
            asking.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, link.encode())
        if source:
            asking.bind((source, 0))
        return asking.connect_ex(target[1:]) != 0


@needs_root
def test_the_home_lan_does_not_reach_the_lab(scene: Scene) -> None:
    assert connect_fails(scene.server, at=scene.home.at_gateway)
    assert connect_fails(scene.server, at=scene.home.at_neighbour)
    no_row_but_the_listener(scene)


@needs_root
def test_the_home_lan_does_not_reach_the_lab_with_the_machine_as_its_router(scene: Scene) -> None:
    scene.home.at_neighbour.ip("route", "add", scene.lab.addresses["server"], "via", scene.home.machine)
    assert connect_fails(scene.server, at=scene.home.at_neighbour)
    no_row_but_the_listener(scene)


@needs_root
def test_the_machine_does_not_reach_the_lab(scene: Scene) -> None:
    assert connect_fails(scene.server)
    no_row_but_the_listener(scene)


@needs_root
def test_the_guard_refuses_the_machine_even_on_the_labs_own_bridge(scene: Scene) -> None:
    assert connect_fails(scene.server, link=scene.lab.bridge, source=scene.home.machine)
    no_row_but_the_listener(scene)


@needs_root
def test_a_container_on_the_default_bridge_does_not_reach_the_lab(scene: Scene) -> None:
    route = json.loads(run("ip", "-j", "route", "get", scene.server[1]))[0]
    assert route["dev"] == LINK, "else the question would leave the machine"
    with engine() as client:
        container = client.containers.create(
            image_name(),
            knock_command({"the server": scene.server}, TRY_SECONDS)[1:],
            entrypoint="python3",
            network="bridge",
            labels={"socketlab": scene.lab.name},
        )
        try:
            container.start()
            assert container.wait(timeout=20)["StatusCode"] == 0
            printed = container.logs(stderr=False)
        finally:
            container.remove(force=True)
    assert reached(json.loads(printed)) == {}
    no_row_but_the_listener(scene)


@needs_root
@pytest.mark.parametrize("user", USERS)
def test_another_lab_does_not_reach_this_one(scene: Scene, user: str) -> None:
    assert reached(knock(scene.others["client"], {"the server": scene.server}, user)) == {}
    no_row_but_the_listener(scene)


# --- lifting it ------------------------------------------------------------------------------------------------------

PYTHON: Final = ("python3", "-I", "-S", "-c")
ATTEMPTS: Final = {
    "read the guard": ("nft", "list", "ruleset"),
    "flush the guard": ("nft", "flush", "ruleset"),
    "delete the guard": ("nft", "delete", "table", "inet", "lab_guard"),
    "add an address to it": ("nft", "add", "element", "inet", "lab_guard", "hosts", "{", NOWHERE, "}"),
    "use the other packet filter": ("iptables", "-I", "OUTPUT", "-j", "ACCEPT"),
    "take the link down": ("ip", "link", "set", "eth0", "down"),
    "change its hardware address": ("ip", "link", "set", "eth0", "address", "02:00:00:00:09:09"),
    "add an address": ("ip", "addr", "add", "198.51.100.2/24", "dev", "eth0"),
    "add a default route": ("ip", "route", "add", "default", "dev", "eth0"),
    "change a neighbour": ("ip", "neigh", "flush", "all", "nud", "permanent"),
    "open a packet socket": (*PYTHON, "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3)"),
    "open a raw socket": (*PYTHON, "import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 255)"),
    "capture": ("tcpdump", "-i", "eth0", "-c", "1"),
    "trace the first process": ("strace", "-p", "1"),
    "read the first process's memory": ("cat", "/proc/1/mem"),
    "end the first process": ("kill", "-9", "1"),
    "make a user namespace": ("unshare", "--user", "--map-root-user", "true"),
    "make a network namespace": ("unshare", "--net", "true"),
    "mount": ("mount", "-t", "tmpfs", "none", "/run"),
    "become root": (*PYTHON, "import os; os.setuid(0)"),
    "write a program": ("sh", "-c", "echo x > /lab/bin/serve_blocking"),
    "write a new program": ("touch", "/lab/new"),
    "write the hosts' names": ("sh", "-c", "echo x >> /etc/hosts"),
    "write the name server": ("sh", "-c", "echo x >> /etc/resolv.conf"),
    "write the agent's lock": ("sh", "-c", "echo x >> /run/lab-agent.lock"),
    "hold the agent's lock": (
        *PYTHON,
        "import fcntl; fcntl.flock(open('/run/lab-agent.lock'), fcntl.LOCK_SH | fcntl.LOCK_NB)",
    ),
    "remove the agent's lock": ("rm", "-f", "/run/lab-agent.lock"),
    "remove the sign of readiness": ("rm", "-f", "/run/lab-ready"),
    "write a sysctl": ("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"),
}


DENIED: Final = re.compile(r"not permitted|[Pp]ermission|Read-only file system|Must be root|must be superuser")


@pytest.mark.parametrize("name", ATTEMPTS)
def test_a_server_cannot(hosts_open: Mapping[str, Host], name: str) -> None:
    host = hosts_open["server"]
    before = guard(host)
    answer = host.channel.call("run", argv=ATTEMPTS[name], user="lab", timeout=5.0)
    assert answer["status"] != 0, answer["stdout"]
    assert DENIED.search(answer["stderr"]), f"it failed, but was it forbidden? {answer['stderr']}"
    assert guard(host) == before
    assert "lab_guard" in before


def test_a_server_cannot_end_or_trace_the_agent(hosts_open: Mapping[str, Host]) -> None:
    host = hosts_open["server"]
    agents = host.run("pgrep", "-u", "root", "-f", "/lab/agent").split()
    assert agents
    for pid in agents:
        for attempt in (("kill", "-9", pid), ("strace", "-p", pid), ("cat", f"/proc/{pid}/environ")):
            assert host.channel.call("run", argv=attempt, user="lab", timeout=5.0)["status"] != 0, attempt
    host.channel.call("ping")


def guard(host: Host) -> str:
    parts = (
        ("nft", "-s", "list", "table", "inet", "lab_guard"),
        ("ip", "addr"),
        ("ip", "route"),
        ("ip", "neigh", "show", "nud", "permanent"),
    )
    return "\n".join(host.run(*part, user="root") for part in parts)
