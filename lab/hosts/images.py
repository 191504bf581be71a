"""The one image of every lab host: is it there, and how it is made."""

from __future__ import annotations

import collections
import contextlib
import functools
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from lab.errors import MachineError
from lab.foreign import shown
from lab.hosts.engine import engine
from lab.settings import ROOT

if TYPE_CHECKING:
    from docker import DockerClient

IMAGES: Final = ROOT / "images"
REGISTRY_BASE: Final = "debian:trixie-slim"
BY_HAND: Final = ("socketlab/host", "dev")
BROWSER_BY_HAND: Final = ("socketlab/browser", "dev")
"""The names that compose.yaml uses by itself, for who types `docker compose up` without `lab`."""
OWN_BASE: Final = "socketlab/base:trixie"
REGISTRY_SECONDS: Final = 5
_LAST_WORDS: Final = 40
_STEP_WIDTH: Final = 60
# The legacy builder says `Step 4/13 : RUN …`, BuildKit `#7 [ 4/13] RUN …`.
_STEP: Final = re.compile(r"(?:Step |#\d+ \[\s*)(?P<done>\d+)/(?P<whole>\d+)(?:\]| :) (?P<what>.*)")
Say = Callable[[str, dict[str, object]], None]


def asked_base() -> str:
    """Return the base that the user asks for; empty for none."""
    return os.environ.get("LAB_BASE_IMAGE") or ""


@functools.cache
def image_name() -> str:
    """Return the image's name; its tag is a digest of images/, so an edit of a file there names another image.

    So does another base that is asked for.
    """
    digest = hashlib.sha256(asked_base().encode())
    for path in sorted(IMAGES.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(os.fsencode(path.relative_to(IMAGES)) + b"\0")
            digest.update(path.read_bytes() + b"\0")
    return f"socketlab/host:{digest.hexdigest()[:12]}"


def browser_image_name() -> str:
    """Return the name of the browser's image: that of the hosts' own with a browser in it."""
    return image_name().replace("/host:", "/browser:")


def image_of(host: str) -> str:
    """Return the name of a host's image."""
    return browser_image_name() if host == "browser" else image_name()


def image_exists(client: DockerClient, name: str) -> bool:
    """Return whether the engine has that image, made for its own processor and not for another that is emulated."""
    from docker.errors import ImageNotFound  # noqa: PLC0415

    try:
        image = client.images.get(name)
    except ImageNotFound:
        return False
    return bool(image.attrs.get("Architecture") == client.version().get("Arch"))


def ensure_image(say: Say) -> str:
    """Build the image unless it is there; `say(text id, fields)` is told of each long part. Return its name."""
    name = image_name()
    with engine() as client:
        if image_exists(client, name):
            client.images.get(name).tag(*BY_HAND)
            return name
        base = base_image(client, say)
    say("images-building", {"image": name, "base": base})
    # --force-rm: a build that is killed leaves no intermediate container behind.
    command = ["docker", "build", "--force-rm", "--build-arg", f"BASE={base}", "-t", name, "-t", ":".join(BY_HAND)]
    build_image([*command, "-f", str(IMAGES / "host" / "Dockerfile"), str(IMAGES)], say)
    say("images-ready", {"image": name})
    return name


def base_image(client: DockerClient, say: Say) -> str:
    """Return the base image: the one asked for, the one there is, a registry's, or one made from packages."""
    if asked := asked_base():
        return asked
    for known in (OWN_BASE, REGISTRY_BASE):
        if image_exists(client, known):
            return known
    say("images-asking-registry", {"base": REGISTRY_BASE, "seconds": REGISTRY_SECONDS})
    if _registry_answers():
        say("images-pulling", {"base": REGISTRY_BASE})
        with contextlib.suppress(MachineError):
            _loud(["docker", "pull", REGISTRY_BASE], "image-not-built")
            return REGISTRY_BASE
    say("images-from-packages", {"base": OWN_BASE})
    _loud([str(IMAGES / "host" / "build-base.sh"), OWN_BASE], "base-not-built")
    return OWN_BASE


def _registry_answers() -> bool:
    """Ask the registry for the base's description only, with a short deadline of our own."""
    from docker.errors import DockerException  # noqa: PLC0415
    from requests.exceptions import RequestException  # noqa: PLC0415

    try:
        with engine(timeout=REGISTRY_SECONDS) as client:
            client.images.get_registry_data(REGISTRY_BASE)
    except (MachineError, DockerException, RequestException):
        return False
    return True


def build_image(command: list[str], say: Say) -> None:
    """Run `docker build`, telling each step and how far it is; its own words only when it fails."""
    words: collections.deque[str] = collections.deque(maxlen=_LAST_WORDS)
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            words.append(shown(line.rstrip()))
            if step := _STEP.match(line):
                done, whole = int(step["done"]) - 1, int(step["whole"])
                say(
                    "images-step",
                    {"percent": 100 * done // whole, "step": " ".join(step["what"].split())[:_STEP_WIDTH]},
                )
    if process.returncode != 0:
        sys.stderr.write("\n".join(words) + "\n")
        raise MachineError("image-not-built", command=" ".join(command[:2]), status=process.returncode)


def _loud(command: list[str], code: str) -> None:
    """Run a long command whose progress is its own, on stderr: stdout is for verdicts. MachineError when it fails."""
    status = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=sys.stderr).returncode
    if status != 0:
        raise MachineError(code, command=" ".join(command[:2]), status=status)
