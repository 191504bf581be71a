"""What the engine tells: itself, compose, the image and its base, other networks, what a host of the lab can do."""

from __future__ import annotations

import contextlib
import subprocess
from typing import TYPE_CHECKING, Final

from lab.doctor.finding import Finding, Health
from lab.errors import MachineError
from lab.hosts.engine import engine
from lab.hosts.images import OWN_BASE, REGISTRY_BASE, browser_image_name, image_exists, image_name
from lab.hosts.network import colliding_network
from lab.hosts.recorder import NO_TRACEFS, NOT_PERMITTED
from lab.settings import RECORDER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker import DockerClient
    from docker.models.containers import Container

    from lab.settings import Settings

# In the host's own namespace, on the loopback and in a chain that no packet passes; each is undone at once.
_ABILITIES: Final = {
    "netem": "tc qdisc add dev lo root netem delay 1ms && tc qdisc del dev lo root",
    "nfqueue": "iptables -N lab-probe && iptables -A lab-probe -j NFQUEUE --queue-num 9 --queue-bypass; ok=$?;"
    " iptables -F lab-probe; iptables -X lab-probe; exit $ok",
    "sockdiag": "ss -K dst 203.0.113.1",
}

# linux/capability.h: the numbers of those that compose.yaml grants.
_CAPABILITIES: Final = {
    1: "DAC_OVERRIDE", 5: "KILL", 6: "SETGID", 7: "SETUID", 12: "NET_ADMIN", 13: "NET_RAW", 19: "SYS_PTRACE",
}  # fmt: skip


def examine_containers(settings: Settings) -> Iterator[Finding]:
    """Yield what the engine tells; one finding alone when none answers."""
    try:
        with engine() as client:
            version = client.version()
            yield Finding("engine", "found", Health.OK, {"version": version.get("Version", "?")})
            yield _compose()
            yield from _images(client)
            yield _networks(client, settings)
            yield from _abilities(client, settings)
            if settings.recorder:
                yield _recorder(client, settings)
    except MachineError as error:
        variant = error.code.removeprefix("engine-")
        yield Finding("engine", variant if variant in ("absent", "forbidden") else "lost", Health.STOPS)
        yield _compose()


def _compose() -> Finding:
    try:
        answer = subprocess.run(
            ["docker", "compose", "version", "--short"],
            check=True,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
        )
    except (OSError, subprocess.CalledProcessError):
        return Finding("compose", "absent", Health.STOPS)
    return Finding("compose", "found", Health.OK, {"version": answer.stdout.strip()})


def _images(client: DockerClient) -> Iterator[Finding]:
    name = image_name()
    there = image_exists(client, name)
    yield Finding("image", "found" if there else "missing", Health.OK if there else Health.NOTE, {"image": name})
    browser = browser_image_name()
    there = image_exists(client, browser)
    yield Finding("browser", "found" if there else "absent", Health.OK if there else Health.NOTE, {"image": browser})
    if image_exists(client, OWN_BASE):
        yield Finding("base", "packages", Health.OK, {"base": OWN_BASE})
    elif image_exists(client, REGISTRY_BASE):
        yield Finding("base", "pulled", Health.OK, {"base": REGISTRY_BASE})
    else:
        yield Finding("base", "none", Health.NOTE, {"base": REGISTRY_BASE})


def _networks(client: DockerClient, settings: Settings) -> Finding:
    collision = colliding_network(client, settings)
    if collision is None:
        return Finding("networks", "free", Health.OK, {"subnet": settings.subnet})
    name, other = collision
    return Finding("networks", "taken", Health.STOPS, {"subnet": settings.subnet, "name": name, "other": other})


def _abilities(client: DockerClient, settings: Settings) -> Iterator[Finding]:
    """Try what later exercises need, inside the server host; without it nothing is known."""
    container = _running(client, settings.container("server"))
    if container is None:
        for name in ("capabilities", *_ABILITIES):
            yield Finding(name, "unknown", Health.NOTE)
        return
    yield _capabilities(container)
    for name, line in _ABILITIES.items():
        status, words = _exec(container, "sh", "-c", f"{{ {line}; }} 2>&1")
        last = words.splitlines()[-1:] or ["-"]
        yield (
            Finding(name, "found", Health.OK)
            if status == 0
            else Finding(name, "absent", Health.LACKS, {"detail": last[0]})
        )


def _running(client: DockerClient, name: str) -> Container | None:
    from docker.errors import NotFound  # noqa: PLC0415

    with contextlib.suppress(NotFound):
        container = client.containers.get(name)
        if container.status == "running":
            return container
    return None


def _recorder(client: DockerClient, settings: Settings) -> Finding:
    """Ask the recorder what it said of itself when it was ready, see images/host/recorder/keep.py."""
    container = _running(client, settings.container(RECORDER))
    if container is None:
        return Finding("recorder", "unknown", Health.NOTE)
    _, said = _exec(container, "cat", "/run/lab-ready")
    if said in (NO_TRACEFS, NOT_PERMITTED):
        return Finding("recorder", said, Health.LACKS)
    return Finding("recorder", "bind" if said == "bind" else "mount", Health.OK)


def _capabilities(container: Container) -> Finding:
    """Read what PID 1 may ever gain (its bounding set, see capabilities(7))."""
    _, words = _exec(container, "sed", "-n", "s/^CapBnd:\\s*//p", "/proc/1/status")
    bits = int(words or "0", 16)
    names = sorted(name for bit, name in _CAPABILITIES.items() if bits >> bit & 1)
    names += [f"CAP_{bit}" for bit in range(64) if bits >> bit & 1 and bit not in _CAPABILITIES]
    wanted = sorted(_CAPABILITIES.values())
    fields = {"names": ", ".join(names), "wanted": ", ".join(wanted)}
    if names == wanted:
        return Finding("capabilities", "found", Health.OK, fields)
    return Finding("capabilities", "differs", Health.NOTE, fields)


def _exec(container: Container, *command: str) -> tuple[int, str]:
    status, words = container.exec_run(list(command), user="root")
    return status or 0, words.decode(errors="replace").strip() if isinstance(words, bytes) else ""
