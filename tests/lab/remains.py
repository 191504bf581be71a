"""What may be left of a lab: on the machine, in the engine, and of processes that work for it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from lab.hosts.holders import names_below
from lab.settings import Settings
from tests.lab.machine import machine_now


def traces(settings: Settings) -> list[str]:
    """Return every link, address, route and rule of the machine that names the lab's bridge or an address of its subnet.

    Others may change the machine meanwhile; that nothing else changes is test_lan's to prove.
    """
    machine = machine_now(settings.bridge)
    lines = [f"{name} on {master}" for name, master in machine.links.items()]
    lines += [f"{name} {each}" for name, found in machine.addresses.items() for each in found]
    lines += [*machine.routes, *machine.rules, *machine.packet_filter]
    prefix = str(settings.subnet.network_address).rpartition(".")[0] + "."
    return [line for line in lines if settings.bridge in line or prefix in line]


def children(settings: Settings) -> list[str]:
    """Return the machine's own processes that still work for the lab: `docker exec` and compose."""
    found = []
    for words, variables in _processes():
        ours = any(word.startswith(f"{settings.name}-") for word in words)
        ours = ours or ("compose" in words and _of(settings) in variables)
        if words[0].rpartition("/")[2].startswith("docker") and ours:
            found.append(" ".join(words))
    return found


def processes(settings: Settings) -> list[str]:
    """Return whatever runs on the machine with the lab's name in its environment, and its children."""
    ours = [" ".join(words) for words, variables in _processes() if _of(settings) in variables]
    return sorted({*ours, *children(settings)})


def held_names(settings: Settings) -> list[str]:
    """Return the names of the lab's turn that somebody holds."""
    return sorted(names_below(f"socketlab/{settings.name}"))


def _of(settings: Settings) -> bytes:
    return f"LAB_NAME={settings.name}\0".encode()


def _processes() -> Iterator[tuple[list[str], bytes]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                yield words, (entry / "environ").read_bytes()
