"""The lab uses the one engine that the command `docker` uses, however that is told, and for everything."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from lab.hosts.images import image_name
from lab.settings import Settings
from tests.lab.conftest import RunLab
from tests.lab.faults import FULL
from tests.lab.gateway import certificates, over_ssh, over_tcp
from tests.lab.private_engine import PrivateEngine, private_engine
from tests.support import another_lab, left_of, needs_root, run, variables

pytestmark = needs_root
Variables = Mapping[str, str]
SECONDS: Final = 300.0
"""By ssh each of the SDK's connections takes as long as a login."""
TLS: Final = "tcp://127.0.0.1:2376"
"""Where the engine listens in its own network namespace."""


@pytest.fixture(scope="module")
def engine() -> Iterator[PrivateEngine]:
    with tempfile.TemporaryDirectory(prefix="engine-", ignore_cleanup_errors=True) as name:
        options = certificates(Path(name) / "tls")
        with private_engine(Path(name), ("dockerd", f"--host={TLS}", *options)) as found:
            yield found


@pytest.fixture(scope="module")
def lab(settings: Settings) -> Settings:
    return another_lab(settings, "one")


def by_socket(engine: PrivateEngine, _: Path, __: ExitStack) -> Variables:
    return {"DOCKER_HOST": engine.host}


def by_context(engine: PrivateEngine, folder: Path, _: ExitStack) -> Variables:
    return {**context(folder, f"host={engine.host}"), "DOCKER_CONTEXT": "mine"}


def by_chosen_context(engine: PrivateEngine, folder: Path, _: ExitStack) -> Variables:
    where = context(folder, f"host={engine.host}")
    run("docker", "context", "use", "mine", env=os.environ | where)
    return where


def by_tcp(engine: PrivateEngine, _: Path, stack: ExitStack) -> Variables:
    return {"DOCKER_HOST": stack.enter_context(over_tcp(engine.host.removeprefix("unix://")))}


def by_context_with_tls(engine: PrivateEngine, folder: Path, _: ExitStack) -> Variables:
    parts = (f"{name}={engine.folder / 'tls' / name}.pem" for name in ("ca", "cert", "key"))
    return {**context(folder, ",".join((f"host={TLS}", *parts))), "DOCKER_CONTEXT": "mine"}


def by_tls_variables(engine: PrivateEngine, _: Path, __: ExitStack) -> Variables:
    return {"DOCKER_HOST": TLS, "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(engine.folder / "tls")}


def by_ssh(engine: PrivateEngine, folder: Path, stack: ExitStack) -> Variables:
    address, needed = stack.enter_context(over_ssh(folder / "ssh", engine.host))
    return {"DOCKER_HOST": address, **needed}


def by_context_with_ssh(engine: PrivateEngine, folder: Path, stack: ExitStack) -> Variables:
    address, needed = stack.enter_context(over_ssh(folder / "ssh", engine.host))
    return {**context(folder, f"host={address}"), "DOCKER_CONTEXT": "mine", **needed}


def context(folder: Path, description: str) -> dict[str, str]:
    """Make a context called mine, in a configuration of its own; return the variable that names that."""
    where = {"DOCKER_CONFIG": str(folder / "config")}
    run("docker", "context", "create", "mine", "--docker", description, env=os.environ | where)
    return where


WAYS = (
    by_socket,
    by_context,
    by_chosen_context,
    by_tcp,
    by_context_with_tls,
    by_tls_variables,
    by_context_with_ssh,
    # Each connection is a login, and what differs from the way before it is shown by the sockets.
    *((by_ssh,) if FULL else ()),
)


EACH_TRANSPORT: Final = (by_context, by_tcp, by_tls_variables, by_context_with_ssh)
"""The other ways end in the same connections."""
INSIDE: Final = (by_context_with_tls, by_tls_variables)
"""Ways that lead to the engine from within its own network namespace alone."""


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__)
def told(
    request: pytest.FixtureRequest, engine: PrivateEngine, lab: Settings, tmp_path: Path, run_lab: RunLab
) -> Iterator[dict[str, str]]:
    """What is told to `docker`, in one of the ways."""
    way: Callable[[PrivateEngine, Path, ExitStack], Variables] = request.param
    with ExitStack() as stack:
        yield variables(lab) | dict(way(engine, tmp_path, stack))
    run_lab("down", "--yes", env=variables(lab) | {"DOCKER_HOST": engine.host}, timeout=SECONDS)


@pytest.fixture
def before(request: pytest.FixtureRequest, engine: PrivateEngine, told: dict[str, str]) -> list[str]:  # noqa: ARG001 - the same way
    return engine.inside() if request.node.callspec.params["told"] in INSIDE else []


def there(engine: PrivateEngine) -> list[str]:
    return sorted(run("docker", "-H", engine.host, "ps", "-a", "--format", "{{.Names}}").split())


def test_everything_is_made_seen_and_removed_on_that_engine(
    engine: PrivateEngine, told: dict[str, str], before: list[str], lab: Settings, run_lab: RunLab
) -> None:
    up = run_lab("up", env=told, before=before, timeout=SECONDS)
    made, elsewhere = there(engine), left_of(lab)
    status, doctor = (
        run_lab(*asked, env=told, before=before, timeout=SECONDS) for asked in (["status"], ["doctor", "--json"])
    )
    make = run(*before, "make", "--no-print-directory", "status", env=os.environ | told | {"LAB_LANG": "en"})
    down = run_lab("down", env=told, before=before, timeout=SECONDS)

    assert (up.returncode, up.stderr) == (0, "")
    assert made == sorted(lab.container(host) for host in ("client", "server", "recorder"))
    assert elsewhere == []
    assert status.stdout.count("running") == 3
    findings = {each["id"]: each for each in json.loads(doctor.stdout)["findings"]}
    assert told.get("DOCKER_HOST", "mine") in findings["engine"]["says"]
    assert findings["capabilities"]["health"] == "ok"
    assert make.count("running") == 3
    assert down.stdout.count("removed container") == 3
    assert down.stdout.splitlines()[-1].endswith(f"is left on the engine at {told.get('DOCKER_HOST', 'mine')}.")
    assert there(engine) == []


@pytest.mark.parametrize("told", WAYS if FULL else EACH_TRANSPORT, ids=lambda way: way.__name__, indirect=True)
def test_an_exercise_passes_there(
    engine: PrivateEngine, told: dict[str, str], before: list[str], run_lab: RunLab
) -> None:
    played = run_lab("run", "3", "--json", env=told, before=before, timeout=SECONDS)
    down = run_lab("down", env=told, before=before, timeout=SECONDS)

    assert (played.returncode, played.stderr) == (0, "")
    assert down.returncode == 0
    assert there(engine) == []


def test_an_image_that_only_the_machines_own_engine_has_is_missing_there(
    engine: PrivateEngine, lab: Settings, tmp_path: Path, run_lab: RunLab
) -> None:
    told = variables(lab) | dict(by_context(engine, tmp_path, ExitStack()))
    run("docker", "-H", engine.host, "image", "rm", "--force", image_name())
    try:
        status, up = run_lab("status", env=told), run_lab("up", env=told)
        findings = json.loads(run_lab("doctor", "--json", env=told).stdout)["findings"]
    finally:
        engine.load()

    assert f"{image_name()} is missing" in status.stdout
    assert (up.returncode, image_name() in up.stderr) == (3, True)
    assert "not built yet" in next(each["says"] for each in findings if each["id"] == "image")
    assert there(engine) == []


def test_a_lab_that_has_begun_stays_with_its_engine(
    engine: PrivateEngine, lab: Settings, tmp_path: Path, run_lab: RunLab
) -> None:
    """Another terminal chooses another context while the hosts are being made: compose, SDK and clean-up go on alike."""
    told = variables(lab) | dict(by_chosen_context(engine, tmp_path, ExitStack()))
    folder = tmp_path / "bin"
    folder.mkdir()
    docker = folder / "docker"
    real = run("sh", "-c", "command -v docker").strip()
    docker.write_text(
        f'#!/bin/sh\ncase $* in compose*) {real} context use default >/dev/null 2>&1 ;; esac\nexec {real} "$@"\n'
    )
    docker.chmod(0o755)

    up = run_lab("up", env=told | {"PATH": f"{folder}:{os.environ['PATH']}"})
    made, elsewhere = there(engine), left_of(lab)
    run_lab("down", env=told | {"DOCKER_CONTEXT": "mine"})

    assert (up.returncode, up.stderr) == (0, "")
    assert len(made) == 3
    assert elsewhere == []
    assert there(engine) == []
