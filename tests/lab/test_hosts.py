"""The two running hosts, as testinfra and the engine's own interface see them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest
import testinfra

from lab.hosts.connection import open_hosts
from lab.hosts.engine import engine
from lab.hosts.host import Host
from lab.settings import HOSTS, PORT, Settings
from tests.support import eventually

pytestmark = pytest.mark.lab

CAPABILITIES: Final = {
    "CHOWN": 0, "DAC_OVERRIDE": 1, "KILL": 5, "SETGID": 6, "SETUID": 7, "NET_ADMIN": 12, "NET_RAW": 13, "SYS_PTRACE": 19,
}  # fmt: skip
FIRST_UID: Final = 2000
"""From here on, each program has one of its own: images/host/agent/children.py."""
GRANTED: Final = ("NET_RAW", "NET_ADMIN", "SETUID", "SETGID", "KILL", "SYS_PTRACE", "DAC_OVERRIDE")
TOOLS: Final = (
    "ss",
    "tcpdump",
    "strace",
    "ip",
    "nft",
    "iptables",
    "ethtool",
    "nstat",
    "python3",
    "watch",
    "ps",
    "pkill",
)
OFFLOADS: Final = (
    "tcp-segmentation-offload",
    "generic-segmentation-offload",
    "generic-receive-offload",
    "tx-checksumming",
    "rx-checksumming",
    "scatter-gather",
)


@pytest.fixture(params=HOSTS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def host(hosts_up: Settings, name: str) -> Any:
    return testinfra.get_host(f"docker://{hosts_up.container(name)}")


@pytest.fixture
def inspected(hosts_up: Settings, name: str) -> Mapping[str, Any]:
    with engine() as client:
        attributes: Mapping[str, Any] = client.containers.get(hosts_up.container(name)).attrs
    return attributes


@pytest.fixture
def network(hosts_up: Settings) -> Mapping[str, Any]:
    with engine() as client:
        (found,) = client.networks.list(filters={"label": f"socketlab={hosts_up.name}"})
        attributes: Mapping[str, Any] = found.attrs
    return attributes


@pytest.fixture
def driven(hosts_up: Settings) -> Iterator[Mapping[str, Host]]:
    with open_hosts(hosts_up, None) as hosts:
        yield hosts


def status_of(host: Any, pid: int) -> dict[str, str]:
    lines = host.file(f"/proc/{pid}/status").content_string.splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def test_a_host_has_its_address_and_no_other(host: Any, hosts_up: Settings, name: str) -> None:
    assert host.interface("eth0").addresses == [hosts_up.addresses[name]]


def test_a_host_has_one_route_and_none_out(host: Any, hosts_up: Settings) -> None:
    routes = json.loads(host.check_output("ip -j route"))
    assert [route["dst"] for route in routes] == [str(hosts_up.subnet)]


def test_a_host_is_called_by_its_part(host: Any, name: str) -> None:
    assert host.check_output("hostname") == name


@pytest.mark.parametrize("peer", HOSTS)
def test_a_host_knows_both_by_name(host: Any, hosts_up: Settings, peer: str) -> None:
    assert hosts_up.addresses[peer] in host.addr(peer).ipv4_addresses


@pytest.mark.parametrize("tool", TOOLS)
def test_a_host_has_the_tools_of_the_article(host: Any, tool: str) -> None:
    assert host.exists(tool)


def test_the_sysctls_of_tcp_can_be_read_and_not_written(host: Any) -> None:
    assert host.sysctl("net.core.somaxconn") > 0
    assert host.sysctl("net.ipv4.tcp_syncookies") in (0, 1, 2)
    assert host.sysctl("net.ipv6.conf.all.disable_ipv6") == 1
    assert host.run("sysctl -w net.ipv4.tcp_syncookies=0").failed


def test_a_started_server_is_seen_listening_and_has_no_capability(
    hosts_up: Settings, driven: Mapping[str, Host]
) -> None:
    server = testinfra.get_host(f"docker://{hosts_up.container('server')}")
    channel = driven["server"].channel
    argv = ["serve_blocking", hosts_up.addresses["server"], str(PORT)]
    pid = channel.call("spawn", name="listener", argv=argv)["pid"]
    # Not by address: testinfra compares that of the other end, and would find nothing for a listener's clients.
    socket = server.socket(f"tcp://{hosts_up.addresses['server']}:{PORT}")
    assert eventually(lambda: socket.is_listening)
    assert f"tcp://{hosts_up.addresses['server']}:{PORT}" in server.socket.get_listening_sockets()
    status = status_of(server, pid)
    channel.call("stop_all")
    assert not server.socket(f"tcp://{PORT}").is_listening
    sets = {key: int(status[key], 16) for key in ("CapInh", "CapPrm", "CapEff", "CapAmb")}
    assert sets == dict.fromkeys(sets, 0)
    assert status["NoNewPrivs"] == "1"
    (uid,) = {*status["Uid"].split()}
    assert int(uid) >= FIRST_UID, "an id of its own"


@pytest.mark.parametrize("which", ["CapEff", "CapPrm", "CapBnd"])
def test_root_has_exactly_the_capabilities_it_was_granted(host: Any, which: str) -> None:
    assert int(status_of(host, 1)[which], 16) == sum(1 << CAPABILITIES[each] for each in GRANTED)


def test_nothing_may_gain_privileges(host: Any) -> None:
    assert status_of(host, 1)["NoNewPrivs"] == "1"


@pytest.mark.parametrize("folder", ["/", "/lab", "/lab/bin", "/usr/bin", "/etc"])
def test_not_even_root_may_write_where_programs_are(host: Any, folder: str) -> None:
    answer = host.run(f"touch {folder}/written")
    assert answer.failed
    assert "Read-only file system" in answer.stderr


@pytest.mark.parametrize("folder", ["/run", "/tmp"])  # noqa: S108 - the host's own
def test_runtime_files_go_to_memory(host: Any, folder: str) -> None:
    assert host.mount_point(folder).filesystem == "tmpfs"


def test_the_first_process_is_the_engines_init(host: Any) -> None:
    assert host.process.get(pid=1).comm in ("docker-init", "tini")


def test_offloads_are_off(host: Any) -> None:
    features = dict(line.split(": ", 1) for line in host.check_output("ethtool -k eth0").splitlines() if ": " in line)
    assert {each: features[each].split()[0] for each in OFFLOADS} == dict.fromkeys(OFFLOADS, "off")


def test_memory_and_processes_are_limited(inspected: Mapping[str, Any]) -> None:
    assert inspected["HostConfig"]["Memory"] == 256 << 20
    assert inspected["HostConfig"]["PidsLimit"] == 512


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        (("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"), 256 << 20),
        (("/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max"), 512),
    ],
)
def test_the_kernel_holds_the_limits(host: Any, files: tuple[str, str], limit: int) -> None:
    (there,) = [file for file in files if host.file(file).exists]
    assert int(host.file(there).content_string) == limit


def test_a_host_is_healthy(hosts_up: Settings, name: str) -> None:
    def health() -> str:
        with engine() as client:
            return str(client.containers.get(hosts_up.container(name)).attrs["State"]["Health"]["Status"])

    eventually(lambda: health() == "healthy", 25)
    assert health() == "healthy"


def test_a_host_is_made_with_least_privilege(inspected: Mapping[str, Any]) -> None:
    made = inspected["HostConfig"]
    assert made["CapDrop"] == ["ALL"]
    assert sorted(each.removeprefix("CAP_") for each in made["CapAdd"]) == sorted(GRANTED)
    assert made["ReadonlyRootfs"]
    assert "no-new-privileges:true" in made["SecurityOpt"]
    assert made["Init"]
    assert not made["Privileged"]
    assert not made["Binds"]
    assert not made["PortBindings"]


def test_a_host_is_on_the_labs_network_alone(inspected: Mapping[str, Any], network: Mapping[str, Any]) -> None:
    assert list(inspected["NetworkSettings"]["Networks"]) == [network["Name"]]


def test_everything_carries_the_labs_label(
    inspected: Mapping[str, Any], network: Mapping[str, Any], hosts_up: Settings
) -> None:
    assert inspected["Config"]["Labels"]["socketlab"] == hosts_up.name
    assert network["Labels"]["socketlab"] == hosts_up.name


def test_the_network_is_closed_and_gives_the_machine_no_address(network: Mapping[str, Any], hosts_up: Settings) -> None:
    assert network["Internal"] is True
    assert network["Driver"] == "bridge"
    assert network["Options"]["com.docker.network.bridge.inhibit_ipv4"] == "true"
    assert network["Options"]["com.docker.network.bridge.name"] == hosts_up.bridge
    assert [config["Subnet"] for config in network["IPAM"]["Config"]] == [str(hosts_up.subnet)]
