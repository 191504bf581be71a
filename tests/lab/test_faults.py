"""Faults of the machine, of hosts, of probes and of what is typed: one clear line, the right exit code, nothing left."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from lab.hosts.channel import Channel
from lab.recording.saved import FORMAT
from lab.settings import ROOT, Settings
from tests.lab.conftest import RunLab
from tests.lab.faults import FULL, environment, finish, here, lab, one_line, programs, runs_program, when
from tests.support import another_lab, eventually, left_of, needs_root, run, variables

NOT_OWNER = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
"""Root as a user who may not do everything."""


@pytest.fixture
def elsewhere(settings: Settings) -> dict[str, str]:
    """The variables of a lab that is not up."""
    return variables(another_lab(settings))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "99"), "There is no exercise 99."),
        (("run", "-3"), "There is no exercise -3."),
        (("run", "three"), "three"),
        (("run", "3.0"), "3.0"),
        (("run", ""), "''"),
        (("run",), "N"),
        (("run", "3", "--server", "serve_nothing"), "There is no server program `serve_nothing`."),
        (("run", "3", "--frobnicate"), "--frobnicate"),
        (("frobnicate",), "frobnicate"),
        ((), "COMMAND"),
        (("shell", "router"), "router"),
        (("judge", "no/such/run"), "no/such/run is not a saved run"),
        (("judge", "x" * 5000), "is not a saved run"),
        (("judge", "²"), "² is not a saved run"),
        (("judge", "compose.yaml"), "compose.yaml is not a saved run"),
        (("explain", "LISTENING-TO-MUSIC"), "is not in the glossary"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments: tuple[str, ...], words: str) -> None:
    answer = here(*arguments)

    assert answer.returncode == 2
    assert words in one_line(answer)
    assert answer.stdout == ""


# -- hosts


def test_a_taken_port_names_its_holder_and_leaves_it_alone_until_reset(hosts_up: Settings, run_lab: RunLab) -> None:
    server, address = hosts_up.container("server"), hosts_up.addresses["server"]
    run("docker", "exec", "-d", "-u", "lab", server, "serve_blocking", address, "8000")
    assert eventually(lambda: runs_program(hosts_up, "serve_blocking"))

    answer = run_lab("run", "3")

    assert answer.returncode == 3
    assert "Port 8000 on the host server is taken by serve_blocking (pid " in one_line(answer)
    assert runs_program(hosts_up, "serve_blocking")
    assert run_lab("reset").returncode == 0
    assert eventually(lambda: programs(hosts_up) == [])
    assert run_lab("run", "3").returncode == 0


def test_a_port_that_root_has_taken_is_named_too(hosts_up: Settings, run_lab: RunLab) -> None:
    run("docker", "exec", "-d", hosts_up.container("server"), "serve_blocking", "0.0.0.0", "8000")  # noqa: S104 - in the host
    assert eventually(lambda: runs_program(hosts_up, "serve_blocking"))

    assert "serve_blocking (pid " in one_line(run_lab("run", "3"))
    assert run_lab("reset").returncode == 0
    assert eventually(lambda: programs(hosts_up) == [])


def test_reset_leaves_a_learners_shell_open(hosts_up: Settings, run_lab: RunLab) -> None:
    command = ["docker", "exec", "-i", "-u", "lab", hosts_up.container("client"), "bash"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdin
        assert shell.stdout
        shell.stdin.write("sleep 600 &\necho here\n")
        shell.stdin.flush()
        assert shell.stdout.readline() == "here\n"

        assert run_lab("reset").returncode == 0

        shell.stdin.write("echo still here\n")
        shell.stdin.flush()
        assert shell.stdout.readline() == "still here\n"
        shell.stdin.close()
    assert eventually(lambda: programs(hosts_up) == [])


@pytest.mark.parametrize(("command", "host"), [(("run", "3"), "server"), (("reset",), "client")])
def test_a_host_that_another_lab_drives_is_not_disturbed(
    hosts_up: Settings, run_lab: RunLab, command: tuple[str, ...], host: str
) -> None:
    with Channel(host, hosts_up.container(host)) as channel:
        channel.wait_ready()

        answer = run_lab(*command)

        assert answer.returncode == 3
        assert "is in use by another `lab` at this moment" in one_line(answer)
        assert channel.call("ping")
    assert eventually(lambda: programs(hosts_up) == [])


@pytest.mark.parametrize("other", ["3", "5"])
def test_of_two_runs_that_begin_at_once_each_has_its_turn(hosts_up: Settings, tmp_path: Path, other: str) -> None:
    # Exercise 5 needs other sysctls: whoever comes second makes the hosts anew, and must not do so under the first.
    with lab("run", other, runs=tmp_path / "a") as first, lab("run", "3", runs=tmp_path / "b") as second:
        answers = [finish(first, 180), finish(second, 180)]

    assert [answer.returncode for answer in answers] == [0, 0], [answer.stderr for answer in answers]
    assert eventually(lambda: programs(hosts_up) == [])


@pytest.mark.parametrize("command", [("reset",), ("watch",)])
def test_hosts_that_are_down_are_said_to_be(
    run_lab: RunLab, elsewhere: dict[str, str], command: tuple[str, ...]
) -> None:
    answer = run_lab(*command, env=elsewhere)

    assert answer.returncode == 3
    # Who looks at both hosts at once may be answered by either first.
    assert re.fullmatch(r"lab: The host (server|client) is not running\. Type `make up`\.", one_line(answer))


def test_down_when_nothing_is_there_says_so(run_lab: RunLab, elsewhere: dict[str, str]) -> None:
    answer = run_lab("down", env=elsewhere)

    assert answer.returncode == 0
    assert answer.stdout == f"Lab {elsewhere['LAB_NAME']} is down: nothing of it is left.\n"


def test_two_downs_at_once_both_succeed(settings: Settings, run_lab: RunLab, tmp_path: Path) -> None:
    other = another_lab(settings)
    assert run_lab("up", env=variables(other)).returncode == 0

    with (
        lab("down", runs=tmp_path, env=variables(other)) as first,
        lab("down", runs=tmp_path, env=variables(other)) as second,
    ):
        answers = [finish(first), finish(second)]

    assert [(answer.returncode, answer.stderr) for answer in answers] == [(0, ""), (0, "")]
    assert left_of(other) == []


def test_a_host_killed_in_a_run_is_the_machines_fault(hosts_up: Settings, run_lab: RunLab, tmp_path: Path) -> None:
    with lab("run", "3", runs=tmp_path) as process:
        when(process, lambda: runs_program(hosts_up, "serve_blocking"))
        run("docker", "kill", hosts_up.container("server"))
        answer = finish(process)

    assert answer.returncode == 3
    assert "The host server" in one_line(answer)
    assert "was stopped while the lab used it" in one_line(answer)
    assert run_lab("run", "3").returncode == 0


def test_a_host_restarted_in_a_run_is_the_machines_fault(hosts_up: Settings, run_lab: RunLab, tmp_path: Path) -> None:
    with lab("run", "3", runs=tmp_path) as process:
        when(process, lambda: runs_program(hosts_up, "prompt", "client"))
        run("docker", "restart", "-t", "1", hosts_up.container("client"))
        answer = finish(process)

    assert answer.returncode == 3
    assert "The host client" in one_line(answer)
    assert run_lab("run", "3").returncode == 0


def pause(container: str) -> None:
    """Pause a host; where its cgroup is busy with starting programs the engine cannot freeze it, and says so."""
    assert eventually(
        lambda: subprocess.run(["docker", "pause", container], capture_output=True, check=False).returncode == 0
    )


def test_a_paused_host_is_the_machines_fault(hosts_up: Settings, run_lab: RunLab, tmp_path: Path) -> None:
    server = hosts_up.container("server")
    with lab("run", "3", runs=tmp_path) as process:
        when(process, lambda: runs_program(hosts_up, "serve_blocking"))
        pause(server)
        try:
            answer = finish(process)
            again = run_lab("reset")
        finally:
            run("docker", "unpause", server)

    assert (answer.returncode, again.returncode) == (3, 3)
    assert "The host server is paused" in one_line(answer)
    assert "docker unpause" in one_line(again)
    assert eventually(lambda: programs(hosts_up) == [])
    assert run_lab("run", "3").returncode == 0


def test_a_host_that_stood_still_for_a_while_fails_no_program(hosts_up: Settings, tmp_path: Path) -> None:
    server = hosts_up.container("server")
    with lab("run", "3", runs=tmp_path) as process:
        when(process, lambda: runs_program(hosts_up, "prompt", "client"))
        pause(server)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(3)
        run("docker", "unpause", server)
        answer = finish(process)

    assert answer.returncode in (0, 4), answer.stdout


# -- probes and programs


def kill_in(settings: Settings, host: str, name: str, number: int) -> None:
    run("docker", "exec", settings.container(host), "pkill", f"-{number}", "-x", name)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT] if FULL else [signal.SIGKILL])
def test_a_capture_that_was_ended_too_early_decides_nothing(hosts_up: Settings, tmp_path: Path, number: int) -> None:
    with lab("run", "3", runs=tmp_path) as process:
        when(process, lambda: runs_program(hosts_up, "serve_blocking"))
        kill_in(hosts_up, "server", "tcpdump", number)
        answer = finish(process)

    assert answer.returncode == 4
    assert "The capture on server ended before the lab ended it" in " ".join(answer.stdout.split())
    assert eventually(lambda: programs(hosts_up) == [])


def test_a_capture_that_stands_still_decides_nothing(hosts_up: Settings, tmp_path: Path) -> None:
    with lab("run", "3", runs=tmp_path) as process:
        when(process, lambda: runs_program(hosts_up, "serve_blocking"))
        kill_in(hosts_up, "server", "tcpdump", signal.SIGSTOP)
        answer = finish(process)

    assert answer.returncode == 4
    assert eventually(lambda: programs(hosts_up) == [])


def test_what_arrives_before_the_filter_is_set_makes_no_capture_incomplete(hosts_up: Settings, tmp_path: Path) -> None:
    # UDP, which no filter of the lab's lets through: the kernel counts it as received until the filter is there.
    send = "import socket, time\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nend = time.time() + 5\n"
    send += f"while time.time() < end: s.sendto(b'x', ('{hosts_up.addresses['server']}', 9))"
    container = hosts_up.container("client")
    run("docker", "exec", "-d", container, "python3", "-I", "-S", "-c", send)
    with lab("run", "3", runs=tmp_path) as process:
        answer = finish(process)

    assert answer.returncode == 0, answer.stdout


def test_a_server_killed_from_outside_fails_and_says_how(hosts_up: Settings, tmp_path: Path) -> None:
    with lab("run", "3", runs=tmp_path) as process:
        when(process, lambda: runs_program(hosts_up, "prompt", "client"))
        kill_in(hosts_up, "server", "serve_blocking", signal.SIGKILL)
        answer = finish(process)

    assert answer.returncode == 1
    assert answer.stderr == ""
    assert eventually(lambda: programs(hosts_up) == [])


# -- the image and the engine


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the project."""
    folder = tmp_path / "copy"
    for part in ("lab", "exercises", "images"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "compose.yaml", folder)
    return folder


@pytest.mark.parametrize("command", [("up",), ("run", "3")])
def test_a_missing_image_is_named_with_its_remedy(
    settings: Settings, copy: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    (copy / "images" / "host" / "edited").write_text("now it is another image")
    other = another_lab(settings)

    with lab(*command, runs=tmp_path / "runs", env=variables(other), root=copy) as process:
        answer = finish(process)

    assert answer.returncode == 3
    assert "The image of the hosts, socketlab/host:" in one_line(answer)
    assert "Type `make images`" in one_line(answer)
    assert left_of(other) == []
    assert not (tmp_path / "runs").exists()


COMMANDS = [("up",), ("down",), ("reset",), ("status",), ("images",), ("shell", "server"), ("watch",), ("run", "3")]
SOME = COMMANDS if FULL else [*COMMANDS[2::5], ("watch",)]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_without_an_engine_every_command_says_so(run_lab: RunLab, command: tuple[str, ...]) -> None:
    answer = run_lab(*command, env={"DOCKER_HOST": "unix:///nonexistent/docker.sock"})

    assert answer.returncode == 3
    line = one_line(answer)
    assert "unix:///nonexistent/docker.sock" in line
    assert line.endswith("type: unset DOCKER_HOST")


@pytest.mark.parametrize("command", SOME, ids=" ".join)
def test_without_the_docker_command_every_command_still_speaks_clearly(
    run_lab: RunLab, tmp_path: Path, elsewhere: dict[str, str], command: tuple[str, ...]
) -> None:
    answer = run_lab(*command, env={**elsewhere, "PATH": str(tmp_path), "DOCKER_HOST": "unix:///nonexistent"})

    assert answer.returncode == 3
    assert one_line(answer).startswith("lab: No Docker engine answers on this machine.")


@needs_root
@pytest.mark.parametrize("command", SOME, ids=" ".join)
def test_an_engine_that_may_not_be_used_is_said_to_be_so(tmp_path: Path, command: tuple[str, ...]) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "docker.sock"))
        listener.listen()
        os.chown(tmp_path / "docker.sock", 65534, 65534)
        (tmp_path / "docker.sock").chmod(0o600)
        env = {"DOCKER_HOST": f"unix://{tmp_path / 'docker.sock'}"}
        with lab(*command, runs=tmp_path / "runs", env=env, before=NOT_OWNER) as process:
            answer = finish(process)

    assert answer.returncode == 3
    assert one_line(answer).startswith("lab: The Docker engine is there, but this user may not use it.")


# -- where runs are kept


def test_a_run_folder_that_is_a_file_is_said_before_anything_is_played(run_lab: RunLab, tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")

    answer = run_lab("run", "3")

    assert answer.returncode == 3
    assert "cannot be kept in" in one_line(answer)
    assert "Not a directory" in one_line(answer)


@needs_root
def test_a_run_folder_that_may_not_be_written_is_said_before_anything_is_played(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    runs.mkdir(mode=0o555)
    os.chown(runs, 65534, 65534)

    with lab("run", "3", runs=runs, before=NOT_OWNER) as process:
        answer = finish(process)

    assert answer.returncode == 3
    assert "cannot be kept in" in one_line(answer)
    assert "Permission denied" in one_line(answer)


@needs_root
@pytest.mark.parametrize("size", ["4k", "48k"] if FULL else ["48k"])
def test_a_full_disk_is_said_and_leaves_no_half_run(hosts_up: Settings, tmp_path: Path, size: str) -> None:
    runs = tmp_path / "runs"
    runs.mkdir()
    script = f"mount -t tmpfs -o size={size} none {runs} && {sys.executable} -m lab.cli run 3; echo $?; find {runs}"
    answer = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script],
        cwd=ROOT, env=environment(runs), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip

    assert answer.stdout.split() == ["3", str(runs)]
    assert "cannot be kept in" in one_line(answer)
    assert "No space left on device" in one_line(answer)
    assert eventually(lambda: programs(hosts_up) == [])


# -- where output goes


def test_a_reader_who_leaves_is_no_error() -> None:
    script = f"{sys.executable} -m lab.cli list | head -1; echo ${{PIPESTATUS[@]}}"
    answer = subprocess.run(
        ["bash", "-c", script],
        cwd=ROOT,
        env=os.environ | {"LAB_LANG": "en"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.stderr == ""
    assert answer.stdout.splitlines()[-1] == "0 0"


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_verdict_outlives_its_reader(failed: Path, more: tuple[str, ...]) -> None:
    script = f"{sys.executable} -m lab.cli judge {failed} {' '.join(more)} | true; echo ${{PIPESTATUS[0]}}"
    answer = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (answer.stdout, answer.stderr) == ("1\n", "")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] if FULL else ["<&- >&- 2>&-"])
def test_closed_streams_change_no_verdict(hosts_up: Settings, tmp_path: Path, closed: str) -> None:
    answer = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m lab.cli run 3 {closed}"],
        cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert answer.returncode == 0
    assert answer.stderr == ""
    assert eventually(lambda: programs(hosts_up) == [])


@pytest.mark.parametrize("command", ["list", "judge {saved}", "judge {saved} --json"])
def test_output_that_cannot_be_written_is_said(saved: Path, command: str) -> None:
    script = f"{sys.executable} -m lab.cli {command.format(saved=saved)} >/dev/full"
    answer = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, env=environment(saved), capture_output=True, text=True, check=False
    )

    assert answer.returncode == 3
    assert "No space left on device" in one_line(answer)


# -- judging without an engine


@pytest.fixture(scope="module")
def kept(hosts_up: Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run that passed and one that failed, as `lab run` kept them."""
    found: dict[str, Path] = {}
    assert programs(hosts_up) == []
    for name, more in {"saved": (), "failed": ("--server", "forgets_close")}.items():
        runs = tmp_path_factory.mktemp(name)
        with lab("run", "3", *more, "--json", runs=runs) as process:
            answer = finish(process)
        assert answer.returncode == (1 if more else 0), answer.stderr
        (runs / "said.json").write_text(answer.stdout)
        found[name] = runs
    return found


@pytest.fixture
def saved(kept: dict[str, Path], tmp_path: Path) -> Path:
    """A copy of the run that passed, for a test to damage."""
    return Path(shutil.copytree((kept["saved"] / "ex03" / "latest").resolve(), tmp_path / "saved"))


@pytest.fixture
def failed(kept: dict[str, Path]) -> Path:
    return kept["failed"] / "ex03" / "latest"


NO_ENGINE = """
import sys

def watch(event, arguments):
    if event in ("subprocess.Popen", "os.exec", "os.fork", "os.posix_spawn", "os.system", "socket.connect", "socket.bind"):
        sys.stderr.write(f"{event} {arguments}")
        raise SystemExit(99)
    if event == "import" and arguments[0].partition(".")[0] in ("docker", "requests"):
        raise ImportError(f"no {arguments[0]} here")

sys.addaudithook(watch)
from lab.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize("which", ["saved", "failed"])
def test_a_kept_run_gets_the_same_verdict_where_no_engine_is(kept: dict[str, Path], tmp_path: Path, which: str) -> None:
    env = environment(kept[which], {"PATH": str(tmp_path), "DOCKER_HOST": "unix:///nonexistent"})
    answer = subprocess.run(
        [sys.executable, "-c", NO_ENGINE, "judge", "3", "--json"],
        cwd=ROOT, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert answer.stderr == ""
    assert answer.returncode == (0 if which == "saved" else 1)
    assert json.loads(answer.stdout) == json.loads((kept[which] / "said.json").read_text())
    assert json.loads(answer.stdout) == json.loads((kept[which] / "ex03" / "latest" / "verdict.json").read_text())


def test_judging_writes_nothing(kept: dict[str, Path], run_lab: RunLab) -> None:
    folder = (kept["saved"] / "ex03" / "latest").resolve()
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}

    assert run_lab("judge", str(folder)).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def undecided(folder: Path) -> str:
    answer = here("judge", str(folder))
    assert answer.returncode == 4, answer.stdout
    return one_line(answer)


def test_a_capture_cut_anywhere_names_the_packet(saved: Path) -> None:
    whole = (saved / "server.pcap").read_bytes()
    first = 24 + 16 + int.from_bytes(whole[32:36], sys.byteorder)
    cuts = {
        0: "is empty",
        10: "within its header",
        24 + 7: "packet 1 ",
        first - 1: "packet 1 ",
        first + 20: "packet 2 ",
    }
    for size, words in {**cuts, len(whole) - 1: "cut short within packet"}.items():
        (saved / "server.pcap").write_bytes(whole[:size])
        line = undecided(saved)
        assert "server.pcap" in line
        assert words in line, size


def test_a_capture_cut_between_packets_is_not_the_runs(saved: Path) -> None:
    whole = (saved / "server.pcap").read_bytes()
    first = 24 + 16 + int.from_bytes(whole[32:36], sys.byteorder)
    (saved / "server.pcap").write_bytes(whole[:first])

    assert "server.pcap is not the capture that this run recorded: it holds 1 frames" in undecided(saved)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"10:00:00 IP 1.2.3.4.5 > 6.7.8.9.10: Flags [S]\n", "is a text"),
        (b"\x0a\x0d\x0d\x0a" + bytes(200), "pcapng"),
        (b"\x1f\x8b" + bytes(200), "gzip"),
        (bytes(range(200)), "is not a capture file"),
    ],
)
def test_what_is_no_capture_is_said_to_be_none(saved: Path, content: bytes, words: str) -> None:
    (saved / "client.pcap").write_bytes(content)

    line = undecided(saved)
    assert "client.pcap" in line
    assert words in line


def test_another_runs_capture_is_not_taken_for_this_ones(saved: Path, failed: Path) -> None:
    shutil.copy(failed / "server.pcap", saved / "server.pcap")

    assert "server.pcap is not the capture that this run recorded" in undecided(saved)


def test_a_capture_that_dropped_packets_decides_nothing(saved: Path) -> None:
    document = json.loads((saved / "evidence.json").read_text())
    document["captures"][0]["dropped"] = 5
    (saved / "evidence.json").write_text(json.dumps(document))

    answer = here("judge", str(saved))
    assert answer.returncode == 4
    assert "and dropped 5" in " ".join(answer.stdout.split())


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda text: text[: len(text) // 2], "evidence.json, line "),
        (lambda text: text.replace('"steps": [', '"steps": [,', 1), "evidence.json, line "),
        (lambda _: "", "evidence.json, line 1, column 1"),
        (lambda _: "[]", "field"),
        (lambda text: text.replace('"begun_ns"', '"begun"', 1), "begun_ns"),
        (lambda text: text.replace('"role": "server"', '"role": 7', 1), "parties[0].role"),
        (lambda text: text.replace(f'"format": {FORMAT}', '"format": 999', 1), "format version 999"),
        (lambda text: text.replace('"server.pcap"', '"/etc/passwd"', 1), "outside its own folder"),
    ],
)  # fmt: skip
def test_damaged_evidence_names_the_place(saved: Path, damage: object, words: str) -> None:
    text = (saved / "evidence.json").read_text()
    assert callable(damage)
    (saved / "evidence.json").write_text(damage(text))

    assert words in undecided(saved)


def test_every_missing_file_of_a_run_is_named(saved: Path) -> None:
    files = sorted(path for path in saved.rglob("*") if path.is_file())
    assert len(files) > 10
    raw = [path for path in files if path.suffix in (".txt", ".pcap")]
    for path in raw[:: len(raw) // 5]:
        path.rename(path.with_suffix(".away"))
        assert f"{path.relative_to(saved)} is missing" in undecided(saved)
        path.with_suffix(".away").rename(path)

    (saved / "evidence.json").unlink()
    answer = here("judge", str(saved))
    assert answer.returncode == 2
    assert "there is no evidence.json in it" in one_line(answer)


def test_a_run_of_an_exercise_that_is_not_there_is_wrong_usage(saved: Path) -> None:
    for wrong in ("ex98", "ex²", "../../etc", "ex" + "9" * 5000):
        document = json.loads((saved / "evidence.json").read_text())
        document["exercise"] = wrong
        (saved / "evidence.json").write_text(json.dumps(document))

        answer = here("judge", str(saved))
        assert answer.returncode == 2
        assert "There is no exercise" in one_line(answer)
