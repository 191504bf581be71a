"""Every program of the hosts ends at Ctrl-C, at once and without a word: no traceback, whatever it waits in."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from typing import Final

import pytest

from lab.hosts.channel import Channel, Event
from lab.hosts.connection import open_hosts
from lab.hosts.host import Host
from lab.settings import HOSTS, PORT, ROOT, Settings
from tests.support import eventually

pytestmark = pytest.mark.lab

CLEANS_UP: Final = ("serve_asyncio", "serve_processes")
"""They take the signal themselves, to close what they have open or to end their workers."""
LIVES: Final = 5.0
"""Seconds: longer than any of them may take to end."""
WHERE: Final = "where the server is"
ARGUMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "conform": (WHERE, "partial"),
    "crowd": (WHERE, "3"),
    "idle_cost": ("500", "900", "--calls", "20000"),
    "leaves_politely": (WHERE, "reset"),
    "rude": (WHERE, "reset"),
    "share_counter": ("--count", "5000"),
    "shares_all": ("--count", "5000"),
    "shares_none": ("--count", "5000"),
    "switch_cost": ("--rounds", "1", "--times", "1000000"),
    "tells_no_ratio": ("--rounds", "1", "--times", "1000000"),
}
"""How a client is called; others only have to know where the server is."""


def names(folder: str) -> list[str]:
    """Return the programs of a folder of images/, the wrong ones too, but for what its mistake ends or lets nobody see."""
    return sorted({path.stem for path in (ROOT / "images" / folder).rglob("*.py")} - {"forgets_listen", "fills_host"})


def is_at_work(channel: Channel, name: str, pid: int) -> bool:
    """Tell whether the only program of a host is past its command line: it has said something, a socket, or a child."""
    heard = channel.wait_event(lambda event: event.name == name and event.kind == "output", 0)
    sockets = channel.call("run", argv=["ss", "-Htanp"], user="root")["stdout"]
    return bool(heard) or "pid=" in sockets or bool(channel.call("run", argv=["pgrep", "-P", str(pid)])["stdout"])


def end_by_ctrl_c(channel: Channel, name: str, argv: list[str]) -> tuple[int | None, list[str]]:
    """Start a program at a terminal, press Ctrl-C once it is at work; return its status and what it says from then on."""
    pid = channel.call("spawn", name=name, argv=argv, pty=True)["pid"]
    assert eventually(lambda: is_at_work(channel, name, pid))
    before = len(channel.events)
    channel.call("write", name=name, text="\x03")
    end = channel.wait_event(lambda event: (event.kind, event.name) == ("exit", name), LIVES)
    return end.data["status"] if end else None, [
        text(event) for event in channel.events[before:] if event.kind == "output"
    ]


def text(event: Event) -> str:
    return str(event.data["text"])


@pytest.fixture(scope="module")
def both(hosts_up: Settings) -> Iterator[Mapping[str, Host]]:
    with open_hosts(hosts_up, {host: {} for host in HOSTS}) as opened:
        yield opened


@pytest.fixture
def hosts(both: Mapping[str, Host]) -> Mapping[str, Host]:
    for host in both.values():
        host.clean()
        host.channel.events.clear()
    return both


@pytest.mark.parametrize("server", names("servers"))
def test_a_server_ends_at_ctrl_c(hosts: Mapping[str, Host], hosts_up: Settings, server: str) -> None:
    argv = [server, hosts_up.addresses["server"], str(PORT)]
    status, said = end_by_ctrl_c(hosts["server"].channel, server, argv)
    assert [line for line in said if "Traceback" in line or "Error" in line] == []
    assert status == (0 if server in CLEANS_UP else -signal.SIGINT)


@pytest.mark.parametrize("client", names("clients"))
def test_a_client_ends_at_ctrl_c(hosts: Mapping[str, Host], hosts_up: Settings, client: str) -> None:
    address = hosts_up.addresses["server"]
    server, client_channel = hosts["server"].channel, hosts["client"].channel
    server.call("spawn", name="silent", argv=["never_accepts", address, str(PORT)])
    assert server.wait_event(lambda event: "waiting on" in event.data.get("text", ""), LIVES)
    where = [f"http://{address}:{PORT}/"] if client.startswith("fetch") else [address, str(PORT)]
    argv = [client]
    for argument in ARGUMENTS.get(client, (WHERE,)):
        argv += where if argument == WHERE else [argument]
    status, said = end_by_ctrl_c(client_channel, client, argv)
    assert [line for line in said if "Traceback" in line or "Error" in line] == []
    assert status == -signal.SIGINT
