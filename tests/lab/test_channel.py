"""The contract between the channel and the agent: what it answers, what it bounds, and what it takes along at its end."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from lab.errors import EvidenceError, LabError, MachineError
from lab.hosts.channel import AGENT, Channel, Event
from lab.hosts.engine import engine
from lab.settings import Settings
from tests.lab.faults import holds_up
from tests.support import eventually, run

PYTHON = ("python3", "-I", "-S", "-c")
SLEEPS = "import time; print('here', flush=True); time.sleep(600)"
IGNORES_TERM = "import signal, time; signal.signal(15, signal.SIG_IGN); print('here', flush=True); time.sleep(600)"
IGNORES_HANGUP = "import signal, time; signal.signal(1, signal.SIG_IGN); print('here', flush=True); time.sleep(603)"
ASKS = """
import os, sys
for number in range(3):
    os.write(1, b'answer %d> ' % number)
    line = sys.stdin.readline()
    print('got', repr(line), flush=True)
"""
FORKS_AND_LEAVES = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print('here', flush=True)
        time.sleep(601)
time.sleep(602)
"""


@pytest.fixture
def channel(hosts_up: Settings) -> Iterator[Channel]:
    with Channel("server", hosts_up.container("server")) as opened:
        yield opened.wait_ready()


def programs(settings: Settings, host: str = "server") -> list[str]:
    """Everything that runs in a host but for what holds it up, as `pid command`."""
    with engine() as client:
        table = client.containers.get(settings.container(host)).top(ps_args="-eo pid,args")["Processes"]
    return [f"{pid} {command}" for pid, command in table if not holds_up(command)]


def spawn(channel: Channel, code: str, name: str = "p") -> int:
    pid: int = channel.call("spawn", name=name, argv=[*PYTHON, code])["pid"]
    return pid


def seat(channel: Channel, code: str, name: str = "p") -> int:
    """Start a program at a terminal of its own."""
    pid: int = channel.call("spawn", name=name, argv=[*PYTHON, code], pty=True)["pid"]
    return pid


def said(channel: Channel, text: str, seconds: float = 5) -> Event | None:
    return channel.wait_event(lambda event: event.data.get("text") == text, seconds)


def kinds(channel: Channel) -> list[str]:
    """What kinds of events came, in order; a busy machine may let a host stand still at any time."""
    return [event.kind for event in channel.events if event.kind != "stalled"]


def ended(channel: Channel, name: str = "p", seconds: float = 5) -> Event | None:
    return channel.wait_event(lambda event: (event.kind, event.name) == ("exit", name), seconds)


def test_a_thousand_round_trips_answer_each_its_own_request(channel: Channel) -> None:
    times = [channel.call("ping")["time_ns"] for _ in range(1000)]

    assert times == sorted(times)
    assert len(times) == 1000


def test_an_unknown_operation_is_refused_and_the_agent_goes_on(channel: Channel) -> None:
    with pytest.raises(MachineError) as refused:
        channel.call("juggle")

    assert refused.value.code == "host-refused"
    assert refused.value.params["operation"] == "juggle"
    assert channel.call("ping")


@pytest.mark.parametrize(
    "arguments", [{}, {"argv": []}, {"argv": ["ss"], "user": "nobody-here"}, {"argv": ["ss"], "x": 1}]
)
def test_wrong_arguments_are_refused_and_the_agent_goes_on(channel: Channel, arguments: dict[str, Any]) -> None:
    with pytest.raises(MachineError) as refused:
        channel.call("run", **arguments)

    assert refused.value.code == "host-refused"
    assert channel.call("ping")


@pytest.mark.parametrize("line", [b"nonsense\n", b'{"op":"ping"}\n', b"[]\n", b"\xff\xfe\n", b"{}\n"])
def test_a_line_that_is_no_request_does_not_end_the_agent(hosts_up: Settings, line: bytes) -> None:
    request = json.dumps({"id": 7, "op": "ping"}).encode() + b"\n"
    answer = subprocess.run(
        ["docker", "exec", "-i", hosts_up.container("server"), *AGENT],
        input=line + request,
        capture_output=True,
        check=True,
    )

    answers = [json.loads(each) for each in answer.stdout.splitlines()]
    assert [each.get("id") for each in answers if "ok" in each] == [7]
    assert any(each.get("error") for each in answers)


def test_a_program_that_is_not_there_is_named(channel: Channel) -> None:
    with pytest.raises(MachineError, match="no-such-program-here: No such file or directory"):
        channel.call("spawn", name="p", argv=["no-such-program-here"])


def test_two_programs_cannot_have_one_name(channel: Channel) -> None:
    spawn(channel, SLEEPS)

    with pytest.raises(MachineError) as refused:
        spawn(channel, SLEEPS)
    assert refused.value.code == "host-refused"


def test_a_command_that_takes_too_long_is_ended_and_said_to_be_too_slow(hosts_up: Settings, channel: Channel) -> None:
    with pytest.raises(EvidenceError) as slow:
        channel.call("run", argv=["sh", "-c", "sleep 61; true"], timeout=0.2)

    assert slow.value.code == "host-too-slow"
    assert "sleep 61" in str(slow.value.params["detail"])
    assert eventually(lambda: not [each for each in programs(hosts_up) if "sleep 61" in each])


def test_an_agent_that_does_not_answer_in_time_is_said_to_be_too_slow(channel: Channel) -> None:
    with pytest.raises(EvidenceError) as slow:
        channel.call("run", argv=["sleep", "3"], patience=0.2)

    assert slow.value.code == "host-too-slow"


def test_a_program_that_prints_no_newline_is_heard_at_its_end(channel: Channel) -> None:
    spawn(channel, "print('no newline', end='')")

    assert said(channel, "no newline")
    assert ended(channel)
    assert kinds(channel) == ["output", "exit"]


def test_bytes_that_are_no_text_do_not_disturb(channel: Channel) -> None:
    spawn(channel, "import os, sys; os.write(1, bytes(range(256)) * 40 + b'\\nafter\\n')")

    assert said(channel, "after")
    assert ended(channel)


@pytest.mark.parametrize(
    "code",
    [
        "import os\nfor _ in range(160): os.write(1, b'y\\n' * 32768)",
        "import os\nfor _ in range(160): os.write(1, b'x' * 65536)",
    ],
    ids=["lines", "no newline"],
)
def test_ten_megabytes_of_output_are_bounded_and_said_to_be(channel: Channel, code: str) -> None:
    spawn(channel, code)

    end = ended(channel, seconds=20)
    assert end is not None
    assert end.data["status"] == 0
    assert kinds(channel)[-2:] == ["lost", "exit"]
    kept = [event.data["text"] for event in channel.events if event.kind == "output"]
    assert 64 <= len(kept) <= 5000
    assert 5000 <= sum(map(len, kept)) <= 262144
    assert channel.call("ping")


def test_a_command_without_end_to_its_output_is_bounded(channel: Channel) -> None:
    answer = channel.call("run", argv=["yes"], timeout=8)

    assert answer["status"] == -signal.SIGKILL
    assert len(answer["stdout"]) == 16777216


def test_typing_to_a_program_that_does_not_read_does_not_block_the_agent(channel: Channel) -> None:
    spawn(channel, SLEEPS)
    line = "x" * 65535 + "\n"
    for _ in range(15):
        channel.call("write", name="p", text=line)

    with pytest.raises(MachineError, match="does not read"):  # noqa: PT012 - how much a pipe takes is the kernel's
        for _ in range(3):
            channel.call("write", name="p", text=line)
    assert channel.call("ping")


def test_what_was_typed_early_is_read_late_and_wholly(channel: Channel) -> None:
    spawn(channel, "import sys; sys.stdin.readline(); print(len(sys.stdin.read()), flush=True)")
    channel.call("signal", name="p", signal_name="STOP")
    channel.call("write", name="p", text="first\n")
    channel.call("write", name="p", text="y" * 500_000)
    channel.call("close", name="p")
    channel.call("signal", name="p", signal_name="CONT")

    assert said(channel, "500000")
    assert ended(channel)


def test_typing_to_a_program_that_has_closed_its_stdin_is_refused(channel: Channel) -> None:
    spawn(channel, "import os, time; os.close(0); print('here', flush=True); time.sleep(600)")
    assert said(channel, "here")

    with pytest.raises(MachineError, match="p"):
        channel.call("write", name="p", text="hello\n")


def texts(channel: Channel, stream: str = "stdout") -> list[str]:
    return [event.data["text"] for event in channel.events if event.kind == "output" and event.data["stream"] == stream]


def test_a_program_at_a_terminal_has_one_of_its_own_that_leads_a_session(channel: Channel) -> None:
    facts = "os.getsid(0) == os.getpid() == os.tcgetpgrp(0), os.isatty(0), os.isatty(1), os.open('/dev/tty', 2) > 0"
    seat(channel, f"import os; print({facts})", "one")
    seat(channel, "import os; print(os.ttyname(0))", "two")
    assert ended(channel, "one")
    assert ended(channel, "two")

    assert "True True True True" in texts(channel)
    agent = "import os; print({open(f'/proc/{pid}/stat').read().rpartition(')')[2].split()[4] for pid in os.listdir('/proc') if pid.isdigit()})"
    assert channel.call("run", argv=[*PYTHON, agent])["stdout"].strip() == "{'0'}"  # nobody else has got a terminal


def test_a_prompt_without_newline_is_told_before_the_line_is_typed_and_what_was_typed_is_not(channel: Channel) -> None:
    seat(channel, ASKS)
    for number in range(3):
        assert said(channel, f"answer {number}> ")
        channel.call("write", name="p", text=f"line {number}\n")

    assert ended(channel)
    assert texts(channel) == [
        *("answer 0> ", "got 'line 0\\n'"),
        *("answer 1> ", "got 'line 1\\n'"),
        *("answer 2> ", "got 'line 2\\n'"),
    ]


def test_lines_of_a_terminal_end_as_those_of_a_pipe(channel: Channel) -> None:
    seat(channel, "import sys; print('one'); print(); print('two', end=''); sys.exit('an error')")

    assert ended(channel)
    assert (texts(channel), texts(channel, "stderr")) == (["one", "", "two"], ["an error"])


def test_a_newline_that_comes_late_ends_the_line_that_was_told(channel: Channel) -> None:
    seat(channel, "import os, sys; os.write(1, b'half'); sys.stdin.readline(); os.write(1, b'\\nnext\\n')")
    assert said(channel, "half")
    channel.call("write", name="p", text="\n")

    assert ended(channel)
    assert texts(channel) == ["half", "next"]


def test_ctrl_d_at_a_terminal_is_end_of_file_and_one_may_type_on(channel: Channel) -> None:
    seat(channel, "import os; print([os.read(0, 99) for _ in range(3)])")
    channel.call("write", name="p", text="中文\n")
    channel.call("close", name="p")
    channel.call("write", name="p", text="more\n")

    assert ended(channel)
    assert texts(channel) == [str(["中文\n".encode(), b"", b"more\n"])]


def test_ctrl_c_at_a_terminal_interrupts_the_program(channel: Channel) -> None:
    seat(channel, "import signal; signal.signal(2, signal.SIG_DFL); print('here', flush=True); signal.pause()")
    assert said(channel, "here")
    channel.call("write", name="p", text="\x03")

    end = ended(channel)
    assert end is not None
    assert end.data["status"] == -signal.SIGINT


def test_a_line_longer_than_a_terminal_takes_is_refused_and_none_is_cut(channel: Channel) -> None:
    seat(channel, "import sys; print(len(sys.stdin.readline()))")
    with pytest.raises(MachineError, match="4094 bytes"):
        channel.call("write", name="p", text="x" * 4095 + "\n")
    channel.call("write", name="p", text="x" * 4094 + "\n")

    assert ended(channel)
    assert texts(channel) == ["4095"]


def test_what_was_typed_at_a_terminal_early_is_read_late_and_wholly(channel: Channel) -> None:
    seat(channel, "import sys; print('here', flush=True); print(len(sys.stdin.read()))")
    assert said(channel, "here")
    channel.call("signal", name="p", signal_name="STOP")
    for _ in range(100):
        channel.call("write", name="p", text="y" * 3999 + "\n")
    channel.call("close", name="p")
    channel.call("signal", name="p", signal_name="CONT")

    assert ended(channel)
    assert texts(channel)[-1] == "400000"


def test_a_program_that_cannot_be_started_leaves_no_terminal_open(channel: Channel) -> None:
    pid = channel.call("run", argv=["pgrep", "-f", "/lab/agent"])["stdout"].split()[1]
    # Not its pipes: those of this very command may be open or not.
    count = ["sh", "-c", f"ls -l /proc/{pid}/fd | grep -c /dev/p"]
    before = channel.call("run", argv=count, user="root")["stdout"]
    for _ in range(3):
        with pytest.raises(MachineError, match="no-such-program-here"):
            channel.call("spawn", name="p", argv=["no-such-program-here"], pty=True)
    for _ in range(3):
        seat(channel, "pass", "q")
        assert ended(channel, "q")
        channel.events.clear()

    assert channel.call("run", argv=count, user="root")["stdout"] == before


def test_an_ended_program_can_be_sent_no_signal(channel: Channel) -> None:
    spawn(channel, "pass")
    assert ended(channel)

    with pytest.raises(MachineError) as refused:
        channel.call("signal", name="p", signal_name="TERM")
    assert refused.value.code == "host-refused"


def test_stopping_all_ends_who_ignores_it_who_stands_still_and_who_has_left(
    hosts_up: Settings, channel: Channel
) -> None:
    spawn(channel, IGNORES_TERM, "ignores")
    spawn(channel, SLEEPS, "stands")
    spawn(channel, FORKS_AND_LEAVES, "forks")
    for name in ("ignores", "stands", "forks"):
        assert channel.wait_event(lambda event, name=name: event.name == name, 5)  # type: ignore[misc]
    channel.call("signal", name="stands", signal_name="STOP")
    channel.call("signal", name="ignores", signal_name="TERM")

    channel.call("stop_all")

    assert [each for each in programs(hosts_up) if "/lab/agent" not in each] == []
    assert {name: end.data["status"] for name in ("ignores", "stands") if (end := ended(channel, name))} == {
        "ignores": -signal.SIGKILL,
        "stands": -signal.SIGKILL,
    }


def test_an_end_is_told_although_a_child_keeps_the_pipes_open(channel: Channel) -> None:
    spawn(channel, "import subprocess; subprocess.Popen(['sleep', '600'], start_new_session=True); print('here')")

    end = ended(channel)
    assert end is not None
    assert end.data["status"] == 0
    assert said(channel, "here")


def start_everything(channel: Channel) -> None:
    spawn(channel, IGNORES_TERM, "ignores")
    spawn(channel, SLEEPS, "stands")
    spawn(channel, FORKS_AND_LEAVES, "forks")
    seat(channel, IGNORES_HANGUP, "seated")
    channel.call("spawn", name="tcpdump", argv=["tcpdump", "-i", "eth0", "-Z", "root", "-w", "/dev/null"], user="root")
    channel.call("sample", name="s", argv=["ss", "-tanpo"])
    for name in ("ignores", "stands", "forks", "seated", "tcpdump"):
        assert channel.wait_event(lambda event, name=name: event.name == name, 5)  # type: ignore[misc]
    channel.call("signal", name="stands", signal_name="STOP")


def test_end_of_file_ends_the_agent_and_all_it_started(hosts_up: Settings, channel: Channel) -> None:
    start_everything(channel)

    channel.close()

    assert eventually(lambda: not programs(hosts_up), 2), programs(hosts_up)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["kill -9", "kill"])
@pytest.mark.parametrize("which", ["agent", "warden"])
def test_a_killed_agent_takes_all_it_started_along(
    hosts_up: Settings, channel: Channel, number: signal.Signals, which: str
) -> None:
    start_everything(channel)
    container = hosts_up.container("server")
    # What comes after them is the agent's child that has not become a program yet: `start_everything` samples.
    warden, agent, *_ = run("docker", "exec", container, "pgrep", "-f", "/lab/agent").split()
    run("docker", "exec", container, "kill", f"-{number.value}", warden if which == "warden" else agent)

    assert eventually(lambda: not programs(hosts_up), 2), programs(hosts_up)
    with pytest.raises(MachineError) as died:
        channel.call("ping")
    assert died.value.code == "host-died"


def test_killing_docker_exec_ends_the_agent_and_all_it_started(hosts_up: Settings, channel: Channel) -> None:
    start_everything(channel)

    run("pkill", "-KILL", "-f", f"^docker exec -i {hosts_up.container('server')} python3")

    assert eventually(lambda: not programs(hosts_up), 2), programs(hosts_up)


def test_a_lab_that_stops_reading_does_not_keep_the_agent_from_its_end(hosts_up: Settings) -> None:
    process = subprocess.Popen(
        ["docker", "exec", "-i", hosts_up.container("server"), *AGENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdin
        for number in range(8):
            request = {"id": number, "op": "run", "argv": ["sh", "-c", "yes | head -c 900000"], "timeout": 5}
            process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        assert eventually(lambda: not any("yes" in each for each in programs(hosts_up)))
        process.stdin.close()

        assert eventually(lambda: not programs(hosts_up), 2), programs(hosts_up)
        process.kill()


def test_a_second_agent_waits_for_the_first_and_then_says_who_is_in_the_way(
    hosts_up: Settings, channel: Channel
) -> None:
    with Channel("server", hosts_up.container("server"), 0.1) as second, pytest.raises(MachineError) as busy:
        second.wait_ready()
    assert busy.value.code == "host-busy"
    assert channel.call("ping")

    third = Channel("server", hosts_up.container("server"))
    channel.close()
    assert third.wait_ready().call("ping")
    third.close()


def test_a_host_that_stood_still_says_so(hosts_up: Settings, channel: Channel) -> None:
    with engine() as client:
        container = client.containers.get(hosts_up.container("server"))
        container.pause()
        try:
            with pytest.raises(EvidenceError):
                channel.call("ping", patience=1.6)
        finally:
            container.unpause()

    event = channel.wait_event(lambda event: event.kind == "stalled", 5)
    assert event is not None
    assert 1.0 < event.data["seconds"] < 60


def test_a_program_that_wants_all_memory_is_ended_and_the_agent_is_not(channel: Channel) -> None:
    spawn(channel, "held = [bytearray(1 << 24) for _ in range(64)]")

    end = ended(channel, seconds=20)
    assert end is not None
    assert end.data["status"] in (-signal.SIGKILL, 1)  # killed, or refused the memory
    assert channel.call("ping")


def test_no_program_of_a_learner_may_lift_the_guard_or_signal_the_agent(channel: Channel) -> None:
    for argv in (["nft", "flush", "ruleset"], ["kill", "-9", "1"], ["pkill", "-9", "-f", "/lab/agent"]):
        assert channel.call("run", argv=argv)["status"] != 0


def test_closing_wakes_who_waits_for_an_answer(hosts_up: Settings) -> None:
    errors: list[LabError] = []
    channel = Channel("server", hosts_up.container("server")).wait_ready()

    def wait() -> None:
        with contextlib.suppress(LabError):
            channel.call("run", argv=["sleep", "9"], timeout=9)
            return
        errors.append(LabError("host-died"))

    waiter = Thread(target=wait)
    waiter.start()
    assert eventually(lambda: any("sleep 9" in each for each in programs(hosts_up)))
    channel.close()
    waiter.join(5)
    assert not waiter.is_alive()
    assert len(errors) == 1


def test_the_greeting_tells_what_the_tools_say_of_themselves(channel: Channel) -> None:
    said = {
        "ss": channel.call("run", argv=["ss", "-V"])["stdout"],
        "tcpdump": channel.call("run", argv=["tcpdump", "--version"])["stdout"],
        "python": channel.call("run", argv=["python3", "-V"])["stdout"],
        "kernel.osrelease": channel.call("run", argv=["uname", "-r"])["stdout"],
        "kernel.machine": channel.call("run", argv=["uname", "-m"])["stdout"],
    }

    assert channel.facts == {name: text.splitlines()[0].strip() for name, text in said.items()}


@pytest.fixture
def bare(hosts_up: Settings) -> Iterator[str]:
    """A container of the lab's image whose packet filter nobody sets."""
    with engine() as client:
        image = client.containers.get(hosts_up.container("server")).image
        assert image
        container = client.containers.run(
            image,
            ["infinity"],
            entrypoint="sleep",
            detach=True,
            network_mode="none",
            init=True,
            tmpfs={"/run": "mode=755", "/tmp": "mode=1777"},  # noqa: S108 - the container's own
            labels={"socketlab": f"{hosts_up.name}-bare"},
        )
        try:
            yield str(container.name)
        finally:
            container.remove(force=True)


def test_nothing_runs_on_a_host_without_its_packet_guard(bare: str) -> None:
    with Channel("server", bare) as channel, pytest.raises(MachineError) as unguarded:
        channel.wait_ready()

    assert (unguarded.value.code, unguarded.value.params) == ("host-unguarded", {"host": "server", "container": bare})


def test_an_agent_waits_until_the_packet_guard_stands(bare: str) -> None:
    with Channel("server", bare) as channel:
        assert eventually(lambda: "/lab/agent" in run("docker", "top", bare, "-eo", "pid,args"))
        with pytest.raises(EvidenceError) as waits:
            channel.wait_ready(0.5)
        assert waits.value.code == "host-too-slow"

        run("docker", "exec", bare, "touch", "/run/lab-ready")

        assert channel.wait_ready().call("ping")


def test_a_machine_without_the_docker_command_says_that_no_engine_answers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(MachineError) as absent:
        Channel("server", "nobody")
    assert absent.value.code == "engine-absent"
