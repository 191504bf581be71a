"""What the environment sets: the lab's name and subnet, the language, where runs are kept."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.errors import UsageError
from lab.text.catalog import LANGUAGES, choose_language, language_of

HOSTS: Final = ("server", "client")
"""The two hosts that are always up."""
PROFILES: Final = {"server2": "cookies", "site1": "sites", "site2": "sites", "site3": "sites", "browser": "browser"}
"""Further hosts, which only some exercises bring up, and the profile of compose.yaml that each belongs to."""
KNOWN_HOSTS: Final = (*HOSTS, *PROFILES)
RECORDER: Final = "recorder"
"""The container beside them that records what the kernel does: no host, for it has no network."""
PORT: Final = 8000
_PATIENCE: Final = re.compile(r"\d{1,3}(\.\d+)?")
_OFFSET: Final = {
    "server": 102, "client": 101, "server2": 103, "site1": 111, "site2": 112, "site3": 113, "browser": 121,
}  # fmt: skip
_LEAST_ADDRESSES: Final = 128
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_PRIVATE: Final = tuple(
    ipaddress.IPv4Network(block)
    for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15")  # RFC 1918, RFC 2544
)
ROOT: Final = Path(__file__).parent.parent
_ASKED: Final = os.environ.get("LAB_PATIENCE") or ""
PATIENCE: Final = float(_ASKED) if _PATIENCE.fullmatch(_ASKED) else 5.0
"""How long a play waits for what should happen at once, in seconds: LAB_PATIENCE, for a very slow machine."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One lab's settings. Host addresses are the subnet's .101 (client), .102 (server) and some up to .121."""

    name: str
    subnet: ipaddress.IPv4Network
    language: str
    runs: Path
    recorder: bool = True
    """Whether the kernel's own events are recorded, where they can be."""
    takes_over: bool = False
    """Whether a lab that belongs to another user is used, or taken down, all the same."""

    @property
    def addresses(self) -> Mapping[str, str]:
        """Each host's address, whether it is up or not."""
        return {host: str(self.subnet.network_address + _OFFSET[host]) for host in KNOWN_HOSTS}

    @property
    def bridge(self) -> str:
        """The bridge's name on the machine: short, and different for every lab (a link's name has 15 letters)."""
        return "lab-" + hashlib.sha256(self.name.encode()).hexdigest()[:8]

    def container(self, host: str) -> str:
        """The container of a host."""
        return f"{self.name}-{host}"

    def compose_environment(self) -> Mapping[str, str]:
        """The variables that compose.yaml reads."""
        return {
            "LAB_NAME": self.name,
            "LAB_SUBNET": str(self.subnet),
            **{f"LAB_{host.upper()}_ADDRESS": address for host, address in self.addresses.items()},
            "LAB_BRIDGE": self.bridge,
        }


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read YES and LAB_NAME, _SUBNET, _LANG, _RUNS, _PATIENCE, _RECORDER; UsageError names the malformed one."""
    name = environment.get("LAB_NAME") or "socketlab"
    if not _NAME.fullmatch(name):
        raise UsageError("lab-name", name=name)
    patience = environment.get("LAB_PATIENCE")
    if patience and not (_PATIENCE.fullmatch(patience) and float(patience)):
        raise UsageError("patience-malformed", seconds=patience)
    recorder = environment.get("LAB_RECORDER") or "1"
    if recorder not in ("0", "1"):
        raise UsageError("recorder-malformed", value=recorder)
    require_language(environment)
    return Settings(
        name=name,
        subnet=_subnet(environment.get("LAB_SUBNET") or "192.168.1.0/24"),
        language=choose_language(environment),
        runs=Path(environment.get("LAB_RUNS") or ROOT / "runs"),
        recorder=recorder == "1",
        takes_over=environment.get("YES") == "1",
    )


def require_language(environment: Mapping[str, str]) -> None:
    """Raise UsageError for a LAB_LANG that is none of the lab's languages."""
    language = environment.get("LAB_LANG")
    if language and language_of(language) is None:
        raise UsageError("language-unknown", language=language, known=", ".join(LANGUAGES))


def _subnet(text: str) -> ipaddress.IPv4Network:
    try:
        subnet = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise UsageError("subnet-malformed", subnet=text, detail=str(error)) from error
    if not any(subnet.subnet_of(block) for block in _PRIVATE):
        # A lab on public addresses would hide the real ones from its hosts.
        raise UsageError("subnet-public", subnet=text)
    if subnet.num_addresses < _LEAST_ADDRESSES:
        raise UsageError("subnet-too-small", subnet=text)
    return subnet
