"""The compose plugin of the command `docker`: which version there is, and whether it will do."""

from __future__ import annotations

import re
import subprocess
from typing import Final

from lab.errors import MachineError

LEAST_COMPOSE: Final = (2, 19)
"""The first that knows `--progress quiet`."""
_NUMBERS: Final = re.compile(r"v?(\d+)\.(\d+)")


def compose_version() -> str | None:
    """Return what the plugin calls itself; None when there is none."""
    command = ["docker", "compose", "version", "--short"]
    try:
        answer = subprocess.run(command, check=True, capture_output=True, encoding="utf-8", errors="replace")
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()


def is_new_enough(version: str) -> bool:
    """Tell whether a version will do; one that is not made of numbers, as of a private build, is let pass."""
    found = _NUMBERS.match(version)
    return found is None or tuple(map(int, found.groups())) >= LEAST_COMPOSE


def require_compose() -> None:
    """Raise MachineError when there is no plugin, or one that is too old."""
    version = compose_version()
    if version is None:
        raise MachineError("compose-absent")
    if not is_new_enough(version):
        raise MachineError("compose-too-old", version=version, least=least_compose())


def least_compose() -> str:
    """Return the oldest version that will do."""
    return ".".join(map(str, LEAST_COMPOSE))
