"""The lab beside a home LAN that has the very same addresses: neither notices the other.

The machine is put on a simulated LAN (tests/lab/home_lan.py) and the lab goes up, plays exercise 3 and goes down there.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from lab.hosts.cleanup import remove_lab
from lab.hosts.compose import bring_up
from lab.hosts.engine import engine
from lab.settings import HOSTS, PORT, Settings
from tests.lab.conftest import RunLab
from tests.lab.home_lan import Echo, Prober, home_lan, lab_beside_home
from tests.lab.machine import Machine, machine_now
from tests.lab.namespaces import Frame, tap
from tests.support import eventually, left_of, needs_root, variables

pytestmark = [pytest.mark.lab, needs_root]


@pytest.fixture
def beside(settings: Settings) -> Iterator[Settings]:
    """The lab that will stand beside the home LAN, down; it is up again afterwards if it was up."""
    lab = lab_beside_home(settings)
    was_up = bool(left_of(lab))
    remove_lab(lab)
    yield lab
    remove_lab(lab)
    if was_up:
        bring_up(lab, {host: {} for host in HOSTS})


def make_the_engines_own_chains(lab: Settings) -> None:
    """The engine makes its chains with the first network of all; they are not the lab's and stay."""
    with engine() as client:
        client.networks.create(f"{lab.name}-first", internal=True).remove()


@dataclass(frozen=True, slots=True)
class Story:
    """What was seen while the lab came and went."""

    lab: Settings
    hardware: frozenset[str]
    before: Machine
    during: Machine
    after: Machine
    exercise: subprocess.CompletedProcess[str]
    asked: dict[str, int]
    missing: list[str]
    frames: list[Frame]


def test_neither_the_machine_nor_its_lan_notices_the_lab(beside: Settings, run_lab: RunLab) -> None:
    story = play(beside, run_lab)
    the_exercise_passed(story.exercise)
    the_machine_kept_its_addresses_and_routes(story)
    only_the_bridge_its_veths_and_the_engines_rules_were_added(story)
    nothing_is_left(story)
    every_question_was_answered(story.asked, story.missing)
    nothing_of_the_lab_came_to_the_lan(story)


def play(lab: Settings, run_lab: RunLab) -> Story:
    make_the_engines_own_chains(lab)
    with ExitStack() as during_all:
        lan = during_all.enter_context(home_lan(lab.subnet))
        wire = during_all.enter_context(tap("port1", lan.at_gateway))
        prober = during_all.enter_context(Prober([lan.gateway, lan.neighbour]))
        rounds(prober)
        assert left_of(lab) == [], f"somebody else uses the lab {lab.name} at this moment"
        before = machine_now(lab.bridge)
        up = run_lab("up", env=variables(lab))
        assert up.returncode == 0, up.stderr
        rounds(prober)
        during = machine_now(lab.bridge)
        hardware = hardware_addresses(lab)
        exercise = run_lab("run", "3", env=variables(lab))
        rounds(prober)
        down = run_lab("down", env=variables(lab))
        assert down.returncode == 0, down.stderr
        rounds(prober)
        eventually(lambda: machine_now(lab.bridge) == before)
        after = machine_now(lab.bridge)
        frames = wire.heard()
    return Story(lab, hardware, before, during, after, exercise, prober.asked, prober.missing, frames)


def rounds(prober: Prober, number: int = 5) -> None:
    """Wait until everybody on the LAN has answered some more questions, or one did not."""
    wanted = {address: asked + number for address, asked in prober.asked.items()}
    assert eventually(lambda: prober.missing or all(prober.asked[each] >= wanted[each] for each in wanted))


def hardware_addresses(lab: Settings) -> frozenset[str]:
    with engine() as client:
        networks = [client.containers.get(lab.container(host)).attrs["NetworkSettings"]["Networks"] for host in HOSTS]
    return frozenset(end["MacAddress"] for each in networks for end in each.values())


def the_exercise_passed(exercise: subprocess.CompletedProcess[str]) -> None:
    assert exercise.returncode == 0, exercise.stdout + exercise.stderr


def the_machine_kept_its_addresses_and_routes(story: Story) -> None:
    new = set(story.during.links) - set(story.before.links)
    during = story.during.without(new)
    assert during.links == story.before.links
    assert during.addresses == story.before.addresses
    assert during.routes == story.before.routes
    assert during.rules == story.before.rules


def only_the_bridge_its_veths_and_the_engines_rules_were_added(story: Story) -> None:
    bridge = story.lab.bridge
    new = {name: master for name, master in story.during.links.items() if name not in story.before.links}
    assert new.pop(bridge) is None
    assert list(new.values()) == [bridge, bridge], new
    inet = [text for name in (bridge, *new) for text in story.during.addresses[name] if '"family": "inet"' in text]
    assert inet == [], "an IPv4 address on the lab's links would be a route into the home LAN's subnet"
    added = [line for line in story.during.packet_filter if line not in story.before.packet_filter]
    assert added, "the engine isolates the bridge"
    assert [line for line in added if bridge not in line] == []
    assert [line for line in story.before.packet_filter if line not in story.during.packet_filter] == []


def nothing_is_left(story: Story) -> None:
    assert left_of(story.lab) == []
    assert story.after == story.before


def every_question_was_answered(asked: dict[str, int], missing: list[str]) -> None:
    assert missing == []
    assert all(asked.values())


def nothing_of_the_lab_came_to_the_lan(story: Story) -> None:
    hosts = set(story.lab.addresses.values())
    assert len(story.frames) > 100, "the tap must have heard the questions"
    assert [frame for frame in story.frames if frame.source in story.hardware] == []
    assert [frame for frame in story.frames if hosts & {frame.sender, frame.receiver}] == []


def test_the_lab_works_where_the_machine_and_a_neighbour_have_its_hosts_own_addresses(
    beside: Settings, run_lab: RunLab
) -> None:
    """The home LAN's router may well give .101 and .102 away: its range often begins at 100."""
    with ExitStack() as during_all:
        lan = during_all.enter_context(home_lan(beside.subnet, machine=102, neighbour=101))
        stranger = Echo(address=lan.machine, port=PORT)
        during_all.callback(stranger.close)
        prober = during_all.enter_context(Prober([lan.gateway, lan.neighbour]))
        up = run_lab("up", env=variables(beside))
        assert up.returncode == 0, up.stderr
        the_exercise_passed(run_lab("run", "3", env=variables(beside)))
        rounds(prober)
    every_question_was_answered(prober.asked, prober.missing)
    assert stranger.came == [], "the lab's client talked to the machine instead of the lab's server"


def test_the_other_way_round_too(beside: Settings, run_lab: RunLab) -> None:
    with ExitStack() as during_all:
        lan = during_all.enter_context(home_lan(beside.subnet, machine=101, neighbour=102))
        prober = during_all.enter_context(Prober([lan.gateway, lan.neighbour]))
        the_exercise_passed(run_lab("run", "3", env=variables(beside)))
        rounds(prober)
    every_question_was_answered(prober.asked, prober.missing)
