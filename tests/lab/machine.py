"""What the machine's own network is like at a moment: addresses, routes, rules, packet filter; other labs left out."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.support import run

_PASSING: Final = frozenset({"flags", "expires", "valid_life_time", "preferred_life_time", "metrics", "pref"})
"""What changes by itself: a lifetime that runs down, a link that has nobody at its other end just now."""
_ENGINE_BRIDGE: Final = re.compile(r"\b(?:lab-[0-9a-f]{8}|br-[0-9a-f]{12}|socketlab0)\b")


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine's network: what it has by link, and its packet filter line by line."""

    links: Mapping[str, str | None]  # name: the bridge it is a port of
    addresses: Mapping[str, tuple[str, ...]]
    routes: tuple[str, ...]
    rules: tuple[str, ...]
    packet_filter: tuple[str, ...]

    def without(self, links: set[str]) -> Machine:
        """Return the same without those links and what is on them, but with the whole packet filter."""
        return Machine(
            {name: master for name, master in self.links.items() if name not in links},
            {name: found for name, found in self.addresses.items() if name not in links},
            tuple(route for route in self.routes if json.loads(route).get("dev") not in links),
            self.rules,
            self.packet_filter,
        )


def machine_now(bridge: str) -> Machine:
    """Look at the machine. Bridges of other networks of the engine, which come and go by themselves, are left out."""
    links = {link["ifname"]: link.get("master") for link in _ip("-d", "link")}
    others = {name for name in links if _ENGINE_BRIDGE.fullmatch(name) and name != bridge}
    # A veth with no bridge is being made or unmade by somebody just now; one of docker0 is no lab's.
    others |= {name for name, master in links.items() if name.startswith("veth") and master != bridge}
    seen = Machine(
        links=links,
        addresses={link["ifname"]: tuple(sorted(_steady(link["addr_info"]))) for link in _ip("addr")},
        routes=tuple(sorted([*_steady(_ip("-4", *_ALL)), *_steady(_ip("-6", *_ALL))])),
        rules=(*_steady(_ip("-4", "rule")), *_steady(_ip("-6", "rule"))),
        packet_filter=tuple(_packet_filter(bridge)),
    )
    return seen.without(others)


_ALL: Final = ("route", "show", "table", "all")


def _ip(*arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run("ip", "-json", *arguments) or "[]")
    return [each for each in found if each]


def _steady(entries: list[dict[str, Any]]) -> list[str]:
    return [json.dumps({key: entry[key] for key in sorted(entry.keys() - _PASSING)}) for entry in entries]


def _packet_filter(bridge: str) -> Iterator[str]:
    """Yield the rules as each tool tells them, without comments and counters."""
    for command in (("iptables-save",), ("ip6tables-save",), ("nft", "-s", "list", "ruleset")):
        if shutil.which(command[0]) is None:
            continue
        for line in run(*command).splitlines():
            plain = re.sub(r"\[\d+:\d+\]|counter packets \d+ bytes \d+", "", line).strip()
            foreign = [name for name in _ENGINE_BRIDGE.findall(plain) if name != bridge]
            if plain and not plain.startswith("#") and not foreign:
                yield f"{command[0]}: {plain}"
