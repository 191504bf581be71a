"""What an engine and its compose plugin must be, and what of others stands in a lab's way: told without an engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import UnixStreamServer
from threading import Thread
from typing import Any

import pytest

from lab.errors import MachineError
from lab.hosts.endpoint import endpoint
from lab.hosts.engine import engine
from lab.hosts.found import Found
from lab.hosts.owner import me
from lab.hosts.plugin import is_new_enough
from lab.settings import ROOT, read_settings

SETTINGS = read_settings({"LAB_NAME": "mine", "LAB_LANG": "en"})
FORM = {
    "Internal": True,
    "Options": {
        "com.docker.network.bridge.inhibit_ipv4": "true",
        "com.docker.network.bridge.name": SETTINGS.bridge,
    },
    "IPAM": {"Config": [{"Subnet": "192.168.1.0/24"}]},
}


@contextmanager
def engine_with_api(version: str, lists: bytes = b"[]") -> Iterator[str]:
    """Stand for an engine that says so of itself, and lists that; yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Api-Version", version)
            self.end_headers()
            about = json.dumps({"ApiVersion": version}).encode()
            self.wfile.write(about if self.path.endswith("/version") else lists)

        def log_message(self, *_: object) -> None:
            pass

        def address_string(self) -> str:
            return "-"

    with tempfile.TemporaryDirectory() as folder, UnixStreamServer(f"{folder}/sock", Handler) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"unix://{folder}/sock"
        server.shutdown()


def lab(command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lab.cli", *command.split()],
        cwd=ROOT, env=os.environ | {"LAB_NAME": "mine", "LAB_LANG": "en"} | variables,
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("version", ["1.40", "1.9", "1.24"])
@pytest.mark.parametrize("command", ["up", "down", "run 3", "run --all"])
def test_an_engine_that_is_too_old_is_named_with_the_least_version(version: str, command: str) -> None:
    with engine_with_api(version) as address:
        answer = lab(command, DOCKER_HOST=address)
    assert answer.returncode == 3
    assert f"has API {version}, and the lab needs 1.41 or newer (Docker Engine 20.10)" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("echo 2.18.1", "docker compose is version 2.18.1, and the lab needs 2.19 or newer."),
        ("echo v1.29.2", "docker compose is version v1.29.2, and the lab needs 2.19 or newer."),
        ("echo 'unknown shorthand flag' >&2; exit 125", "The docker command has no compose plugin."),
    ],
)
def test_a_compose_that_will_not_do_is_named(tmp_path: Path, said: str, words: str) -> None:
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\ncase "$*" in "compose version"*) {said} ;; *) echo unknown >&2; exit 1 ;; esac\n')
    docker.chmod(0o755)
    with engine_with_api("1.45") as address:
        answer = lab("up", DOCKER_HOST=address, PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert (answer.returncode, answer.stderr.startswith(f"lab: {words}")) == (3, True), answer.stderr
    assert len(answer.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("version", "does"),
    [
        ("2.19.0", True),
        ("v2.40.3-desktop.1", True),
        ("2.26.1-4", True),
        ("10.0", True),
        ("2.9.9", False),
        ("dev", True),
    ],
)
def test_versions_of_compose_are_compared_by_number(version: str, does: bool) -> None:  # noqa: FBT001 - a case's column
    assert is_new_enough(version) is does


def container(name: str, **labels: str) -> dict[str, Any]:
    return {"Names": [f"/{name}"], "Image": "web:1", "Labels": labels or None}


OURS = {"socketlab": "mine"}
COMPOSE = {"com.docker.compose.project": "mine"}


@pytest.mark.parametrize(
    ("containers", "networks", "code"),
    [
        ([container("mine-server", **OURS)], [{"Name": "mine_lan", "Labels": OURS, **FORM}], None),
        ([container("mine-server")], [], "name-taken"),
        ([container("mine-recorder")], [], "name-taken"),
        ([container("mine-client", socketlab="another")], [], "name-taken"),
        ([container("mine-servers"), container("a-mine-server")], [], None),
        ([container("web", **COMPOSE, **{"com.docker.compose.service": "server"})], [], "project-taken"),
        ([container("web", **COMPOSE, **{"com.docker.compose.service": "db"})], [], None),
        ([], [{"Name": "mine_lan", "Labels": {}}], "network-taken"),
        ([], [{"Name": "mine_lan", "Labels": {"socketlab": "another"}}], "network-taken"),
        ([], [{"Name": "other_lan", "Labels": None}], None),
    ],
)
def test_what_has_a_name_of_the_labs_and_is_not_the_labs_is_refused(
    containers: list[dict[str, Any]], networks: list[dict[str, Any]], code: str | None
) -> None:
    found = Found(containers, networks)
    if code is None:
        found.refuse_strangers(SETTINGS)
    else:
        with pytest.raises(MachineError) as raised:
            found.refuse_strangers(SETTINGS)
        assert raised.value.code == code


@pytest.mark.parametrize(
    ("change", "goes"),
    [({}, False), ({"Internal": False}, True), ({"Options": None}, True), ({"IPAM": {"Config": []}}, True)],
)
def test_a_network_of_the_lab_that_is_not_as_it_must_be_is_made_anew(change: dict[str, Any], goes: bool) -> None:  # noqa: FBT001 - a case's column
    assert Found([], [{"Name": "mine_lan", "Labels": OURS, **FORM, **change}]).must_go(SETTINGS) is goes


@pytest.mark.parametrize("lists", [b"", b"<html>", b"null", b'[{"Na', b"[5]", b'{"message": "x"}', b"\xff"], ids=repr)
def test_an_answer_that_is_cut_or_no_engines_is_the_engines_fault(lists: bytes) -> None:
    with engine_with_api("1.45", lists) as address:
        answer = lab("down", DOCKER_HOST=address)
    assert (answer.returncode, len(answer.stderr.splitlines()), answer.stdout) == (3, 1, "")


def test_a_user_without_name_and_home_has_the_machines_own_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "DOCKER_CONFIG", "DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    assert endpoint().told == ""


@pytest.mark.parametrize(
    "written",
    [
        "null",
        "[]",
        "5",
        '{"proxies": null, "auths": null, "HttpHeaders": null}',
        '{"proxies": {"default": 5}}',
        '{"HttpHeaders": {"a": 5}}',
        '{"auths": {"x": 5}}',
        '{"auths": {"x": {"auth": "%%%"}}}',
        "{ damaged",
    ],
)
def test_a_configuration_that_the_command_bears_does_not_stop_the_sdk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    (tmp_path / "config.json").write_text(written)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with engine_with_api("1.45") as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        with engine() as client:
            assert client.containers.list() == []


def test_an_owners_name_is_one_that_the_engine_gives_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("SUDO_USER", "张\udcff\n")
    me.cache_clear()
    try:
        owner = me()
    finally:
        me.cache_clear()
    assert owner == "张\\xff\\n"


@pytest.mark.parametrize("number", ["garbage", "", "-5", "0", "٣", "4294967296", "9" * 30])
def test_what_is_no_number_of_a_make_ends_nothing(number: str) -> None:
    assert lab("explain FIN", LAB_MAKE=number).returncode == 0
