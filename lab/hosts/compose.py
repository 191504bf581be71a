"""Bring the hosts up as an exercise needs them, with `docker compose`, and only when they are not so already."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping
from typing import TYPE_CHECKING

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
    """Make the network and the two hosts, or only what differs. MachineError says what stands in the way.

    With `build`, which is told of each long part, a missing image is built first.
    """
    image = image_name()
    with engine() as client:
        if not image_exists(client, image):
            if build is None:
                raise MachineError("image-missing", image=image)
            ensure_image(build)
        if collision := colliding_network(client, settings):
            name, subnet = collision
            raise MachineError("subnet-taken", subnet=settings.subnet, name=name, other=subnet)
        standing = own_subnet(client, settings)
    if standing is not None and standing != str(settings.subnet):
        remove_lab(settings)  # a network cannot be moved while hosts are on it
    override = {
        "services": {
            host: {
                "environment": {"LAB_CONFIG": config_of(settings, host, sysctls)},
                "sysctls": {name: str(value) for name, value in sysctls.get(host, {}).items()},
            }
            for host in HOSTS
        }
    }
    environment = os.environ | settings.compose_environment() | {"LAB_IMAGE": image}
    _compose(["up", "--detach", "--remove-orphans"], environment, json.dumps(override))


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
