"""What the machine itself tells: kernel, architecture, rights, disk, tracefs, routes."""

from __future__ import annotations

import os
import platform
import shutil
from typing import TYPE_CHECKING, Final

from lab.doctor.finding import Finding, Health
from lab.hosts.network import overlapping_routes
from lab.hosts.tracefs import kernel_has_tracefs, mounted_tracefs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.settings import Settings

_NEEDED_MB: Final = 500


def examine_machine(settings: Settings) -> Iterator[Finding]:
    """Yield what can be told without an engine."""
    yield Finding("kernel", "found", Health.OK, {"system": platform.system(), "release": platform.release()})
    yield Finding("architecture", "found", Health.OK, {"machine": platform.machine()})
    yield _rights()
    yield _disk(settings)
    yield _tracefs(settings)
    yield from _routes(settings)


def _rights() -> Finding:
    if os.geteuid() == 0:
        return Finding("rights", "root", Health.OK)
    return Finding("rights", "user", Health.NOTE)


def _disk(settings: Settings) -> Finding:
    folder = settings.runs
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free // 2**20
    fields = {"free": free, "path": str(folder), "needed": _NEEDED_MB}
    return Finding("disk", *(("enough", Health.OK) if free >= _NEEDED_MB else ("short", Health.STOPS)), fields)


def _tracefs(settings: Settings) -> Finding:
    """Tell what the recorder will do here: see lab/hosts/compose.py. What it could do, its container tells."""
    if not settings.recorder:
        return Finding("tracefs", "off", Health.NOTE)
    if folder := mounted_tracefs():
        return Finding("tracefs", "mounted", Health.OK, {"path": str(folder)})
    if kernel_has_tracefs():
        return Finding("tracefs", "own", Health.NOTE)
    return Finding("tracefs", "absent", Health.LACKS)


def _routes(settings: Settings) -> Iterator[Finding]:
    routes = overlapping_routes(settings)
    if routes:
        fields = {"subnet": settings.subnet, "routes": ", ".join(routes)}
        yield Finding("routes", "overlap", Health.NOTE, fields)
    else:
        yield Finding("routes", "free", Health.OK, {"subnet": settings.subnet})
