"""Sysctls are part of an exercise's lab: set once per network namespace, and only the hosts that differ are made anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.hosts.connection import open_hosts
from lab.hosts.engine import engine
from lab.settings import HOSTS

if TYPE_CHECKING:
    from lab.hosts.compose import Sysctls
    from lab.settings import Settings

PLAIN: Sysctls = {host: {} for host in HOSTS}
WITHOUT_COOKIES: Sysctls = {"server": {"net.ipv4.tcp_syncookies": 0, "net.ipv4.tcp_synack_retries": 1}, "client": {}}


def containers(settings: Settings) -> dict[str, str]:
    with engine() as client:
        return {host: str(client.containers.get(settings.container(host)).id) for host in HOSTS}


def seen(settings: Settings, sysctls: Sysctls) -> dict[str, str]:
    """Return what the kernel itself says of SYN cookies and SYN-ACK retries on either host."""
    with open_hosts(settings, sysctls) as hosts:
        environments = {name: host.environment() for name, host in hosts.items()}
    names = {"cookies": "net.ipv4.tcp_syncookies", "retries": "net.ipv4.tcp_synack_retries"}
    return {f"{host}.{short}": found[name] for host, found in environments.items() for short, name in names.items()}


def test_only_the_host_whose_sysctls_differ_is_made_anew(hosts_up: Settings) -> None:
    plain = seen(hosts_up, PLAIN)
    before = containers(hosts_up)
    assert seen(hosts_up, WITHOUT_COOKIES) == plain | {"server.cookies": "0", "server.retries": "1"}
    after = containers(hosts_up)
    assert (after["server"] == before["server"], after["client"] == before["client"]) == (False, True)
    seen(hosts_up, WITHOUT_COOKIES)
    assert containers(hosts_up) == after
    assert seen(hosts_up, PLAIN) == plain
