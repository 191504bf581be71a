"""Engines that are older, or set up in another way, than the one the lab is made with."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.settings import Settings
from tests.lab.conftest import RunLab
from tests.lab.packages import unpacked
from tests.lab.private_engine import PrivateEngine, private_engine
from tests.support import another_lab, needs_root, run, variables

pytestmark = needs_root
SECONDS = 180.0


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="engine-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)  # an engine that maps users enters it as one who owns nothing here
        yield Path(folder)


@pytest.fixture
def lab(settings: Settings) -> Settings:
    return another_lab(settings, "other")


def told(engine: PrivateEngine, lab: Settings) -> dict[str, str]:
    return variables(lab) | {"DOCKER_HOST": engine.host}


def test_the_hosts_of_an_engine_that_does_not_take_their_addresses_reach_each_other(
    place: Path, lab: Settings, run_lab: RunLab
) -> None:
    """Docker 20.10 (API 1.41): compose hands it `mac_address` in a way that it does not know."""
    old = unpacked(place / "old", "docker.io/bookworm")
    with private_engine(place, (str(old / "usr/sbin/dockerd"),)) as engine:
        version = run("docker", "-H", engine.host, "version", "--format", "{{.Server.APIVersion}}").strip()
        up = run_lab("up", env=told(engine, lab), timeout=SECONDS)
        form = "{{range .NetworkSettings.Networks}}{{.MacAddress}}{{end}}"
        given = run("docker", "-H", engine.host, "inspect", "--format", form, lab.container("server")).strip()
        link = "/sys/class/net/eth0/address"
        has = run("docker", "-H", engine.host, "exec", lab.container("server"), "cat", link).strip()
        played = run_lab("run", "3", "--json", env=told(engine, lab), timeout=SECONDS)
        down = run_lab("down", env=told(engine, lab), timeout=SECONDS)

    assert version == "1.41"
    assert (up.returncode, up.stderr) == (0, "")
    assert given != "02:00:00:00:01:02"
    assert has == "02:00:00:00:01:02"
    assert (played.returncode, played.stderr) == (0, "")
    assert down.returncode == 0


def test_an_engine_that_maps_users_has_no_recorder_and_says_why(place: Path, lab: Settings, run_lab: RunLab) -> None:
    (place / "ids").write_text("nobody:200000:65536\nnogroup:200000:65536\n")
    mounts = "".join(f"mount --bind {place}/ids /etc/{name} && " for name in ("subuid", "subgid"))
    dockerd = ("unshare", "--mount", "sh", "-c", f'{mounts}exec "$0" "$@"', "dockerd", "--userns-remap=nobody:nogroup")
    with private_engine(place, dockerd) as engine:
        up = run_lab("up", env=told(engine, lab), timeout=SECONDS)
        doctor = run_lab("doctor", env=told(engine, lab) | {"COLUMNS": "300"}, timeout=SECONDS)
        live = run_lab(
            "live", env=told(engine, lab) | {"COLUMNS": "200"}, timeout=SECONDS,
            before=["timeout", "--signal=INT", "20"],
        )  # fmt: skip
        played = run_lab("run", "3", "--json", env=told(engine, lab), timeout=SECONDS)
        down = run_lab("down", env=told(engine, lab), timeout=SECONDS)

    assert (up.returncode, up.stderr) == (0, "")
    assert "userns-remap" in doctor.stdout
    assert "userns-remap" in live.stdout
    assert "another `lab live`" not in live.stdout
    assert (played.returncode, played.stderr) == (0, "")
    assert down.returncode == 0
