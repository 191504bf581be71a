"""Hosts beside the usual two: they come up when asked for, beside those that stand, and go with the lab."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

import pytest

from lab.hosts.browser import ensure_browser, has_browser
from lab.hosts.cleanup import remove_lab
from lab.hosts.compose import Sysctls, bring_up
from lab.hosts.connection import open_hosts
from lab.hosts.engine import engine
from lab.hosts.host import Host
from lab.settings import HOSTS, KNOWN_HOSTS, PORT, RECORDER, Settings
from lab.stage import Stage
from tests.lab.conftest import RunLab
from tests.lab.faults import FULL
from tests.lab.home_lan import home_lan, lab_beside_home
from tests.support import another_lab, eventually, knock_command, left_of, needs_root, reached, variables

pytestmark = pytest.mark.lab

SITES: Final = ("site1", "site2", "site3")
FURTHER: Final = ("server2", *SITES)
NEEDED: Final[Sysctls] = {
    "server": {},
    "client": {},
    "server2": {"net.ipv4.tcp_syncookies": 0},
    **{site: {} for site in SITES},
}
WATCH: Final = "table inet watch { chain output { %s; ip daddr %s accept; counter; }; }"
"""Counts, before the guard refuses it, what a host sends to anybody but that address."""


def ids(settings: Settings) -> dict[str, str]:
    with engine() as client:
        found = client.containers.list(filters={"label": f"socketlab={settings.name}"})
    return {str(each.name).removeprefix(f"{settings.name}-"): str(each.id) for each in found}


@pytest.fixture(scope="module")
def more(settings: Settings) -> Iterator[Settings]:
    """A lab of its own with two hosts, then with four more."""
    lab = another_lab(settings, "more")
    try:
        bring_up(lab, {host: {} for host in HOSTS})
        before = ids(lab)
        bring_up(lab, NEEDED)
        assert ids(lab).items() > before.items(), "who stood already stays as it is"
        yield lab
    finally:
        remove_lab(lab)


@pytest.fixture
def hosts(more: Settings) -> Iterator[Mapping[str, Host]]:
    with open_hosts(more, NEEDED) as found:
        yield found
        for host in found.values():
            host.clean()


def test_each_host_has_its_own_address_name_and_hardware_address(more: Settings, hosts: Mapping[str, Host]) -> None:
    seen = {}
    for name, host in hosts.items():
        (card,) = json.loads(host.run("ip", "-j", "addr", "show", "dev", "eth0"))
        seen[name] = (card["addr_info"][0]["local"], card["address"], host.run("hostname").strip())
    last = {"server": "02", "client": "01", "server2": "03", "site1": "11", "site2": "12", "site3": "13"}
    assert seen == {name: (more.addresses[name], f"02:00:00:00:01:{last[name]}", name) for name in NEEDED}


def test_each_host_knows_where_every_other_is_without_asking(more: Settings, hosts: Mapping[str, Host]) -> None:
    for name, host in hosts.items():
        known = json.loads(host.run("ip", "-j", "neigh", "show", "nud", "permanent"))
        wanted = {more.addresses[other] for other in KNOWN_HOSTS if other != name}
        assert {each["dst"] for each in known} >= wanted, name


def test_sysctls_are_set_on_the_one_host_that_needs_them(hosts: Mapping[str, Host]) -> None:
    values = {name: hosts[name].environment()["net.ipv4.tcp_syncookies"] for name in ("server", "server2")}
    assert values == {"server": "1", "server2": "0"}


def test_a_site_is_reached_by_its_name_from_everywhere_in_the_lab(more: Settings, hosts: Mapping[str, Host]) -> None:
    for name in FURTHER:
        argv = ["serve_blocking", more.addresses[name], str(PORT)]
        hosts[name].channel.call("spawn", name="listener", argv=argv)
    assert eventually(lambda: all(":8000" in hosts[name].look()[2] for name in FURTHER))
    names = ("server2", "site1", "www.site-two.lab", "www.site-three.lab")
    targets = {name: ("tcp", name, PORT) for name in names}
    for name in ("client", "site1"):
        assert json.loads(hosts[name].run(*knock_command(targets))) == dict.fromkeys(targets, "connected"), name


def test_the_commands_know_them_while_they_are_up(more: Settings, run_lab: RunLab) -> None:
    with open_hosts(more, NEEDED) as hosts:
        before = ids(more)
    assert run_lab("up", env=variables(more)).returncode == 0
    assert ids(more).items() >= before.items()
    shown = [line.split()[0] for line in run_lab("status", env=variables(more)).stdout.splitlines()[1:]]
    assert shown == ["owner", *HOSTS, *FURTHER, RECORDER]
    with engine() as client:
        site = client.containers.get(more.container("site1"))
        site.exec_run(["serve_blocking", more.addresses["site1"], str(PORT)], user="lab", detach=True)
        assert eventually(lambda: b":8000" in site.exec_run(["ss", "-ltn"]).output)
        assert run_lab("reset", env=variables(more)).returncode == 0
        assert b":8000" not in site.exec_run(["ss", "-ltn"]).output
    assert list(hosts) == list(NEEDED)


@needs_root
def test_the_address_of_a_host_that_is_down_is_nobodys(settings: Settings) -> None:
    lab = lab_beside_home(another_lab(settings, "down"))
    last = int(lab.addresses["site1"].rpartition(".")[2])
    try:
        bring_up(lab, {host: {} for host in HOSTS})
        with home_lan(lab.subnet, machine=last) as home, open_hosts(lab, None) as hosts, engine():
            assert home.machine == lab.addresses["site1"]
            targets = {kind: (kind, home.machine, 22) for kind in ("tcp", "udp")} | {"ping": ("ping", home.machine, 0)}
            outcome = json.loads(hosts["client"].run(*knock_command(targets, 0.5), user="root"))
        assert reached(outcome) == {}
        assert outcome["ping"] == "silence", "nobody answers, though the machine itself has that address"
    finally:
        remove_lab(lab)


def test_down_takes_all_of_them_along(more: Settings, run_lab: RunLab) -> None:
    answer = run_lab("down", env=variables(more))
    assert answer.returncode == 0
    assert left_of(more) == []
    removed = [line.split()[-1] for line in answer.stdout.splitlines() if "container" in line]
    assert sorted(removed) == sorted(more.container(each) for each in (*NEEDED, RECORDER))


def test_a_browser_opens_a_page_of_the_lab_and_speaks_to_nobody_else(settings: Settings) -> None:
    """Its image is large: built here under FULL=1 alone, but always renewed where there is one."""
    if FULL:
        ensure_browser(lambda *_: None)
    elif not has_browser(lambda *_: None):
        pytest.skip("no image of the browser: make browser, or FULL=1")
    lab = another_lab(settings, "browser")
    needed: Sysctls = {host: {} for host in (*HOSTS, "browser")}
    try:
        with open_hosts(lab, needed) as hosts:
            rules = WATCH % ("type filter hook output priority -50", lab.addresses["server"])
            hosts["browser"].run("nft", rules, user="root")
            stage = Stage(hosts)
            with stage.step("page"):
                server = stage.serve("serve_site", port=PORT)
                server.freeze()
                page = stage.browse("page", port=PORT, path="/hello")
                server.thaw()
                page.wait()
            heard = " ".join(e.data["text"] for e in hosts["server"].channel.events if e.kind == "output")
            counted = hosts["browser"].run("nft", "list", "table", "inet", "watch", user="root")
            for host in hosts.values():
                host.clean()
    finally:
        remove_lab(lab)
    assert "asked for GET /hello HTTP/1.1" in heard
    assert "asked for GET /favicon.ico HTTP/1.1" in heard, "what a browser asks for by itself"
    assert re.findall(r"counter packets (\d+)", counted) == ["0"]
    party = stage.parties[-1]
    assert (party.host, party.program) == ("browser", "browse")
    assert party.local is not None
