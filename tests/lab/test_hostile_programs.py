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
from lab.hosts.strace import COMMAND as STRACE
from lab.hosts.threads import lab_threads
from lab.settings import HOSTS, Settings
from tests.lab.conftest import RunLab
from tests.support import eventually

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


CHILDREN: Final = 200
BUSY: Final = f"""
import os, time
try:
    os.nice(-10)
    print("as it likes", flush=True)
except OSError:
    print("nice", flush=True)
for _ in range({CHILDREN}):
    if os.fork() == 0:
        while True:
            pass
print("busy", flush=True)
time.sleep(60)
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


def nice_of(channel: Channel, pid: int) -> int:
    """Return the nice value of a process of that host, which proc_pid_stat(5) has as the 19th word."""
    stat = channel.call("run", argv=["cat", f"/proc/{pid}/stat"])["stdout"]
    return int(stat.rpartition(")")[2].split()[16])


def called(channel: Channel, name: str) -> list[int]:
    return [int(pid) for pid in channel.call("run", argv=["pgrep", "-x", name], user="root")["stdout"].split()]


def test_a_program_and_its_tracer_yield_to_the_agent_and_to_what_looks_at_it(channel: Channel) -> None:
    program = ["python3", "-c", "import time; time.sleep(60)"]
    pids = {
        "plain": channel.call("spawn", name="plain", argv=program)["pid"],
        "seated": channel.call("spawn", name="seated", argv=program, pty=True)["pid"],
        "traced": channel.call("spawn", name="traced", argv=program, tracer=[*STRACE])["pid"],
        "tool": channel.call("spawn", name="tool", argv=program, user="root")["pid"],
    }
    # Of a traced program the tracer was started first, which lets it keep that number; until then both are called strace.
    assert eventually(lambda: pids["traced"] in called(channel, "python3"))
    (tracer,) = called(channel, "strace")
    agent = int(channel.call("run", argv=["pgrep", "-o", "-x", "lab-agent"])["stdout"])
    nices = {name: nice_of(channel, pid) for name, pid in {**pids, "tracer": tracer, "agent": agent}.items()}
    channel.call("stop_all")
    assert nices == {"plain": 10, "seated": 10, "traced": 10, "tracer": 10, "tool": 0, "agent": 0}


def test_hundreds_of_busy_children_keep_no_look_from_the_processor(channel: Channel) -> None:
    channel.call("spawn", name="busy", argv=["python3", "-c", BUSY])
    assert channel.wait_event(lambda event: event.data.get("text") == "busy", 60)
    printed = [event.data["text"] for event in channel.events if event.kind == "output" and event.name == "busy"]
    looks = [channel.call("run", argv=["ss", "-tanpe"], user="root") for _ in range(3)]
    channel.call("stop_all")
    assert printed == ["nice", "busy"], "it could lift that"
    assert [each["status"] for each in looks] == [0, 0, 0]
