"""`lab doctor` and `lab watch` against the real engine and the running hosts."""

from __future__ import annotations

import json
import subprocess
import threading
from typing import TYPE_CHECKING

import docker
import pytest

from lab.hosts.cleanup import remove_lab
from lab.hosts.compose import bring_up
from lab.hosts.looker import Looker
from lab.settings import HOSTS, RECORDER
from lab.wire.state import State
from tests.lab.faults import lab
from tests.support import another_lab, eventually, run, variables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.settings import Settings
    from tests.lab.conftest import RunLab


@pytest.fixture
def other_network(settings: Settings) -> Iterator[str]:
    """A network of somebody else's that overlaps a third subnet, far from the lab under test."""
    client = docker.from_env()
    pool = docker.types.IPAMConfig(pool_configs=[docker.types.IPAMPool(subnet="10.214.3.0/24")])
    network = client.networks.create(f"{settings.name}-stranger", internal=True, ipam=pool)
    try:
        yield str(network.name)
    finally:
        network.remove()
        client.close()


def findings(run_lab: RunLab, **env: str) -> tuple[int, dict[str, dict[str, str]]]:
    answer = run_lab("doctor", "--json", env=env)
    document = json.loads(answer.stdout)
    return answer.returncode, {finding["id"]: finding for finding in document["findings"]}


@pytest.mark.usefixtures("hosts_up")
def test_on_this_machine_nothing_stops_the_lab(run_lab: RunLab) -> None:
    code, found = findings(run_lab)
    assert code == 0
    assert [f"{id_}: {one['says']}" for id_, one in found.items() if one["health"] == "stops"] == []
    assert found["capabilities"]["health"] == "ok"
    assert found["sockdiag"]["health"] == "ok"


def test_the_doctor_asks_the_recorder_what_it_may(hosts_up: Settings, run_lab: RunLab) -> None:
    assert "not tried" in findings(run_lab, LAB_NAME="nobody")[1]["recorder"]["says"]
    assert run_lab("up").returncode == 0
    said = run("docker", "exec", hosts_up.container(RECORDER), "cat", "/run/lab-ready")
    _, found = findings(run_lab)
    assert (said, found["recorder"]["health"]) in (("bind", "ok"), ("mount", "ok"))
    assert ("SYS_ADMIN" in found["recorder"]["says"]) == (said == "mount")
    assert "recorder" not in findings(run_lab, LAB_RECORDER="0")[1]


def test_a_colliding_network_is_named_with_its_subnet_and_a_remedy(other_network: str, run_lab: RunLab) -> None:
    code, found = findings(run_lab, LAB_SUBNET="10.214.0.0/16", LAB_NAME="nobody")
    assert code == 3
    assert other_network in found["networks"]["says"]
    assert "10.214.3.0/24" in found["networks"]["says"]
    assert found["networks"]["remedy"]


def test_a_route_into_the_subnet_is_named_and_called_harmless(run_lab: RunLab) -> None:
    routes = json.loads(
        subprocess.run(["ip", "-json", "-4", "route"], check=True, capture_output=True, text=True).stdout
    )
    bridge = next(route["dst"] for route in routes if route["dst"] != "default" and route["dev"] == "docker0")
    _, found = findings(run_lab, LAB_SUBNET=bridge, LAB_NAME="nobody")
    assert bridge in found["routes"]["says"]
    assert (found["routes"]["health"], "Harmless" in found["routes"]["says"]) == ("note", True)


def test_without_an_engine_the_doctor_says_so_and_what_to_type(run_lab: RunLab) -> None:
    code, found = findings(run_lab, DOCKER_HOST="unix:///nonexistent/docker.sock")
    assert code == 3
    assert (found["engine"]["health"], found["engine"]["remedy"]) == (
        "stops",
        "start it, or type: unset DOCKER_HOST",
    )
    assert found["kernel"]["health"] == "ok"


def test_the_doctor_in_chinese(run_lab: RunLab) -> None:
    answer = run_lab("doctor", env={"LAB_LANG": "zh-CN"})
    assert "实验室可以在这台机器上运行。" in answer.stdout


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


def test_a_looker_sees_the_servers_sockets_with_their_process(hosts_up: Settings, client: docker.DockerClient) -> None:
    server = client.containers.get(hosts_up.container("server"))
    with Looker("server", hosts_up.container("server")) as looker:
        server.exec_run(["serve_blocking", hosts_up.addresses["server"], "8123"], user="lab", detach=True)

        def listening() -> list[str]:
            looker.ask()
            rows = [row for row in looker.rows() if row.state is State.LISTEN and row.local.port == 8123]
            return [process.name for row in rows for process in row.processes]

        assert eventually(listening) == ["serve_blocking"]
        server.exec_run(["pkill", "-f", "serve_blocking .* 8123"], user="lab")
        assert eventually(lambda: not listening())


def test_a_looker_leaves_nothing_in_the_host(hosts_up: Settings, client: docker.DockerClient) -> None:
    container = client.containers.get(hosts_up.container("client"))

    def loops() -> list[str]:
        return [row[-1] for row in container.top(ps_args="-o pid,args")["Processes"] if "while read" in row[-1]]

    with Looker("client", hosts_up.container("client")) as looker:
        looker.ask()
        looker.rows()
        assert len(loops()) == 1
    assert eventually(lambda: not loops())


def serve(settings: Settings, port: int) -> None:
    """Have a server that `lab watch` shows once it listens."""
    command = ["serve_blocking", settings.addresses["server"], str(port)]
    run("docker", "exec", "-d", "-u", "lab", settings.container("server"), *command)


def test_watch_goes_on_when_hosts_are_made_anew_and_says_that_the_lab_was_taken_down(
    settings: Settings, tmp_path: Path
) -> None:
    other = another_lab(settings, "watch")
    bring_up(other, {host: {} for host in HOSTS})
    try:
        with lab("watch", runs=tmp_path, env=variables(other)) as process:
            said: list[str] = []
            reader = threading.Thread(target=lambda: said.extend(process.stdout or ()))
            reader.start()

            def shows(port: int) -> bool:
                return eventually(lambda: any(f":{port}" in line for line in said), 30)

            for port in (8123, 8124):
                serve(other, port)
                assert shows(port), said
                bring_up(other, {host: {"net.ipv4.tcp_syn_retries": port % 5 + 1} for host in HOSTS})
            assert process.poll() is None
            remove_lab(other)
            assert process.wait(30) == 3
            reader.join(5)
            assert process.stderr
            assert f"The lab {other.name}" in process.stderr.read()
    finally:
        remove_lab(other)
