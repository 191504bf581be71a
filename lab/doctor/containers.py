"""What the engine tells: itself, compose, the image and its base, other networks, what a host of the lab can do."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from lab.doctor.finding import Finding, Health
from lab.errors import MachineError
from lab.hosts.endpoint import endpoint
from lab.hosts.engine import engine
from lab.hosts.found import look_around, require_api
from lab.hosts.images import OWN_BASE, REGISTRY_BASE, asked_base, browser_image_name, image_exists, image_name
from lab.hosts.network import colliding_network
from lab.hosts.owner import me
from lab.hosts.plugin import compose_version, is_new_enough, least_compose
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
            yield _engine(client)
            yield _compose()
            yield from _owner(settings)
            yield from _images(client)
            yield _networks(client, settings)
            yield from _abilities(client, settings)
            if settings.recorder:
                yield _recorder(client, settings)
    except MachineError as error:
        variant = error.code.removeprefix("engine-")
        known = variant in ("absent", "forbidden", "elsewhere")
        yield Finding("engine", variant if known else "lost", Health.STOPS, error.params)
        yield _compose()


def _engine(client: DockerClient) -> Finding:
    version = client.version()
    fields = {"version": version.get("Version", "?"), "api": version.get("ApiVersion", "?"), "told": endpoint().told}
    try:
        require_api(version.get("ApiVersion", ""))
    except MachineError as error:
        return Finding("engine", "old", Health.STOPS, {**fields, **error.params})
    return Finding("engine", "there" if endpoint().told else "found", Health.OK, fields)


def _owner(settings: Settings) -> Iterator[Finding]:
    """Tell whose the lab is if it is another user's, and what of others stands in its way."""
    found = look_around()
    owned = found.owner_of(settings.name)
    if owned and owned.name != me():
        yield Finding("owner", "another", Health.NOTE, {"lab": settings.name, **owned._asdict()})
    try:
        found.refuse_strangers(settings)
    except MachineError as error:
        yield Finding("names", error.code, Health.STOPS, error.params)


def _compose() -> Finding:
    version = compose_version()
    if version is None:
        return Finding("compose", "absent", Health.STOPS)
    fields = {"version": version, "least": least_compose()}
    return Finding("compose", *(("found", Health.OK) if is_new_enough(version) else ("old", Health.STOPS)), fields)


def _images(client: DockerClient) -> Iterator[Finding]:
    name = image_name()
    there = image_exists(client, name)
    yield Finding("image", "found" if there else "missing", Health.OK if there else Health.NOTE, {"image": name})
    browser = browser_image_name()
    there = image_exists(client, browser)
    yield Finding("browser", "found" if there else "absent", Health.OK if there else Health.NOTE, {"image": browser})
    if asked := asked_base():
        yield Finding("base", "asked", Health.OK, {"base": asked})
    elif image_exists(client, OWN_BASE):
        yield Finding("base", "packages", Health.OK, {"base": OWN_BASE})
    elif image_exists(client, REGISTRY_BASE):
        yield Finding("base", "pulled", Health.OK, {"base": REGISTRY_BASE})
    else:
        yield Finding("base", "none", Health.NOTE, {"base": REGISTRY_BASE})


def _networks(client: DockerClient, settings: Settings) -> Finding:
    collision = colliding_network([network.attrs for network in client.networks.list()], settings)
    if collision is None:
        return Finding("networks", "free", Health.OK, {"subnet": settings.subnet})
    name, other = collision
    return Finding("networks", "taken", Health.STOPS, {"subnet": settings.subnet, "name": name, "other": other})


def _abilities(client: DockerClient, settings: Settings) -> Iterator[Finding]:
    """Try what later exercises need, inside the server host; without it nothing is known."""
    container = _running(client, settings.container("server"))
    if container is None:
        for name in ("capabilities", "address", *_ABILITIES):
            yield Finding(name, "unknown", Health.NOTE)
        return
    yield _capabilities(container)
    yield _address(container)
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


def _address(container: Container) -> Finding:
    """Compare the hardware address of the host's link with the one by which the others know it: see entry.sh."""
    _, words = _exec(container, "cat", "/run/lab-address", "/sys/class/net/eth0/address")
    wanted, _, seen = words.partition("\n")
    fields = {"wanted": wanted, "seen": seen}
    return Finding("address", *(("found", Health.OK) if wanted == seen else ("differs", Health.STOPS)), fields)


def _exec(container: Container, *command: str) -> tuple[int, str]:
    status, words = container.exec_run(list(command), user="root")
    return status or 0, words.decode(errors="replace").strip() if isinstance(words, bytes) else ""
