"""Exercise 0 on real hosts: it passes, its saved run is judged alike, and a wrong server fails where it is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab.settings import Settings
from tests.lab.conftest import RunLab

pytestmark = pytest.mark.usefixtures("hosts_up")


def failed(document: dict[str, Any]) -> set[str]:
    return {one["id"] for one in document["results"] if one["verdict"] != "pass"}


def test_it_passes_and_its_saved_run_shows_the_same_in_every_language(hosts_up: Settings, run_lab: RunLab) -> None:
    answer = run_lab("run", "0", "--json")
    document = json.loads(answer.stdout)
    assert (answer.returncode, document["verdict"], failed(document)) == (0, "pass", set()), answer.stderr
    no_docker = {"DOCKER_HOST": "unix:///nowhere"}
    assert json.loads(run_lab("judge", "0", "--json", env=no_docker).stdout)["results"] == document["results"]
    for language, words in (("en", "A socket that waits for connections"), ("zh-CN", "正在等待连接的套接字")):
        page = run_lab("judge", "0", env=no_docker | {"LAB_LANG": language}).stdout
        assert words in page
        assert "server$ ss -tanp | grep 8000" in page
        assert "server# tcpdump -n -c 3 -i eth0 port 8000\n" in page
        assert f"{hosts_up.addresses['server']}.8000 > " in page, "tcpdump's own line"
        assert "SYN-RECV ~  server" in page, "the map"


def test_a_server_that_answers_in_lower_case_fails_where_its_answer_shows(run_lab: RunLab) -> None:
    answer = run_lab("run", "0", "--json", "--server", "answers_lower")
    assert (answer.returncode, failed(json.loads(answer.stdout))) == (1, {"answered-late", "five-bytes"})
