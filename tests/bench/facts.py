"""What the machine is on which the benchmark ran: figures mean nothing without it."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from lab.hosts.engine import engine


def machine_facts() -> Mapping[str, str]:
    """Return date, kernel, processor, cores, engine, compose, Python and the load (runnable processes, last minute)."""
    with engine() as client:
        version = str(client.version()["Version"])
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "kernel": f"{platform.release()} {platform.machine()}",
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "engine": version,
        "compose": _compose(),
        "python": platform.python_version(),
        "load": f"{os.getloadavg()[0]:.2f}",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "?"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?")


def _compose() -> str:
    answer = subprocess.run(["docker", "compose", "version", "--short"], check=False, capture_output=True, text=True)
    return answer.stdout.strip() or "?"
