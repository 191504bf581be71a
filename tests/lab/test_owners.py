"""Several users and programs on one engine: whose a lab is told before it is touched, and strangers are left alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.hosts.images import image_name
from lab.settings import ROOT, Settings
from tests.lab.conftest import RunLab
from tests.lab.faults import finish, lab, one_line
from tests.support import another_lab, left_of, run, variables
from tests.terminal import Terminal

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root may say that it types for somebody else, as sudo does"
)
MINE = {"SUDO_USER": "bob"}


@pytest.fixture(scope="module")
def shared(settings: Settings) -> Settings:
    return another_lab(settings, "shared")


@pytest.fixture
def of_alice(shared: Settings, run_lab: RunLab) -> Iterator[dict[str, str]]:
    """Alice's lab is up; yield what Bob has in his environment."""
    up = run_lab("up", env=variables(shared) | {"SUDO_USER": "alice"})
    assert up.returncode == 0, up.stderr
    yield variables(shared) | MINE
    run_lab("down", "--yes", env=variables(shared))


def ids(settings: Settings) -> list[str]:
    label = f"label=socketlab={settings.name}"
    return sorted(
        run("docker", "ps", "-q", "--filter", label).split()
        + run("docker", "network", "ls", "-q", "--filter", label).split()
    )


@pytest.mark.parametrize(
    "command", ["up", "down", "reset", "run 3", "run 3 --json", "run --all", "shell server", "conform serve_select"]
)
def test_a_lab_of_another_user_is_named_and_not_touched(
    of_alice: dict[str, str], shared: Settings, run_lab: RunLab, command: str
) -> None:
    before = ids(shared)
    answer = run_lab(*command.split(), env=of_alice)

    assert answer.returncode == 3
    assert "belongs to alice" in one_line(answer)
    assert str(ROOT) in one_line(answer)
    assert "--yes" in one_line(answer)
    assert ids(shared) == before


def test_who_only_looks_is_told_whose_it_is(of_alice: dict[str, str], run_lab: RunLab) -> None:
    status = run_lab("status", env=of_alice)
    doctor = run_lab("doctor", env=of_alice | {"COLUMNS": "200"})
    assert "owner   alice" in status.stdout
    assert "belongs to alice" in doctor.stdout


@pytest.mark.parametrize("way", ["--yes", "YES=1"])
def test_a_lab_is_taken_over_by_who_says_so(
    of_alice: dict[str, str], shared: Settings, run_lab: RunLab, way: str
) -> None:
    before = set(ids(shared))
    more, env = (["--yes"], {}) if way == "--yes" else ([], {"YES": "1"})
    taken = run_lab("up", *more, env=of_alice | env)
    mine = run_lab("up", env=of_alice)  # from now on without
    alices = run_lab("run", "3", env=of_alice | {"SUDO_USER": "alice"})

    assert (taken.returncode, taken.stderr) == (0, "")
    assert not before & set(ids(shared))
    assert mine.returncode == 0
    assert "belongs to bob" in one_line(alices)


@pytest.mark.parametrize(("said", "code"), [("n", 3), ("", 3), ("y", 0)])
def test_on_a_terminal_it_is_asked(of_alice: dict[str, str], shared: Settings, said: str, code: int) -> None:
    before = ids(shared)
    asked = os.environ | of_alice | {"LAB_LANG": "en", "ASK": "1", "CI": ""}
    terminal = Terminal([sys.executable, "-m", "lab.cli", "down"], asked, columns=250)
    terminal.wait(r"belongs to alice.*\n.*Take the lab over\? \[y/N\] ")
    terminal.type(said)

    assert terminal.end() == code
    assert ids(shared) == ([] if code == 0 else before)


def test_two_checkouts_of_one_user_share_the_hosts(settings: Settings, tmp_path: Path, run_lab: RunLab) -> None:
    both = another_lab(settings, "both")
    copy = tmp_path / "copy"
    for part in ("lab", "images", "exercises"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "compose.yaml", copy)
    try:
        first = run_lab("up", env=variables(both))
        before = ids(both)
        with lab("reset", runs=tmp_path / "runs", env=variables(both), root=copy) as process:
            second = finish(process)
        after = ids(both)
    finally:
        run_lab("down", env=variables(both))

    assert (first.returncode, second.returncode, second.stderr) == (0, 0, "")
    assert after == before


# --- strangers -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def beside(settings: Settings) -> Settings:
    return another_lab(settings, "beside")


STRANGERS = {
    "a container named like a host": (["--name", "{lab}-server"], "The container {lab}-server is not the lab's"),
    "a host of another lab that is so called": (
        ["--name", "{lab}-client", "--label", "socketlab=another"],
        "The container {lab}-client is not the lab's",
    ),
    "a service of a Compose project of that name": (
        [
            "--name",
            "{lab}-web",
            "--label",
            "com.docker.compose.project={lab}",
            "--label",
            "com.docker.compose.service=server",
        ],
        "A Compose project is called {lab}",
    ),
}


@pytest.mark.parametrize(("options", "words"), STRANGERS.values(), ids=STRANGERS)
@pytest.mark.parametrize("command", ["up", "run 3"])
def test_a_strangers_container_is_named_and_left_alone(
    beside: Settings, run_lab: RunLab, options: list[str], words: str, command: str
) -> None:
    begun = [option.format(lab=beside.name) for option in options]
    stranger = run(
        "docker", "run", "-d", "--init", "--network", "none", *begun, "--entrypoint", "sleep", image_name(), "60"
    ).strip()
    try:
        answer = run_lab(*command.split(), env=variables(beside))
        doctor = run_lab("doctor", env=variables(beside) | {"COLUMNS": "200"})
        down = run_lab("down", env=variables(beside))
        state = run("docker", "inspect", "--format", "{{.State.Status}}", stranger).strip()
    finally:
        run("docker", "rm", "-f", stranger)

    assert answer.returncode == 3
    assert words.format(lab=beside.name) in one_line(answer)
    assert "LAB_NAME=other" in one_line(answer)
    assert (doctor.returncode, "LAB_NAME=other make up" in doctor.stdout) == (3, True)
    assert (down.returncode, state) == (0, "running")
    assert left_of(beside) == []


@pytest.mark.parametrize(
    "labels", [[], ["--label", "socketlab=another"], ["--label", "com.docker.compose.project=web"]]
)
def test_a_strangers_network_is_named_and_left_alone(beside: Settings, run_lab: RunLab, labels: list[str]) -> None:
    name = f"{beside.name}_lan"
    stranger = run("docker", "network", "create", "--internal", *labels, name).strip()
    try:
        answer = run_lab("up", env=variables(beside))
        down = run_lab("down", env=variables(beside))
        there = run("docker", "network", "ls", "-q", "--no-trunc", "--filter", f"name={name}").split()
    finally:
        run("docker", "network", "rm", stranger)

    assert answer.returncode == 3
    assert f"The Docker network {name} is not the lab's" in one_line(answer)
    assert (down.returncode, there) == (0, [stranger])


# --- what the hosts are made of ------------------------------------------------------------------------------------------


def test_another_architecture_that_is_preferred_elsewhere_does_not_matter(beside: Settings, run_lab: RunLab) -> None:
    answer = run_lab("up", env=variables(beside) | {"DOCKER_DEFAULT_PLATFORM": "linux/s390x"})
    run_lab("down", env=variables(beside))
    assert (answer.returncode, answer.stderr) == (0, "")


def test_a_base_that_is_asked_for_makes_another_image() -> None:
    ask = "from lab.hosts.images import image_name; print(image_name())"

    def named(**more: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", ask], cwd=ROOT, env=os.environ | more, check=True, capture_output=True, text=True
        ).stdout

    assert named() == named(LAB_BASE_IMAGE="") != named(LAB_BASE_IMAGE="mine:1") != named(LAB_BASE_IMAGE="mine:2")


@pytest.mark.parametrize("host", ["server", "client"])
def test_a_host_with_another_hardware_address_is_the_machines_fault(
    beside: Settings, run_lab: RunLab, host: str
) -> None:
    env = variables(beside)
    try:
        assert run_lab("up", env=env).returncode == 0
        run(
            "docker",
            "exec",
            "-u",
            "root",
            beside.container(host),
            "ip",
            "link",
            "set",
            "eth0",
            "address",
            "02:00:00:00:99:99",
        )
        played = run_lab("run", "3", env=env)
        findings = run_lab("doctor", env=env | {"COLUMNS": "200"})
        again = [run_lab(*command.split(), env=env).returncode for command in ("down", "up", "run 3")]
    finally:
        run_lab("down", env=env)

    assert played.returncode == 3
    assert f"host {host} " in one_line(played)
    assert "02:00:00:00:99:99 instead of 02:00:00:00:01:0" in one_line(played)
    assert ("02:00:00:00:99:99" in findings.stdout) is (host == "server")
    assert again == [0, 0, 0]


def test_hosts_have_limits_of_memory_with_swap_and_of_processors(beside: Settings, run_lab: RunLab) -> None:
    form = "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.CpuQuota}} {{.HostConfig.CpuPeriod}}"
    try:
        assert run_lab("up", env=variables(beside)).returncode == 0
        limits = [
            run("docker", "inspect", "--format", form, beside.container(host)).split()
            for host in ("server", "client", "recorder")
        ]
    finally:
        run_lab("down", env=variables(beside))
    assert all(memory == swap != "0" for memory, swap, _, _ in limits)
    assert {(quota, period) for _, _, quota, period in limits} == {("200000", "100000")}
