"""Programs of the distribution's packages that are not installed: fetched by apt and unpacked into a folder."""

from __future__ import annotations

import subprocess
from pathlib import Path


def unpacked(folder: Path, *packages: str) -> Path:
    """Fetch these packages (`name`, or `name=version`) and return the folder they are unpacked into.

    Where apt cannot bring one the test fails with apt's own words: what it proves is then not proved.
    """
    fetched, root = folder / "packages", folder / "root"
    fetched.mkdir(parents=True)
    command = ["apt-get", "-o", "APT::Sandbox::User=root", "download", *packages]
    try:
        answer = subprocess.run(command, cwd=fetched, check=False, capture_output=True, text=True)
    except FileNotFoundError:
        raise AssertionError(f"no apt-get here, and {', '.join(packages)} cannot be had otherwise") from None
    assert answer.returncode == 0, f"{', '.join(packages)}: {answer.stderr.strip()}"
    for package in sorted(fetched.glob("*.deb")):
        subprocess.run(["dpkg", "-x", package, root], check=True)
    return root
