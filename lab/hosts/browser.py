"""The image of the one host with a browser: large, so it is built only when somebody asks for it."""

from __future__ import annotations

import contextlib
import os
import subprocess
from typing import TYPE_CHECKING, Final

from lab.errors import MachineError
from lab.hosts.engine import engine
from lab.hosts.images import BROWSER_BY_HAND, IMAGES, base_image, browser_image_name, build_image, ensure_image
from lab.hosts.images import image_exists as there

if TYPE_CHECKING:
    from lab.hosts.images import Say

_TOOLS: Final = "socketlab/tools:dev"
"""The hosts' image without the lab's files: what the browser is added to, so that an edit does not fetch it again."""


def ensure_browser(say: Say) -> str:
    """Build the browser's image unless it is there, and the hosts' own before it; return its name."""
    host, name = ensure_image(say), browser_image_name()
    with engine() as client:
        if there(client, name):
            client.images.get(name).tag(*BROWSER_BY_HAND)
            return name
        base = base_image(client, say)
    say("images-building", {"image": name, "base": host})
    command = ["docker", "build", "--force-rm"]
    tools = [*command, "--target", "tools", "--build-arg", f"BASE={base}", "-t", _TOOLS]
    build_image([*tools, "-f", str(IMAGES / "host" / "Dockerfile"), str(IMAGES)], say)
    command += ["--build-arg", f"TOOLS={_TOOLS}", "--build-arg", f"HOST={host}"]
    command += ["-t", name, "-t", ":".join(BROWSER_BY_HAND)]
    build_image([*command, "-f", str(IMAGES / "browser" / "Dockerfile"), str(IMAGES)], say)
    say("images-ready", {"image": name})
    return name


def has_browser(build: Say | None) -> bool:
    """Tell whether there is an image of the browser as the lab's files are now.

    With `build` an older one is renewed: whoever made one wants it, and mostly that takes a second. Where that fails
    there is none; nor is there one with LAB_BROWSER=0.
    """
    if os.environ.get("LAB_BROWSER") == "0":
        return False
    if _exists(browser_image_name()):
        return True
    if build is None or not _exists(":".join(BROWSER_BY_HAND)):
        return False
    with contextlib.suppress(MachineError):
        ensure_browser(build)
        return True
    return False


def _exists(name: str) -> bool:
    # By the command: importing the SDK takes longer than the answer.
    try:
        return subprocess.run(["docker", "image", "inspect", name], check=False, capture_output=True).returncode == 0
    except OSError:
        return False
