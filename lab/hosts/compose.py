"""Bring the hosts up as an exercise needs them, with `docker compose`, and only when they are not so already."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from lab.errors import MachineError
from lab.hosts.cleanup import remove_lab
from lab.hosts.engine import engine
from lab.hosts.images import Say, ensure_image, image_exists, image_name
from lab.hosts.network import colliding_network, own_subnet
from lab.settings import HOSTS, ROOT

if TYPE_CHECKING:
    from lab.settings import Settings

Sysctls = Mapping[str, Mapping[str, int | str]]
"""Sysctls by host."""


def config_of(settings: Settings, host: str, sysctls: Sysctls) -> str:
    """Return a digest of everything a host is made from; the host tells it back through its agent."""
    compose = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    parts = [image_name(), compose, dict(settings.compose_environment()), sorted(sysctls.get(host, {}).items())]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def bring_up(settings: Settings, sysctls: Sysctls, build: Say | None = None) -> None:
    """Make the network and the two hosts, or only what differs, and wait until both have set their guard.

    With `build`, which is told of each long part, a missing image is built first. MachineError says what stands in the way.
    What that may be is looked for only when compose fails: asking the engine first costs more than the start itself.
    """
    try:
        _start(settings, sysctls)
    except MachineError as failure:
        _mend(settings, build, failure)
        _start(settings, sysctls)


def _mend(settings: Settings, build: Say | None, failure: MachineError) -> None:
    """Remove what stood in the way, or raise what nobody but the reader can mend."""
    with engine() as client:
        missing = not image_exists(client, image_name())
        collision = colliding_network(client, settings)
        moved = own_subnet(client, settings) not in (None, str(settings.subnet))
    if collision:
        name, subnet = collision
        raise MachineError("subnet-taken", subnet=settings.subnet, name=name, other=subnet) from failure
    if missing and build is None:
        raise MachineError("image-missing", image=image_name()) from failure
    came_meanwhile = "No such image" in str(failure.params.get("detail"))  # another lab has just built it
    if not (missing or moved or came_meanwhile):
        raise failure
    if moved:
        remove_lab(settings)  # a network cannot be moved while hosts are on it
    if missing and build:
        ensure_image(build)


def _start(settings: Settings, sysctls: Sysctls) -> None:
    override = {
        "services": {
            host: {
                "environment": {"LAB_CONFIG": config_of(settings, host, sysctls)},
                "sysctls": {name: str(value) for name, value in sysctls.get(host, {}).items()},
            }
            for host in HOSTS
        }
    }
    environment = os.environ | settings.compose_environment() | {"LAB_IMAGE": image_name()}
    _compose(["up", "--detach", "--remove-orphans"], environment, json.dumps(override))
    _wait_guarded(settings)


def _wait_guarded(settings: Settings) -> None:
    """Wait for each host's word that its guard stands; a host that cannot set it ends, and says why in its log."""
    waits = {
        host: subprocess.Popen(
            ["docker", "exec", settings.container(host), "sh", "-c", _UNTIL_READY],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for host in HOSTS
    }
    for host, process in waits.items():
        if process.wait() != 0:
            raise MachineError("host-unguarded", host=host, container=settings.container(host))


_UNTIL_READY: Final = "n=0; until test -e /run/lab-ready; do n=$((n+1)); test $n -lt 250 || exit 1; sleep 0.02; done"


def _compose(arguments: list[str], environment: Mapping[str, str], override: str) -> None:
    command = ["docker", "compose", "--project-directory", str(ROOT), "-f", str(ROOT / "compose.yaml"), "-f", "-"]
    answer = subprocess.run(
        [*command, "--progress", "quiet", *arguments],
        input=override,
        env=dict(environment),
        check=False,
        capture_output=True,
        text=True,
    )
    if answer.returncode != 0:
        words = [line for line in answer.stderr.splitlines() if line.strip()]
        raise MachineError("compose-failed", detail=words[-1].strip() if words else f"exit {answer.returncode}")
