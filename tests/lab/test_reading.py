"""Exercise 0 on real hosts: it passes, its saved run is judged alike, and a wrong server fails where it is wrong."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest

from lab.settings import Settings
from lab.wire.capture import parse_capture
from lab.wire.conversation import conversations
from tests.lab.conftest import RunLab
from tests.unit.judge.builders import CLIENT_FIRST, OPEN, SERVER, TALK, Talk, pcap

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


def test_what_has_not_seen_the_syn_counts_from_elsewhere(hosts_up: Settings) -> None:
    """`lab explain ISN`: tcpdump prints the first segment's numbers as they are, then counts its sender's bytes from 0."""
    frames = Talk().frames(*OPEN, *TALK, *CLIENT_FIRST)
    whole, later = pcap(frames), pcap(frames[len(OPEN) :])
    # The server acknowledges hello, numbers 1 to 5, and last the FIN behind it.
    assert printed_by_tcpdump(hosts_up, whole)["server"][1:] == [6, 6, 7, 7]
    assert printed_by_tcpdump(hosts_up, later) == {"client": [5001, 6, 6, 7], "server": [5, 5, 6, 6]}
    assert (counted_by_the_lab(whole)[1:], counted_by_the_lab(later)) == ([6, 6, 7, 7], [6, 6, 7, 7])


def printed_by_tcpdump(settings: Settings, data: bytes) -> dict[str, list[int]]:
    """Return both sides' acknowledgement numbers as the host's tcpdump prints them."""
    command = ("docker", "exec", "-i", settings.container("server"), "tcpdump", "-n", "-r", "-")
    printed: dict[str, list[int]] = {"client": [], "server": []}
    for line in subprocess.run(command, input=data, check=True, capture_output=True).stdout.decode().splitlines():
        side = "server" if f".{SERVER.port} > " in line else "client"
        printed[side] += [int(number) for number in re.findall(r"ack (\d+)", line)]
    return printed


def counted_by_the_lab(data: bytes) -> list[int | None]:
    """Return the server's acknowledgement numbers as the lab counts them."""
    (conversation,) = conversations(parse_capture(data, where="a test").segments)
    return [conversation.relative(each)[1] for each in conversation.segments if not conversation.from_client(each)]
