"""The server whose answers an operator types: it does with too few descriptors, and with too high ones, as serve_select."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from lab.hosts.connection import open_hosts
from lab.programs import Program
from lab.settings import HOSTS, PORT, Settings
from lab.stage import Stage

pytestmark = pytest.mark.lab

FEW: Final = 8
"""Descriptors: the three of every program, its listener, and four clients."""
CLIENTS: Final = 6


@pytest.fixture
def stage(hosts_up: Settings) -> Iterator[Stage]:
    with open_hosts(hosts_up, {host: {} for host in HOSTS}) as hosts:
        for host in hosts.values():
            host.clean()
        yield Stage(hosts)


def serve(stage: Stage, descriptors: int) -> Program:
    options = (f"--nofile={descriptors}", "--", "serve_operator", "--backlog", "256")
    return stage.serve("prlimit", name="operator", port=PORT, options=options, pty=True)


def answers(stage: Stage, operator: Program) -> None:
    """Have the operator answer a newcomer."""
    later = stage.client("later", port=PORT)
    later.say("are you there?", answer=False)
    operator.wait_says("says b'are you there")
    operator.type("still_here")
    later.wait_says("still_here")
    operator.stop()


def test_the_operator_server_out_of_descriptors_waits_for_one(stage: Stage) -> None:
    operator = serve(stage, FEW)
    crowd = stage.crowd("crowd", port=PORT, count=CLIENTS)
    crowd.wait_says(f"{CLIENTS} connected")
    operator.wait_says("Too many open files")
    crowd.leave()
    answers(stage, operator)


def test_the_operator_server_refuses_a_client_whose_descriptor_it_cannot_watch(stage: Stage) -> None:
    operator = serve(stage, 2048)
    idler = stage.begin("idler", program="idler", port=PORT, args=("1022",))
    operator.wait_says("refused a client: descriptor 1024 is beyond select")
    idler.leave()
    answers(stage, operator)
