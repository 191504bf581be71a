"""The machine's own tracefs: where it is mounted, and the instances of a lab that nobody is left to remove."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lab.settings import Settings

FOLDERS: Final = (Path("/sys/kernel/tracing"), Path("/sys/kernel/debug/tracing"))
_FILESYSTEMS: Final = Path("/proc/filesystems")
LIVE: Final = ".live"
"""Behind the name of a lab's instance: that of who looks on."""
CALLS: Final = ".calls"
"""Behind the name of a lab's instance: that of what its programs do, see images/host/recorder/record.py."""
# In a mount namespace that ends with the command: it may be mounted or not. It prints what it has removed, and exits
# with 2 when something is busy.
_SWEEP: Final = """
mount -t tracefs tracefs "$0" 2>/dev/null
cd "$0/instances" || exit 1
for each in "$@"; do
    [ -d "$each" ] || continue
    echo 0 >"$each/tracing_on"
    rmdir "$each" && echo "$each" || status=2
done
exit "${status:-0}"
"""
_BUSY: Final = 2
_BUSY_SECONDS: Final = 3.0
_POLL_SECONDS: Final = 0.05


def instance_name(settings: Settings) -> str:
    """Return what a lab's instance is called."""
    return f"socketlab-{settings.name}"


def live_instance_name(settings: Settings) -> str:
    """Return what the instance of `lab live` is called: no lab's own name has a dot."""
    return instance_name(settings) + LIVE


def instance_names(settings: Settings) -> list[str]:
    """Return what all instances of a lab are called."""
    return [instance_name(settings) + each for each in ("", CALLS, LIVE)]


def mounted_tracefs() -> Path | None:
    """Return where tracefs is mounted, also where only root may look into it; None when it is not."""
    for folder in FOLDERS:
        # An engine that binds it where it is not mounted gives an empty folder: `instances` tells them apart.
        try:
            (folder / "instances").stat()
        except PermissionError:
            return folder
        except OSError:
            continue
        return folder
    return None


def kernel_has_tracefs() -> bool:
    """Tell whether it could be mounted."""
    try:
        return any(line.split()[-1:] == ["tracefs"] for line in _FILESYSTEMS.read_text(encoding="ascii").splitlines())
    except OSError:
        return False


def remove_instances(settings: Settings) -> list[str]:
    """Remove what a lab has left on this machine; return the names of the instances. Only root can."""
    if os.geteuid() != 0:
        return []
    names = instance_names(settings)
    folder = mounted_tracefs()
    if folder and not any((folder / "instances" / name).exists() for name in names):
        return []
    removed: list[str] = []
    command = ["unshare", "--mount", "sh", "-c", _SWEEP, str(FOLDERS[0]), *names]
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            answer = subprocess.run(command, check=False, capture_output=True, encoding="utf-8", errors="replace")
        except OSError:
            return []
        removed += answer.stdout.split()
        if answer.returncode != _BUSY or time.monotonic() > deadline:
            return removed
        time.sleep(_POLL_SECONDS)
