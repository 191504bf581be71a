"""A home LAN beside the lab, with the lab's very addresses: a gateway and a neighbour in namespaces, the machine on it.

The machine's own end is in its own namespace, as at home. Every packet for the subnet can then only go into the
simulation, which is checked before the first one is sent: nothing may leave the machine.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import selectors
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from lab.hosts.network import overlapping_routes
from lab.settings import Settings
from tests.lab.namespaces import Namespace, namespace
from tests.support import another_lab, run

LINK: Final = "labhome0"
PORT: Final = 7007
PAUSE_SECONDS: Final = 0.02
ANSWER_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class HomeLan:
    """The simulated LAN: who has which address."""

    subnet: ipaddress.IPv4Network
    machine: str
    gateway: str
    neighbour: str
    at_gateway: Namespace
    at_neighbour: Namespace


def lab_beside_home(settings: Settings) -> Settings:
    """Return the lab whose addresses the simulated LAN may have: another, if the machine really is on such a LAN."""
    return another_lab(settings, "lan") if overlapping_routes(settings) else settings


@contextlib.contextmanager
def home_lan(subnet: ipaddress.IPv4Network, *, machine: int = 50, neighbour: int = 60) -> Iterator[HomeLan]:
    """Put the machine on a LAN of that subnet; `machine` and `neighbour` are the last numbers of their addresses."""
    with namespace() as at_gateway, namespace() as at_neighbour:
        lan = HomeLan(
            subnet=subnet,
            machine=str(subnet[machine]),
            gateway=str(subnet[1]),
            neighbour=str(subnet[neighbour]),
            at_gateway=at_gateway,
            at_neighbour=at_neighbour,
        )
        _join(lan)
        with contextlib.closing(Echo(at_gateway)), contextlib.closing(Echo(at_neighbour)):
            yield lan


def _join(lan: HomeLan) -> None:
    """The LAN's switch is a bridge at the gateway."""
    length = lan.subnet.prefixlen
    gateway, neighbour = lan.at_gateway, lan.at_neighbour
    gateway.ip("link", "add", "switch", "type", "bridge")
    gateway.ip("link", "add", "port2", "type", "veth", "peer", "name", "eth0", "netns", str(neighbour.pid))
    run("ip", "link", "add", LINK, "type", "veth", "peer", "name", "port1", "netns", str(gateway.pid))
    for port in ("port1", "port2"):
        gateway.ip("link", "set", port, "master", "switch", "up")
    gateway.ip("addr", "add", f"{lan.gateway}/{length}", "dev", "switch")
    gateway.ip("link", "set", "switch", "up")
    neighbour.ip("addr", "add", f"{lan.neighbour}/{length}", "dev", "eth0")
    neighbour.ip("link", "set", "eth0", "up")
    neighbour.ip("route", "add", "default", "via", lan.gateway)
    # Else the link gets one more address a second or two later, in the middle of a comparison.
    with contextlib.suppress(FileNotFoundError):
        Path(f"/proc/sys/net/ipv6/conf/{LINK}/disable_ipv6").write_text("1", encoding="ascii")
    run("ip", "link", "set", LINK, "up")
    run("ip", "addr", "add", f"{lan.machine}/{length}", "dev", LINK)
    for number in (1, 50, 60, 101, 102):
        route = json.loads(run("ip", "-j", "route", "get", str(lan.subnet[number])))[0]
        assert route["dev"] in (LINK, "lo"), f"{lan.subnet[number]} would leave the machine: {route}"


class Echo:
    """Answers UDP and TCP at one port of every address of a namespace (or of the machine), and remembers who came."""

    def __init__(self, at: Namespace | None = None, address: str = "", port: int = PORT) -> None:
        def make() -> tuple[socket.socket, socket.socket]:
            tcp = socket.create_server((address, port))
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.bind((address, port))
            return udp, tcp

        self._udp, self._tcp = at.inside(make) if at else make()
        # With port 0 the kernel chooses, for each protocol apart: what is free for one need not be for the other.
        self.ports: dict[str, int] = {"udp": self._udp.getsockname()[1], "tcp": self._tcp.getsockname()[1]}
        self.came: list[str] = []
        self._selector = selectors.DefaultSelector()
        self._stop, self._stopped = socket.socketpair()
        for each in (self._udp, self._tcp, self._stopped):
            each.settimeout(0)
            self._selector.register(each, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                ready = key.fileobj
                assert isinstance(ready, socket.socket)
                if ready is self._stopped:
                    return
                if ready is self._udp:
                    data, peer = ready.recvfrom(2048)
                    self.came.append(f"udp {peer[0]}")
                    ready.sendto(data, peer)
                elif ready is self._tcp:
                    connection, peer = ready.accept()
                    self.came.append(f"tcp {peer[0]}")
                    self._selector.register(connection, selectors.EVENT_READ)
                else:
                    self._answer(ready)

    def _answer(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if data := connection.recv(2048):
                connection.sendall(data)
                return
        self._selector.unregister(connection)
        connection.close()

    def close(self) -> None:
        """Stop answering."""
        self._stop.send(b"x")
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
        self._selector.close()
        self._stop.close()


class Prober:
    """Asks somebody on the LAN again and again, by UDP, by a new TCP connection and by one that stays open."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self.asked = dict.fromkeys(addresses, 0)
        self.missing: list[str] = []
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(address,)) for address in addresses]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, address: str) -> None:
        try:
            with contextlib.closing(_link_only(socket.SOCK_STREAM)) as steady:
                steady.connect((address, PORT))
                while not self._end.wait(PAUSE_SECONDS):
                    self._round(address, steady)
        except OSError as error:
            self.missing.append(f"{address}: {error!r} after {self.asked[address]} rounds")

    def _round(self, address: str, steady: socket.socket) -> None:
        question = b"%d" % time.monotonic_ns()
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with contextlib.closing(_link_only(kind)) as fresh:
                fresh.connect((address, PORT))
                fresh.send(question)
                _expect(fresh, question)
        steady.send(question)
        _expect(steady, question)
        self.asked[address] += 1


def _expect(asked: socket.socket, answer: bytes) -> None:
    if (got := asked.recv(2048)) != answer:
        raise OSError(f"answered {got!r} instead of {answer!r}")


def _link_only(kind: socket.SocketKind) -> socket.socket:
    """Return a socket that uses the machine's routes but never a gateway: the question cannot leave the machine."""
    made = socket.socket(socket.AF_INET, kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_DONTROUTE, 1)
    made.settimeout(ANSWER_SECONDS)
    return made
