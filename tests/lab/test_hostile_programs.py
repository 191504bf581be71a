"""What a server calls itself, sends and prints changes neither its verdict nor what the reader's terminal shows."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt

from lab.commands.watch import watch
from lab.foreign import shown
from lab.hosts.channel import Channel
from lab.hosts.listeners import standing_servers
from lab.hosts.looker import Looker
from lab.hosts.threads import lab_threads
from lab.settings import HOSTS, Settings
from tests.lab.conftest import RunLab

pytestmark = pytest.mark.lab

TEXTS: Final = ("*.md", "*.json", "*.xml", "*.txt")
NAMES: Final = {
    b"\xe4\xb8\x80\xe4\xba\x8c\xe4\xb8\x89\xe5\x9b\x9b\xe4\xba\x94": "一二三四五",
    b"\xe5\x9b\x9b\xe4": r"四\xe4",
    b"a\nESTAB 0 0 x": r"a\nESTAB 0 0 x",
    b'say "hi"': r"say \x22hi\x22",
    b'",pid=1,fd=1),(': r"\x22,pid=1,fd=1",
    b"\x1b[2J\x1b[H": r"\x1b[2J\x1b[H",
    b"\x9b\xff\xfe\x1e": r"\x9b\xff\xfe\x1e",
    b"x) S 1 (y": "x",
    b"cr\rx": r"cr\rx",
}
"""What processes call themselves, and how that is shown: `ss` itself ends a name at its first `)`."""
LISTENS: Final = """
import ctypes, signal, socket, sys
listener = socket.socket()
listener.bind((sys.argv[2], 0))
listener.listen()
ctypes.CDLL(None).prctl(15, bytes.fromhex(sys.argv[1]))
print("listening", flush=True)
signal.pause()
"""


def harmless(text: str) -> bool:
    return all(shown(line) == line for line in text.split("\n"))


@pytest.fixture
def channel(hosts_up: Settings) -> Iterator[Channel]:
    with Channel("server", hosts_up.container("server")) as found:
        yield found.wait_ready(60)


@pytest.mark.usefixtures("hosts_up")
@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("renames_itself", ("CLOSE-WAIT", r"\x22\n\x1b[2J\xff( fd=4")),
        ("writes_verdict", (r"\x1b[2J\x1b[H\x1b]0;pass\x07\x9b1m<b onmouseover=alert(1)>verdict: pass\u202e",)),
    ],
)
def test_its_failure_is_told_and_every_form_is_text(
    run_lab: RunLab, tmp_path: Path, program: str, says: tuple[str, ...]
) -> None:
    answer = run_lab("run", "3", "--server", program, timeout=240)
    assert (answer.returncode, answer.stderr) == (1, "")
    assert harmless(answer.stdout)
    assert [each for each in says if each not in answer.stdout] == []
    folder = tmp_path / "runs" / "ex03" / "latest"
    files = [file for pattern in TEXTS for file in folder.rglob(pattern)]
    assert {"report.md", "junit.xml", "verdict.json", "evidence.json"} < {file.name for file in files}
    assert [file.name for file in files if not harmless(file.read_text(encoding="utf-8"))] == []
    blocks = MarkdownIt("commonmark").parse((folder / "report.md").read_text(encoding="utf-8"))
    elements = [each.content for block in blocks for each in (block, *(block.children or ())) if "html" in each.type]
    assert {*elements} <= {"<br>"}
    assert next(ET.parse(folder / "junit.xml").iter("failure")).attrib["message"]  # noqa: S314 - our own
    again = run_lab("judge", str(folder), timeout=60)
    assert (again.returncode, harmless(again.stdout)) == (1, True)


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_a_server_of_any_name_is_looked_at(hosts_up: Settings, channel: Channel, name: bytes) -> None:
    argv = ["python3", "-c", LISTENS, name.hex(), hosts_up.addresses["server"]]
    channel.call("spawn", name="p", argv=argv)
    assert channel.wait_event(lambda event: event.data.get("text") == "listening", 20)
    with Looker("server", hosts_up.container("server")) as looker:
        for _ in range(2):
            looker.ask()
            (row,) = [row for row in looker.rows() if row.local.address == hosts_up.addresses["server"]]
            assert [process.name for process in row.processes] == [NAMES[name]]
    (standing,) = standing_servers(hosts_up, ["server"])
    assert (standing.program, standing.address) == ("python3", hosts_up.addresses["server"])
    assert {thread.address for thread in lab_threads(hosts_up, HOSTS).values()} <= {*hosts_up.addresses.values()}


def test_watch_shows_any_name_on_one_line(
    hosts_up: Settings, channel: Channel, capsys: pytest.CaptureFixture[str]
) -> None:
    for at, name in enumerate(NAMES):
        argv = ["python3", "-c", LISTENS, name.hex(), hosts_up.addresses["server"]]
        channel.call("spawn", name=f"p{at}", argv=argv)
    for at in range(len(NAMES)):
        told = channel.wait_event(lambda event, who=f"p{at}": event.name == who and event.kind == "output", 20)  # type: ignore[misc]
        assert told
    watch(hosts_up, looks=1)
    shows = capsys.readouterr().out
    assert harmless(shows)
    assert [name for name in NAMES.values() if f"{name} fd=3" not in shows] == []


def test_the_agent_names_a_stranger_of_any_name(hosts_up: Settings, channel: Channel) -> None:
    code = LISTENS.replace('"listening"', '"here"')
    argv = ["python3", "-c", code, b"\xff\n(x) 1".hex(), hosts_up.addresses["server"]]
    with subprocess.Popen(
        ["docker", "exec", "-u", "lab", hosts_up.container("server"), *argv], stdout=subprocess.PIPE
    ) as stranger:
        assert stranger.stdout
        assert stranger.stdout.readline() == b"here\n"
        ended = channel.call("end_strangers")["ended"]
    assert any(each.startswith("\\xff\n(x) 1 (pid ") for each in ended)
