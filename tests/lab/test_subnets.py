"""One variable moves the whole lab, another names it: labs stand side by side, and what cannot be is refused in one line."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lab.hosts.cleanup import remove_lab
from lab.hosts.compose import bring_up
from lab.hosts.connection import open_hosts
from lab.hosts.engine import engine
from lab.hosts.network import overlapping_routes
from lab.settings import HOSTS, PORT, ROOT, Settings, read_settings
from tests.lab.conftest import RunLab
from tests.lab.manylabs import BESIDE
from tests.support import WAITS, another_lab, eventually, free_subnets, knock_command, left_of, reached, variables

pytestmark = pytest.mark.lab


@pytest.fixture
def second(hosts_up: Settings) -> Iterator[Settings]:
    """Another lab beside the one under test; gone afterwards, whatever became of it."""
    lab = another_lab(hosts_up)
    remove_lab(lab)
    yield lab
    remove_lab(lab)


def addresses_inside(lab: Settings) -> dict[str, list[str]]:
    found = {}
    for host in HOSTS:
        command = ["docker", "exec", lab.container(host), "ip", "-j", "-4", "addr", "show", "dev", "eth0"]
        shown = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        found[host] = [info["local"] for link in shown for info in link["addr_info"]]
    return found


def here(lab: Settings) -> dict[str, list[str]]:
    return {host: [lab.addresses[host]] for host in HOSTS}


def texts_of(run: Path) -> dict[str, str]:
    return {
        path.relative_to(run).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(run.rglob("*"))
        if path.is_file() and path.suffix not in {".pcap", ".trace"}
    }


# --- moved -----------------------------------------------------------------------------------------------------------


def test_one_variable_moves_the_whole_lab(second: Settings, run_lab: RunLab, tmp_path: Path) -> None:
    page = run_lab("run", "3", env=variables(second))
    assert page.returncode == 0, page.stdout + page.stderr
    assert addresses_inside(second) == here(second)
    texts = texts_of((tmp_path / "runs" / "ex03" / "latest").resolve()) | {"the page": page.stdout}
    assert "192.168.1." not in "\n".join(texts.values()), [name for name, text in texts.items() if "192.168.1." in text]
    for name in ("the page", "verdict.json", "report.md"):
        assert second.addresses["server"] in texts[name], name
        assert second.addresses["client"] in texts[name], name
    assert any(name.startswith("ss/") and second.addresses["server"] in text for name, text in texts.items())


def test_a_running_lab_moves(second: Settings, hosts_up: Settings, run_lab: RunLab) -> None:
    assert run_lab("up", env=variables(second)).returncode == 0
    subnets = free_subnets(hosts_up)
    elsewhere = read_settings(
        variables(second) | {"LAB_SUBNET": str(next(each for each in subnets if each != second.subnet))}
    )
    moved = run_lab("up", env=variables(elsewhere))
    assert moved.returncode == 0, moved.stderr
    assert addresses_inside(elsewhere) == here(elsewhere)


def test_a_running_lab_takes_another_size_of_subnet(second: Settings, run_lab: RunLab) -> None:
    """The hosts' addresses stay the same, so that nothing but the network itself tells."""
    wider = read_settings(variables(second) | {"LAB_SUBNET": str(second.subnet)})
    smaller = read_settings(variables(second) | {"LAB_SUBNET": str(next(second.subnet.subnets()))})
    for lab in (wider, smaller):
        answer = run_lab("up", env=variables(lab))
        assert answer.returncode == 0, answer.stderr
        assert network_of(lab)["IPAM"]["Config"][0]["Subnet"] == str(lab.subnet)
    assert addresses_inside(smaller) == here(smaller)


def test_a_network_that_gives_the_machine_an_address_is_made_anew(second: Settings, run_lab: RunLab) -> None:
    """As an older compose.yaml, or somebody's own, may have left it: compose alone would go on with it."""
    from docker.types import IPAMConfig, IPAMPool  # noqa: PLC0415

    labels = {"socketlab": second.name, "com.docker.compose.project": second.name, "com.docker.compose.network": "lan"}
    with engine() as client:
        client.networks.create(
            f"{second.name}_lan",
            internal=True,
            labels=labels,
            options={"com.docker.network.bridge.name": second.bridge},
            ipam=IPAMConfig(pool_configs=[IPAMPool(subnet=str(second.subnet))]),
        )
    assert overlapping_routes(second) != [], "this network must be a wrong one"
    answer = run_lab("up", env=variables(second))
    assert answer.returncode == 0, answer.stderr
    assert network_of(second)["Options"]["com.docker.network.bridge.inhibit_ipv4"] == "true"
    assert overlapping_routes(second) == []
    assert addresses_inside(second) == here(second)


def network_of(lab: Settings) -> Mapping[str, Any]:
    with engine() as client:
        attributes: Mapping[str, Any] = client.networks.get(f"{lab.name}_lan").attrs
    return attributes


# --- side by side ----------------------------------------------------------------------------------------------------


def test_two_labs_play_at_the_same_time_and_both_pass(
    hosts_up: Settings, second: Settings, run_lab: RunLab, tmp_path: Path
) -> None:
    def play(lab: Settings) -> subprocess.CompletedProcess[str]:
        return run_lab("run", "3", "--json", env=variables(lab) | {"LAB_RUNS": str(tmp_path / lab.name)})

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(play, (hosts_up, second)))
    for lab, answer in zip((hosts_up, second), answers, strict=True):
        assert answer.returncode == 0, answer.stdout + answer.stderr
        assert lab.addresses["server"] in answer.stdout
    assert addresses_inside(hosts_up) == here(hosts_up)
    assert addresses_inside(second) == here(second)


def test_two_labs_do_not_reach_each_other(hosts_up: Settings, second: Settings) -> None:
    bring_up(second, {host: {} for host in HOSTS})
    labs = (hosts_up, second)
    with open_hosts(hosts_up, None) as mine, open_hosts(second, None) as theirs:
        for hosts, lab in zip((mine, theirs), labs, strict=True):
            argv = ["serve_blocking", lab.addresses["server"], str(PORT)]
            channel = hosts["server"].channel
            channel.call("spawn", name="listener", argv=argv)
            assert channel.wait_event(lambda event: event.kind == "output" and "waiting on" in event.data["text"], 5)
        targets = {lab.name: ("tcp", lab.addresses["server"], PORT) for lab in labs}
        for hosts, lab in zip((mine, theirs), labs, strict=True):
            outcome = json.loads(hosts["client"].run(*knock_command(targets)))
            assert reached(outcome) == {lab.name: "connected"}


# --- refused ---------------------------------------------------------------------------------------------------------


def refused(run_lab: RunLab, env: Mapping[str, str], status: int, *words: str) -> None:
    """Both ways in refuse it with one line and that exit code, and the engine's networks are what they were."""
    before = networks()
    for arguments in (("up",), ("run", "3")):
        answer = run_lab(*arguments, env=env)
        assert answer.returncode == status, answer.stdout + answer.stderr
        assert answer.stdout == ""
        (line,) = answer.stderr.splitlines()
        assert "Traceback" not in line
        for word in words:
            assert word in line
    assert networks() == before


def networks() -> set[str]:
    """Return the engine's networks but for those of other labs, which come and go by themselves."""
    with engine() as client:
        mine = os.environ.get("LAB_NAME", "socketlab")
        names = {each.name for each in client.networks.list() if each.name}
        return {name for name in names if name.startswith(mine) and not any(other in name for other in (BESIDE, WAITS))}


@pytest.mark.parametrize(
    "subnet",
    [
        "banana",
        "10.9.8.0/33",
        "10.9.8.1/24",
        "10.9.8/24",
        "300.1.1.0/24",
        "fd00::/64",
        "10.9.8.0/24; rm -rf /",
        "/24",
        "10.9.8.0/-1",
    ],
)
def test_a_malformed_subnet_is_wrong_usage(second: Settings, run_lab: RunLab, subnet: str) -> None:
    refused(run_lab, variables(second) | {"LAB_SUBNET": subnet}, 2, f"LAB_SUBNET={subnet}")
    assert left_of(second) == []


@pytest.mark.parametrize("subnet", ["10.9.8.0/26", "10.9.8.7/32", "192.168.1.0/30"])
def test_a_subnet_too_small_is_wrong_usage(second: Settings, run_lab: RunLab, subnet: str) -> None:
    refused(run_lab, variables(second) | {"LAB_SUBNET": subnet}, 2, subnet, "too small")
    assert left_of(second) == []


@pytest.mark.parametrize(
    "subnet", ["8.8.8.0/24", "0.0.0.0/0", "127.0.0.0/8", "224.0.0.0/4", "172.0.0.0/8", "198.51.100.0/24"]
)
def test_a_public_subnet_is_wrong_usage(second: Settings, run_lab: RunLab, subnet: str) -> None:
    refused(run_lab, variables(second) | {"LAB_SUBNET": subnet}, 2, subnet, "private")
    assert left_of(second) == []


@pytest.mark.parametrize("name", ["Upper", "-lab", "a b", "x" * 33, "../up", "lab;id", "名"])
def test_a_malformed_name_is_wrong_usage(second: Settings, run_lab: RunLab, name: str) -> None:
    refused(run_lab, variables(second) | {"LAB_NAME": name}, 2, f"LAB_NAME={name}")
    assert left_of(second) == []


def test_a_subnet_of_another_network_is_refused_by_its_name(second: Settings, run_lab: RunLab) -> None:
    from docker.types import IPAMConfig, IPAMPool  # noqa: PLC0415

    name = f"{second.name}-taken"
    with engine() as client:
        ipam = IPAMConfig(pool_configs=[IPAMPool(subnet=str(second.subnet))])
        network = client.networks.create(name, internal=True, ipam=ipam)
        try:
            refused(run_lab, variables(second), 3, name, str(second.subnet))
            wider = str(second.subnet.supernet(new_prefix=23))
            refused(run_lab, variables(second) | {"LAB_SUBNET": wider}, 3, name, wider)
        finally:
            network.remove()
    assert left_of(second) == []


def test_a_subnet_of_another_lab_is_refused_by_its_name(hosts_up: Settings, second: Settings, run_lab: RunLab) -> None:
    refused(run_lab, variables(second) | {"LAB_SUBNET": str(hosts_up.subnet)}, 3, f"{hosts_up.name}_lan")
    assert left_of(second) == []
    assert addresses_inside(hosts_up) == here(hosts_up)


# --- without `lab` ---------------------------------------------------------------------------------------------------


def test_the_compose_file_is_valid() -> None:
    answer = compose(without_lab_variables(), "config", "--quiet")
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr == ""


def test_compose_alone_brings_the_hosts_up(second: Settings, run_lab: RunLab) -> None:
    """Under a name and addresses of its own, for the defaults may be in use; everything else is compose.yaml's."""
    moved = variables(second) | {f"LAB_{host.upper()}_ADDRESS": second.addresses[host] for host in HOSTS}
    moved["LAB_BRIDGE"] = second.bridge
    answer = compose(without_lab_variables() | moved, "up", "--detach")
    assert answer.returncode == 0, answer.stderr
    assert eventually(lambda: all(is_ready(second, host) for host in HOSTS))
    assert addresses_inside(second) == here(second)
    assert run_lab("run", "3", env=variables(second)).returncode == 0
    down = run_lab("down", env=variables(second))
    assert down.returncode == 0, down.stderr
    assert left_of(second) == []


def test_the_compose_files_defaults_are_those_of_the_settings() -> None:
    answer = compose(without_lab_variables(), "config", "--format", "json")
    made = json.loads(answer.stdout)
    defaults = read_settings({})
    assert made["name"] == defaults.name
    assert [each["subnet"] for each in made["networks"]["lan"]["ipam"]["config"]] == [str(defaults.subnet)]
    for host in HOSTS:
        service = made["services"][host]
        assert service["networks"]["lan"]["ipv4_address"] == defaults.addresses[host]
        assert service["container_name"] == defaults.container(host)
        assert service["environment"]["LAB_ALLOWED"].split(", ") == list(defaults.addresses.values())


def without_lab_variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("LAB_", "COMPOSE_"))}


def compose(env: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", "compose", *arguments],
        cwd=ROOT,
        env=dict(env),
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def is_ready(lab: Settings, host: str) -> bool:
    command = ["docker", "exec", lab.container(host), "test", "-e", "/run/lab-ready"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0
