"""No program of the hosts answers an ordinary mistake with a traceback: it says what is wrong in a line, and fails."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

import pytest

from lab.hosts.channel import Channel
from lab.hosts.connection import open_hosts
from lab.hosts.host import Host
from lab.settings import HOSTS, PORT, ROOT, Settings

pytestmark = pytest.mark.lab

ENDS: Final = 30.0
"""Seconds: longer than any of them may take, the slow ones that load the library requests too."""
NO_PORT: Final = 70000
IGNORES_THE_PORT: Final = {"wrong_port"}
SUCCEEDS: Final = {"exits_with_zero"}
"""Its mistake is just that."""
NEEDS_NO_SERVER: Final = {"idle_cost", "share_counter", "shares_all", "shares_none", "switch_cost", "tells_no_ratio"}
SHOWS_TRACEBACKS: Final = {"fetch_pool", "fetch_in_turn", "fetch_tells", "fetch_threads", "fetch_unguarded"}
"""What becomes of an error in a pool, traceback and all, is what exercise 12 shows with them."""
ARGUMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "conform": ("partial",),
    "crowd": ("3",),
    "leaves_politely": ("reset",),
    "rude": ("reset",),
}
"""What a client is told beside where the server is."""
ON_STDOUT: Final = {"conform"}
"""A case that fails is its report, and no error."""
MISTYPED: Final = (
    "post_form HOST PORT nopair",
    "conform HOST PORT no_case",
    "prompt HOST no_port",
    "switch_cost --times 0",
)


def names(folder: str, but: set[str]) -> list[str]:
    """Return the programs of a folder of images/, the wrong ones too."""
    return sorted({path.stem for path in (ROOT / "images" / folder).rglob("*.py")} - but)


def run(channel: Channel, argv: list[str]) -> tuple[int | None, str, str]:
    """Run a program to its end; return its status and what it said on stdout and on stderr."""
    channel.call("spawn", name=argv[0], argv=argv)
    end = channel.wait_event(lambda event: (event.kind, event.name) == ("exit", argv[0]), ENDS)
    said = [event.data for event in channel.events if event.kind == "output" and event.name == argv[0]]
    out, err = ("\n".join(data["text"] for data in said if data["stream"] == name) for name in ("stdout", "stderr"))
    return (end.data["status"] if end else None), out, err


@pytest.fixture(scope="module")
def both(hosts_up: Settings) -> Iterator[Mapping[str, Host]]:
    with open_hosts(hosts_up, {host: {} for host in HOSTS}) as opened:
        for host in opened.values():
            host.clean()
        yield opened


@pytest.fixture
def hosts(both: Mapping[str, Host]) -> Mapping[str, Host]:
    for host in both.values():
        host.channel.events.clear()
    return both


@pytest.mark.parametrize("server", names("servers", IGNORES_THE_PORT))
def test_a_server_says_in_a_line_that_there_is_no_such_port(
    hosts: Mapping[str, Host], hosts_up: Settings, server: str
) -> None:
    where = f"{hosts_up.addresses['server']}:{NO_PORT}"
    status, out, err = run(hosts["server"].channel, [server, *where.split(":")])
    assert (out, err.count("\n")) == ("", 0)
    assert err.startswith(f"cannot listen on {where}: ")
    assert status == int(server not in SUCCEEDS)


@pytest.mark.parametrize("port", [PORT, NO_PORT])
@pytest.mark.parametrize("client", names("clients", NEEDS_NO_SERVER | SHOWS_TRACEBACKS))
def test_a_client_says_in_a_line_that_nobody_is_there(
    hosts: Mapping[str, Host], hosts_up: Settings, client: str, port: int
) -> None:
    argv = [client, hosts_up.addresses["server"], str(port), *ARGUMENTS.get(client, ())]
    status, out, err = run(hosts["client"].channel, argv)
    why = "Connection refused" if port == PORT else "port must be|Failed to parse"
    told, other = (out, err) if client in ON_STDOUT else (err, out)
    assert re.search(why, told)
    assert told.count("\n") == 0
    assert "connected" not in other
    assert status == 1


@pytest.mark.parametrize("line", MISTYPED)
def test_a_line_that_was_mistyped_is_answered_with_how_it_is_written(
    hosts: Mapping[str, Host], hosts_up: Settings, line: str
) -> None:
    argv = line.replace("HOST", hosts_up.addresses["server"]).replace("PORT", str(PORT)).split()
    status, out, err = run(hosts["client"].channel, argv)
    assert (status, out) == (2, "")
    assert err.startswith("usage: ")
    assert err.splitlines()[-1].startswith(f"{argv[0]}: error: ")
