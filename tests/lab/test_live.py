"""`lab live` beside whatever happens on the hosts: told in order, kept out by nobody, and nothing left of it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self

import pytest
from rich.cells import cell_len

from lab.hosts.cleanup import remove_lab
from lab.hosts.compose import bring_up
from lab.hosts.tracefs import live_instance_name
from lab.recording.store import load
from lab.settings import HOSTS, RECORDER, ROOT, Settings
from lab.text.catalog import LANGUAGES
from tests.lab.conftest import RunLab
from tests.lab.faults import finish, here, lab, one_line, programs
from tests.lab.kernelrecord import signal_in_recorder
from tests.support import another_lab, eventually, left_of, needs_root, run, trace_instances, variables

pytestmark = [pytest.mark.lab, needs_root]

SECONDS: Final = 40.0
"""Far more than anything here takes, also where all processors are busy."""
PORT: Final = 8000
HEADS: Final = ("client calls", "客户端调用")


@pytest.fixture(scope="module")
def up(settings: Settings) -> Iterator[Settings]:
    """A lab of its own, both hosts up with the recorder."""
    found = another_lab(settings, "live")
    bring_up(found, {service: {} for service in (*HOSTS, RECORDER)})
    try:
        yield found
    finally:
        remove_lab(found)
        assert left_of(found) == []


PREFORK: Final = ROOT / "tests" / "fixtures" / "prefork.py"


class Live:
    """A `lab live` that runs, and the lines that it has printed so far."""

    def __init__(self, settings: Settings, *options: str, env: Mapping[str, str] | None = None) -> None:
        self.settings = settings
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lab.cli", "live", *options],
            cwd=ROOT,
            env=os.environ | {"LAB_LANG": "en", "COLUMNS": "100"} | variables(settings) | dict(env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait(self, pattern: str, after: int = 0) -> int:
        """Wait for a line in which the pattern is found, behind the first `after`; return its number."""
        found = eventually(lambda: self.find(pattern, after) is not None or self.process.poll() is not None, SECONDS)
        place = self.find(pattern, after)
        assert found, f"{pattern} never came:\n{self}"
        assert place is not None, f"it ended before {pattern} came:\n{self}"
        return place

    def find(self, pattern: str, after: int = 0) -> int | None:
        lines = [*self.lines]
        return next((number for number in range(after, len(lines)) if re.search(pattern, lines[number])), None)

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """End it as a terminal does; return its exit code."""
        os.killpg(self.process.pid, number)
        code = self.process.wait(SECONDS)
        self._reader.join(SECONDS)
        return code

    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.end(signal.SIGKILL)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.lines.append(line.rstrip("\n"))


@contextlib.contextmanager
def live(settings: Settings, *options: str, env: Mapping[str, str] | None = None) -> Iterator[Live]:
    """Have a `lab live` that listens."""
    with Live(settings, *options, env=env) as found:
        found.wait('"kind": "begin"' if "--json" in options else "|".join(HEADS))
        yield found


def by_hand(settings: Settings, host: str, *command: str) -> list[str]:
    """Return the command that types this line in a learner's shell."""
    return ["docker", "exec", "-i", "-u", "lab", settings.container(host), *command]


@contextlib.contextmanager
def typed(settings: Settings, host: str, *command: str) -> Iterator[subprocess.Popen[str]]:
    """Type a line, and end what it started."""
    process = subprocess.Popen(
        by_hand(settings, host, *command),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        subprocess.run(by_hand(settings, host, "pkill", "-KILL", "-f", command[0]), check=False, capture_output=True)
        process.communicate()


def serve(settings: Settings) -> contextlib.AbstractContextManager[subprocess.Popen[str]]:
    return typed(settings, "server", "serve_blocking", settings.addresses["server"], str(PORT))


def connect(settings: Settings) -> contextlib.AbstractContextManager[subprocess.Popen[str]]:
    return typed(settings, "client", "prompt", settings.addresses["server"], str(PORT))


def say(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdin
    process.stdin.write(text + "\n")
    process.stdin.flush()


def leave(process: subprocess.Popen[str]) -> None:
    assert process.stdin
    process.stdin.close()


def nothing_left(settings: Settings) -> bool:
    """Whether nothing of a `lab live` is left in the containers or in the kernel."""
    recorder = programs(settings, RECORDER)
    gone = not programs(settings) and not [line for line in recorder if "keep.py" not in line]
    return gone and live_instance_name(settings) not in trace_instances()


# -- what is told


def test_what_is_typed_by_hand_is_told_line_by_line_in_its_order(up: Settings) -> None:
    with live(up) as told, serve(up):
        listens = told.wait(r"LISTEN +listen\(3\)")
        waits = told.wait(r"accept\(3\) …")
        with connect(up) as client:
            back = told.wait(r"└ (accept )?= 4")
            say(client, "hello")
            answered = told.wait(r"send\(4\) = 5")
            leave(client)
            told.wait(r"CLOSED")
        # On one line when they come at once, which a busy machine delays.
        connects, sent = told.wait(r"connect\(3\)"), told.wait(r"── S ")
        opened = told.wait(r"ESTAB +◀─ S\. ")
        established = told.wait(r"── \. .*▶ ESTAB")
        order = [
            listens,
            waits,
            connects,
            told.wait("SYN-SENT"),
            sent,
            opened,
            established,
            back,
            told.wait("── P.", back),
            answered,
        ]
        assert order == sorted(order), str(told)
        assert told.wait("serve_blocking on the server") < listens
        assert told.wait("prompt on the client") < connects
        assert re.search(r"= 4 (· )?\d", told.lines[back]), "how long accept() waited"
        times = [float(match[1]) for line in told.lines if (match := re.match(r" *(\d+\.\d+) ", line))]
        assert times == sorted(times), str(told)
        assert told.end() == 0


def moments(told: Live) -> dict[str, int]:
    """Return at which place each object of the first connection stands, by a few letters."""
    found: dict[str, int] = {}
    for number, one in enumerate(told.objects()):
        match one["kind"]:
            case "call":
                name = f"{one['host']} {one['call']} {one['part']}"
            case "state":
                name = f"{one['host']} {one['state']}"
            case "segment":
                name = f"{one['from']} {one['flags']}"
            case _:
                continue
        found.setdefault(name, number)
    return found


ORDER: Final = (
    ("server LISTEN", "client connect begin"),
    ("client connect begin", "client SYN-SENT"),
    ("client SYN-SENT", "client S"),
    ("client S", "server S."),
    ("server S.", "client ESTAB"),
    ("client ESTAB", "client ."),
    ("client .", "server ESTAB"),
    ("client ESTAB", "client connect return"),
    ("client close whole", "client FIN-WAIT-1"),
    ("client FIN-WAIT-1", "client F."),
    ("client F.", "server CLOSE-WAIT"),
    ("server LAST-ACK", "server F."),
    ("server F.", "client TIME-WAIT"),
    ("client TIME-WAIT", "server UNCONN"),
)


def test_as_json_each_moment_is_an_object_and_what_causes_stands_before_what_is_caused(up: Settings) -> None:
    with live(up, "--json") as told, serve(up):
        told.wait('"state": "LISTEN"')
        with connect(up) as client:
            told.wait('"call": "accept".*"result": 4')
            leave(client)
            told.wait('"state": "UNCONN"')
        assert told.end() == 0
    found = moments(told)
    # A call that takes long on a busy machine is told in two parts.
    found.setdefault("client close whole", found.get("client close begin", -1))
    assert {name for pair in ORDER for name in pair} - set(found) == set(), str(told)
    assert [pair for pair in ORDER if found[pair[0]] > found[pair[1]]] == []
    (accept,) = [one for one in told.objects() if one.get("call") == "accept" and one["result"] == 4]
    established = next(one for one in told.objects() if one.get("state") == "ESTAB" and one["host"] == "server")
    assert accept["ended_ns"] > established["time_ns"]
    assert (accept["program"], accept["server"]) == ("serve_blocking", f"{up.addresses['server']}:{PORT}")
    connection = [one for one in told.objects() if one["kind"] == "segment"]
    assert len({one["client"] for one in connection}) == 1
    assert len({(one["from"], one["left_ns"]) for one in connection}) == len(connection), "each once"
    assert {one["source"] for one in told.objects() if one.get("state") == "ESTAB"} == {"kernel"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [80, 100])
def test_it_fits_into_a_terminal_of_that_width(up: Settings, language: str, width: int) -> None:
    with live(up, env={"LAB_LANG": language, "COLUMNS": str(width)}) as told, serve(up):
        told.wait("LISTEN")
        with connect(up) as client:
            told.wait("ESTAB")
            leave(client)
            told.wait("TIME-WAIT")
        assert told.end() == 0
    assert max(map(cell_len, told.lines)) <= width, str(told)
    assert "\x1b" not in str(told), "no tricks with the cursor in a pipe"


def test_a_server_that_stood_before_is_known_by_its_name(up: Settings) -> None:
    with serve(up):
        look = by_hand(up, "server", "ss", "-Htln", f"sport = :{PORT}")
        assert eventually(lambda: run(*look))
        with live(up) as told:
            told.wait(f"serve_blocking already listens on port {PORT} of the server")
            for _ in range(2):  # of the first the server was waiting already
                with connect(up) as client:
                    place = told.wait("ESTAB", len(told.lines))
                    leave(client)
                    told.wait("TIME-WAIT", place)
            assert told.wait(r"= 4\b") > 0
            assert told.end() == 0


OWN: Final = """
import socket
with socket.create_server(("", 8000)) as listener:
    while True:
        connection, _ = listener.accept()
        connection.sendall(b"hello")
        connection.close()
"""
"""As a learner writes it, who has not thought of the address: it takes all."""


def test_a_learners_own_script_is_told_by_its_name_also_on_all_addresses(up: Settings) -> None:
    write = by_hand(up, "server", "sh", "-c", "cat >/tmp/my_echo.py")
    subprocess.run(write, input=OWN, text=True, check=True)
    with live(up) as told, typed(up, "server", "python3", "/tmp/my_echo.py"):  # noqa: S108 - the host's own
        named = told.wait("my_echo on the server")
        listens = told.wait("LISTEN")
        with connect(up) as client:
            sends = told.wait(r"send(all)?\(4\) = 5")
            leave(client)
        assert named < listens < sends, str(told)
        assert told.end() == 0
    assert eventually(lambda: nothing_left(up))


@pytest.mark.parametrize(
    ("address", "seconds"), [("server", "-1"), ("", "-1"), ("server", "0.5")], ids=["waits", "everywhere", "polls"]
)
def test_of_a_server_that_forked_its_workers_every_process_is_told_of_in_the_servers_column(
    up: Settings, address: str, seconds: str
) -> None:
    write = by_hand(up, "server", "sh", "-c", "cat >/tmp/my_workers.py")
    subprocess.run(write, input=PREFORK.read_text(encoding="utf-8"), text=True, check=True)
    command = ("/tmp/my_workers.py", up.addresses.get(address, "0.0.0.0"), str(PORT), "5")  # noqa: S104, S108 - the host's own
    with live(up, "--json") as told, typed(up, "server", "python3", *command, "--seconds", seconds):
        told.wait('"kind": "program".*"my_workers"')
        assert eventually(lambda: len(workers(told)) == 6, SECONDS), str(told)
        told.wait('"call": "epoll_wait"')
        for _ in range(2):
            place = len(told.lines)
            with connect(up) as client:
                told.wait('"call": "accept".*"error": null', place)
                leave(client)
                told.wait('"state": "UNCONN"', place)
        assert told.end() == 0
    assert set(workers(told).values()) == {"server-calls"}, str(told)
    assert len([one for one in told.objects() if one["kind"] == "program" and one["host"] == "server"]) == 1


def workers(told: Live) -> dict[int, str]:
    """Return the server's processes that made calls, each with the lanes of its calls."""
    found: dict[int, set[str]] = {}
    for one in told.objects():
        if one["kind"] == "call" and one["host"] == "server":
            found.setdefault(one["pid"], set()).add(one["lane"])
    return {pid: " ".join(sorted(lanes)) for pid, lanes in found.items()}


def test_another_labs_server_on_all_addresses_is_not_told_of(up: Settings) -> None:
    other = another_lab(up, "next")
    try:
        bring_up(other, {host: {} for host in HOSTS})
        with live(up) as told:
            with typed(other, "server", "listens_on_all", other.addresses["server"], str(PORT)):
                look = by_hand(other, "server", "ss", "-Htln", f"sport = :{PORT}")
                assert eventually(lambda: run(*look))
                with serve(up):
                    told.wait("LISTEN")
            assert told.end() == 0
        assert told.find("listens_on_all") is None, str(told)
    finally:
        remove_lab(other)
    assert left_of(other) == []


def test_a_server_on_all_addresses_that_stood_before_is_known(up: Settings) -> None:
    with typed(up, "server", "listens_on_all", up.addresses["server"], str(PORT)) as server:
        look = by_hand(up, "server", "ss", "-Htln", f"sport = :{PORT}")
        assert eventually(lambda: run(*look))
        with live(up) as told:
            told.wait(f"listens_on_all already listens on port {PORT} of the server")
            for _ in range(2):  # of the first the server was waiting already
                with connect(up) as client:
                    place = told.wait("ESTAB", len(told.lines))
                    leave(client)
                    told.wait("TIME-WAIT", place)
            assert told.wait(r"= 4\b") > 0
            assert told.end() == 0
        assert server.poll() is None


def test_without_the_recorder_the_first_line_says_so_and_segments_are_told(up: Settings) -> None:
    with live(up, env={"LAB_RECORDER": "0", "COLUMNS": "200"}) as told, serve(up):
        look = by_hand(up, "server", "ss", "-Htln", f"sport = :{PORT}")
        assert eventually(lambda: run(*look))
        with connect(up) as client:
            told.wait("SYN-SENT ~")
            told.wait(r"── \. .*▶ ESTAB ~")
            leave(client)
            told.wait(r"TIME-WAIT ~")
        assert told.end() == 0
    assert "only segments, and the states that they prove (~)" in told.lines[0]
    assert "the recorder is switched off" in told.lines[1]
    assert told.find("connect|accept") is None


def test_when_the_recorder_dies_it_says_so_and_goes_on(up: Settings) -> None:
    with live(up) as told, serve(up):
        told.wait("LISTEN")
        signal_in_recorder(up, "SIGKILL", "/lab/recorder/stream.py")
        gone = told.wait("The recorder is gone")
        with connect(up) as client:
            told.wait(r"── S .*SYN-RECV ~", gone)
            leave(client)
            told.wait("TIME-WAIT ~", gone)
        assert told.end() == 0
    assert eventually(lambda: nothing_left(up))


# -- beside others


def test_a_run_beside_it_is_not_kept_out_and_is_recorded_itself(up: Settings, run_lab: RunLab, tmp_path: Path) -> None:
    with live(up) as told:
        answer = run_lab("run", "0", env=variables(up))
        assert (answer.returncode, answer.stderr) == (0, "")
        told.wait("serve_blocking on the server")
        told.wait("prompt on the client")
        told.wait("TIME-WAIT")
        assert told.end() == 0
    evidence = load(tmp_path / "runs" / "ex00" / "latest")
    assert evidence.recording.kernel is not None
    assert evidence.recording.kernel.complete
    assert all(record.complete for record in evidence.recording.captures)


def test_a_second_one_says_that_the_recorder_is_taken(up: Settings) -> None:
    with live(up) as first, live(up) as second:
        assert "only segments" in second.lines[0]
        assert second.find("another `lab live` is using the recorder") is not None
        assert (first.end(), second.end()) == (0, 0)


@pytest.mark.parametrize("what", ["reset", "made anew"])
def test_it_goes_on_after_hosts_were_reset_or_made_anew(up: Settings, what: str) -> None:
    with live(up) as told:
        if what == "reset":
            assert here("reset", env=variables(up)).returncode == 0
        else:
            bring_up(up, {"client": {"net.ipv4.tcp_syn_retries": 3}})
        anew = told.wait("Recreated or reset: .*client")
        with serve(up):
            told.wait("LISTEN", anew)
            with connect(up) as client:
                told.wait(r"── S ", told.wait("SYN-SENT", anew) - 1)
                leave(client)
                told.wait("TIME-WAIT", anew)
        assert told.end() == 0
    assert eventually(lambda: nothing_left(up))


# -- its end


def test_ctrl_c_ends_it_at_once_and_leaves_nothing(up: Settings) -> None:
    with live(up) as told, serve(up):
        told.wait("LISTEN")
        assert live_instance_name(up) in trace_instances()
        assert told.end() == 0
        assert told.process.stderr
        assert told.process.stderr.read() == ""
    assert eventually(lambda: nothing_left(up))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)
def test_a_kill_leaves_nothing_either(up: Settings, number: signal.Signals) -> None:
    with live(up) as told, serve(up):
        told.wait("LISTEN")
        told.end(number)
    assert eventually(lambda: nothing_left(up))


@pytest.mark.parametrize("killed", ["sh", "tcpdump"])
def test_whatever_of_it_is_killed_in_a_host_leaves_nothing_there(up: Settings, killed: str) -> None:
    with live(up) as told:
        run("docker", "exec", up.container("server"), "pkill", "-KILL", "-x", killed)
        anew = told.wait("Recreated or reset: server")
        with serve(up):
            told.wait("LISTEN", anew)
        assert sum("tcpdump" in line for line in programs(up, "server")) == 2, "the shell's line, and its own"
        assert told.end() == 0
    assert eventually(lambda: nothing_left(up))


def test_who_reads_no_more_ends_it(up: Settings) -> None:
    command = f"'{sys.executable}' -m lab.cli live | head -1"
    env = os.environ | {"LAB_LANG": "en"} | variables(up)
    with subprocess.Popen(
        ["bash", "-o", "pipefail", "-c", command], cwd=ROOT, env=env, stdout=subprocess.PIPE
    ) as shell:
        assert shell.stdout
        assert b"server" in shell.stdout.readline()
        with serve(up), connect(up) as client:
            leave(client)
            assert shell.wait(SECONDS) == 0
    assert eventually(lambda: nothing_left(up))


def test_a_lab_that_is_taken_down_ends_it_with_one_line(settings: Settings) -> None:
    other = another_lab(settings, "gone")
    bring_up(other, {service: {} for service in (*HOSTS, RECORDER)})
    with live(other) as told:
        assert here("down", env=variables(other)).returncode == 0
        assert told.process.wait(SECONDS) == 3
        assert told.process.stderr
        (line,) = told.process.stderr.read().splitlines()
    assert line.startswith(f"lab: The lab {other.name} was taken down")
    assert left_of(other) == []


def test_hosts_that_are_down_are_said_to_be_down(settings: Settings) -> None:
    answer = here("live", env=variables(another_lab(settings, "none")))
    assert answer.returncode == 3
    assert re.fullmatch(r"lab: The host \w+ is not running\. Type `make up`\.", one_line(answer))


def test_without_an_engine_it_says_so(settings: Settings, tmp_path: Path) -> None:
    env = variables(settings) | {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}
    with lab("live", runs=tmp_path, env=env) as process:
        answer = finish(process)
    assert answer.returncode == 3
    assert one_line(answer).endswith("type: unset DOCKER_HOST")


def test_a_host_that_died_is_named(settings: Settings) -> None:
    other = another_lab(settings, "died")
    try:
        bring_up(other, {host: {} for host in HOSTS})
        with live(other) as told:
            run("docker", "kill", other.container("server"))
            assert told.process.wait(SECONDS) == 3
            assert told.process.stderr
            assert "The host server" in told.process.stderr.read()
    finally:
        remove_lab(other)
