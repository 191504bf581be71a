"""Which hosts of the lab are up beside the usual two."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Final

from lab.hosts.engine import LABEL
from lab.settings import PROFILES

if TYPE_CHECKING:
    from lab.settings import Settings

BACK_SECONDS: Final = 30.0
"""How long a host that is gone may take to be there again; an exercise makes it anew in one or two."""
RETRY_SECONDS: Final = 0.2


def further_hosts(settings: Settings) -> tuple[str, ...]:
    """Return those that run; none where no engine answers."""
    names = running(settings)
    return tuple(host for host in PROFILES if settings.container(host) in names)


def anything_left(settings: Settings) -> bool:
    """Tell whether the lab has any container: one that is just made anew has, one that was taken down has not."""
    command = ["docker", "ps", "-a", "-q", "--filter", f"label={LABEL}={settings.name}"]
    return bool(
        subprocess.run(command, check=False, capture_output=True, encoding="utf-8", errors="replace").stdout.strip()
    )


def running(settings: Settings) -> frozenset[str]:
    """Return the names of the lab's containers that run. By the command: importing the SDK takes longer."""
    command = ["docker", "ps", "--filter", f"label={LABEL}={settings.name}", "--format", "{{.Names}}"]
    try:
        return frozenset(
            subprocess.run(command, check=False, capture_output=True, encoding="utf-8", errors="replace").stdout.split()
        )
    except OSError:
        return frozenset()
