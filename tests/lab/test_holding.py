"""Held-back ACKs: whose they are, who is let go, and that the filter outlives nobody."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Final

import pytest

from lab.conditions import held, state
from lab.errors import EvidenceError, MachineError
from lab.holding import TABLE
from lab.hosts.connection import open_hosts
from lab.hosts.host import Host
from lab.settings import ROOT, Settings
from lab.stage import Stage
from lab.wire.state import State
from tests.support import eventually, run, variables

pytestmark = pytest.mark.lab

OURS: Final = f"table inet {TABLE}"
SECONDS: Final = 5
HOLDER: Final = """
import os, signal
from lab.hosts.connection import open_hosts
from lab.settings import read_settings
from lab.stage import Stage

with open_hosts(read_settings(os.environ), None) as hosts:
    Stage(hosts).hold_acks()
    print("held", flush=True)
    signal.pause()
"""


@pytest.fixture
def hosts(hosts_up: Settings) -> Iterator[Mapping[str, Host]]:
    with open_hosts(hosts_up, None) as found:
        for host in found.values():
            host.clean()
        yield found
        for host in found.values():
            with contextlib.suppress(MachineError):  # a test has ended its agent
                host.clean()


@pytest.fixture
def stage(hosts: Mapping[str, Host]) -> Stage:
    return Stage(hosts)


def tables(settings: Settings, host: str = "client") -> list[str]:
    """Return the packet filter's tables in a host, as the machine sees them from outside the lab's channel."""
    return run("docker", "exec", settings.container(host), "nft", "list", "tables").splitlines()


def signal_in(settings: Settings, number: int, *pattern: str) -> None:
    """Send a signal to the client's processes of the lab that the pattern finds."""
    run("docker", "exec", settings.container("client"), "pkill", f"-{number}", *pattern)


def test_a_new_connection_is_held_half_open_and_an_old_one_goes_on(stage: Stage) -> None:
    stage.serve("serve_blocking", port=8000, backlog=5)
    old = stage.client("old", port=8000)
    stage.hold_acks()
    stage.client("new", port=8000, wait=State.SYN_RECEIVED)
    old.say("still here")

    stage.snapshot("now", server=state("SYN-RECV", "new"), client=state("ESTAB", "new"))

    assert [snapshot.timed_out for snapshot in stage.snapshots] == [False, False]
    assert "STILL HERE" in [event.data.get("text") for event in old.host.channel.events]


def test_only_who_is_released_gets_in(stage: Stage) -> None:
    server = stage.serve("serve_blocking", port=8000, backlog=5)
    with stage.hold_acks() as hold:
        for name in ("one", "two"):
            stage.client(name, port=8000, wait=State.SYN_RECEIVED)
        hold.release("two")

        # The server asks again after a second: only the ACK of `two` then gets through.
        stage.snapshot("now", on=("server",), server=held("two"))

    states = {stage_party(stage, row.peer): row.state for row in stage.seen_outputs[0].rows if row.peer}
    assert states == {"one": State.SYN_RECEIVED, "two": State.ESTABLISHED}
    assert server.exit_event is None


def test_who_comes_later_is_left_alone_when_no_more_are_to_be_held(stage: Stage) -> None:
    stage.serve("serve_blocking", port=8000, backlog=5)
    with stage.hold_acks() as hold:
        stage.client("one", port=8000, wait=State.SYN_RECEIVED)
        hold.no_more()
        stage.client("two", port=8000)

        stage.snapshot("now", on=("server",), server=held("two"))

    states = {stage_party(stage, row.peer): row.state for row in stage.seen_outputs[0].rows if row.peer}
    assert states == {"one": State.SYN_RECEIVED, "two": State.ESTABLISHED}


def stage_party(stage: Stage, end: object) -> str:
    return next(party.name for party in stage.parties if party.local == end)


def test_the_record_tells_what_was_held_and_released(stage: Stage) -> None:
    stage.serve("serve_blocking", port=8000, backlog=5)
    with stage.hold_acks() as hold:
        stage.client("a", port=8000, wait=State.SYN_RECEIVED)
        hold.release("a")

    said = [(action.verb, action.text) for action in stage.actions if action.actor == "hold"]
    assert [verb for verb, _ in said] == ["hold", "say", "say", "release", "leave"]
    assert said[0][1] == "client :8000"
    assert said[3] == ("release", "a")
    assert stage.parties[1].command == "nft -e -i"


def test_a_filter_that_is_lifted_leaves_every_other_table_as_it_was(stage: Stage, hosts_up: Settings) -> None:
    before = tables(hosts_up)
    with stage.hold_acks():
        assert tables(hosts_up) == [*before, OURS]
    assert tables(hosts_up) == before
    assert "table inet lab_guard" in before


def test_a_rule_that_the_kernel_refuses_is_said_in_its_own_words(stage: Stage) -> None:
    with pytest.raises(EvidenceError, match="nft -e -i"):
        stage.hold_acks(port=70000)


def test_the_end_of_a_run_lifts_the_filter(stage: Stage, hosts: Mapping[str, Host], hosts_up: Settings) -> None:
    stage.hold_acks()
    assert OURS in tables(hosts_up)
    hosts["client"].clean()
    assert OURS not in tables(hosts_up)


@pytest.mark.parametrize("pattern", [("-x", "nft"), ("-o", "-f", "/lab/agent"), ("-n", "-f", "/lab/agent")])
def test_the_filter_is_gone_with_nft_or_the_agent_or_its_warden(
    stage: Stage, hosts_up: Settings, pattern: tuple[str, ...]
) -> None:
    stage.hold_acks()
    assert OURS in tables(hosts_up)
    signal_in(hosts_up, signal.SIGKILL, *pattern)
    assert eventually(lambda: OURS not in tables(hosts_up), SECONDS)


def test_the_filter_is_gone_when_the_lab_is_killed(hosts_up: Settings) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        cwd=ROOT,
        env=os.environ | variables(hosts_up),
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        assert OURS in tables(hosts_up)
        process.kill()
    assert eventually(lambda: OURS not in tables(hosts_up), SECONDS)


def test_nobody_else_can_change_or_take_the_table(stage: Stage, hosts: Mapping[str, Host]) -> None:
    stage.hold_acks()
    with pytest.raises(EvidenceError, match="nft delete table"):
        hosts["client"].run("nft", "delete", "table", "inet", TABLE, user="root")
