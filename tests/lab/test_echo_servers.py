"""What no client alone can see of the echo family: how they end, and how they do with too few descriptors."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Final

import pytest

from lab.conformance import FAMILY
from lab.hosts.connection import open_hosts
from lab.settings import HOSTS, PORT, Settings
from lab.stage import Stage

pytestmark = pytest.mark.lab

CLEANS_UP: Final = ("serve_asyncio", "serve_processes")
DESCRIPTORS: Final = 16
CLIENTS: Final = 26
BACKLOG: Final = 32
OUT_OF_THEM: Final = "Too many open files"


@pytest.fixture
def stage(hosts_up: Settings) -> Iterator[Stage]:
    with open_hosts(hosts_up, {host: {} for host in HOSTS}) as hosts:
        for host in hosts.values():
            host.clean()
        yield Stage(hosts)


@pytest.mark.parametrize("server", FAMILY)
def test_a_signal_ends_a_server_at_once_with_all_its_processes(stage: Stage, server: str) -> None:
    program = stage.serve(server, port=PORT)
    client = stage.client("a", port=PORT)
    client.say("hello")
    program.stop()
    client.leave()
    assert program.exit_event is not None
    # What has something to end or to close takes the signal itself; the others let the kernel close all.
    assert program.exit_event.data["status"] == (0 if server in CLEANS_UP else -signal.SIGTERM)
    assert program.last_words().startswith("status"), "it says nothing on stderr"
    assert stage.hosts["server"].run("bash", "-c", f"pgrep -x {server[:15]} || echo none").split() == ["none"]


@pytest.mark.parametrize("server", [server for server in FAMILY if server != "serve_processes"])
def test_a_server_out_of_descriptors_waits_for_one_without_burning_the_processor(stage: Stage, server: str) -> None:
    options = (f"--nofile={DESCRIPTORS}", "--", server, "--backlog", str(BACKLOG))
    program = stage.serve("prlimit", port=PORT, options=options, trace=True)
    crowd = stage.crowd("crowd", port=PORT, count=CLIENTS)
    crowd.wait_says(f"{CLIENTS} connected")
    program.wait_says(OUT_OF_THEM)
    later = stage.begin("later", program="conform", port=PORT, args=("--patience", "10", "split"))
    crowd.leave()
    later.wait_says("pass split")
    program.stop()
    (trace,) = stage.traces()
    refused = [call for call in trace.calls if call.name.startswith("accept") and call.error == "EMFILE"]
    # A hot loop makes thousands. asyncio tries as often in a row as its backlog is long, and then once a second.
    assert 1 <= len(refused) <= (20 * BACKLOG if server == "serve_asyncio" else DESCRIPTORS + CLIENTS)


def test_select_refuses_a_client_whose_descriptor_it_cannot_watch(stage: Stage) -> None:
    options = ("--nofile=2048", "--", "serve_select", "--backlog", "256")
    program = stage.serve("prlimit", port=PORT, options=options)
    idler = stage.begin("idler", program="idler", port=PORT, args=("1030",))
    program.wait_says("refused a client: descriptor 1024 is beyond select")
    idler.wait_says("connections, idle")
    idler.leave()
    stage.run("conform", port=PORT, args=("split",))


def test_a_worker_that_is_killed_is_replaced(stage: Stage) -> None:
    program = stage.serve("serve_processes", port=PORT, options=("--workers", "1"))
    stage.run("conform", name="first", port=PORT, args=("split",))
    stage.hosts["server"].run("bash", "-c", f"kill -9 $(pgrep -P {program.pid})", user="root")
    stage.run("conform", name="second", port=PORT, args=("split",))
    said = [
        event.data["text"]
        for event in stage.hosts["client"].channel.events
        if event.name == "second" and event.kind == "output"
    ]
    assert said == ["pass split"]
