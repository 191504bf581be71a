"""The lab under test: the one that LAB_NAME and LAB_SUBNET name, up for the tests and left as it was found."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import wait
from pathlib import Path
from types import ModuleType

import pytest

from lab.hosts.cleanup import remove_lab
from lab.hosts.compose import bring_up
from lab.hosts.engine import engine
from lab.settings import HOSTS, ROOT, Settings, read_settings
from tests.lab.manylabs import Done, Job, several_labs


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what has jobs come last: while they keep both cores busy nothing else is tested."""
    items.sort(key=lambda item: isinstance(item, pytest.Function) and hasattr(item.module, "jobs"))


RunLab = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def settings() -> Settings:
    """The lab's settings, as the environment gives them."""
    return read_settings(os.environ)


@pytest.fixture(scope="session")
def hosts_up(settings: Settings) -> Iterator[Settings]:
    """Both hosts are up; after the last test the lab is gone, unless it was up before."""
    with engine() as client:
        found = client.containers.list(filters={"label": f"socketlab={settings.name}"})
    bring_up(settings, {host: {} for host in HOSTS})
    yield settings
    if not found:
        remove_lab(settings)


@pytest.fixture(scope="session")
def done(settings: Settings, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """What the jobs of all chosen modules returned, see manylabs.py; they are done together, once."""
    chosen: dict[ModuleType, list[pytest.Function]] = {}
    for item in request.session.items:
        if isinstance(item, pytest.Function):
            chosen.setdefault(item.module, []).append(item)
    jobs: dict[Hashable, Job] = {}
    for module, items in chosen.items():
        if hasattr(module, "jobs"):
            jobs |= module.jobs(items, tmp_path_factory.mktemp("runs"))
    with several_labs(settings) as labs, labs.doing(jobs) as futures:
        wait(futures.values())
    return futures


@pytest.fixture
def run_lab(tmp_path: Path) -> RunLab:
    """Run the command `lab` as a learner does, keeping its runs in the test's own folder."""

    def run(
        *arguments: str, env: Mapping[str, str] | None = None, timeout: float = 60, before: Sequence[str] = ()
    ) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"LAB_RUNS": str(tmp_path / "runs"), "LAB_LANG": "en", "ASK": "0"} | dict(env or {})
        return subprocess.run(
            [*before, sys.executable, "-m", "lab.cli", *arguments],
            cwd=ROOT,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )

    return run
