"""What the engine already has under the lab's names: the lab's own, another owner's, or a stranger's.

Asked before anything is touched, and in plain HTTP: importing the SDK takes longer than both answers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lab.errors import MachineError
from lab.hosts.endpoint import dialled, why_silent
from lab.hosts.engine import LABEL
from lab.hosts.network import colliding_network, has_form
from lab.hosts.owner import OWNER, me
from lab.settings import KNOWN_HOSTS, RECORDER

if TYPE_CHECKING:
    from lab.settings import Settings

LEAST_API: Final = (1, 41)
LEAST_ENGINE: Final = "20.10"
_CHUNK: Final = 1 << 16
_OK: Final = "200"
_PROJECT: Final = "com.docker.compose.project"
_SERVICE: Final = "com.docker.compose.service"
_CHECKOUT: Final = "com.docker.compose.project.working_dir"

Described = Mapping[str, Any]
"""A container or a network, as the engine's API lists it."""


class Owner(NamedTuple):
    """Whose a lab is, and the checkout it was brought up from."""

    name: str
    checkout: str


@dataclass(frozen=True, slots=True)
class Found:
    """What the engine has of all labs and of everybody else, at one moment."""

    containers: Sequence[Described]
    networks: Sequence[Described]

    def refuse_strangers(self, settings: Settings) -> None:
        """Raise MachineError for what stands in the lab's way, is not the lab's and must not be touched."""
        ours = {settings.container(host) for host in (*KNOWN_HOSTS, RECORDER)}
        for container in self.containers:
            if _label(container, LABEL) == settings.name:
                continue
            name = next((name[1:] for name in container["Names"] if name[1:] in ours), None)
            if name is not None:
                raise MachineError("name-taken", name=name, image=container["Image"])
            if _label(container, _PROJECT) == settings.name and _label(container, _SERVICE) in (*KNOWN_HOSTS, RECORDER):
                # Compose would take it for one of ours, and make it anew.
                raise MachineError("project-taken", lab=settings.name, name=container["Names"][0][1:])
        for network in self.networks:
            if network["Name"] == f"{settings.name}_lan" and _label(network, LABEL) != settings.name:
                raise MachineError("network-taken", name=network["Name"])

    def refuse_collision(self, settings: Settings) -> None:
        """Raise MachineError when another network has the lab's subnet."""
        if collision := colliding_network(self.networks, settings):
            name, subnet = collision
            raise MachineError("subnet-taken", subnet=settings.subnet, name=name, other=subnet)

    def owner_of(self, name: str) -> Owner | None:
        """Return whose the lab of that name is; None when nothing of it stands, or nobody's name is on it."""
        for each in (*self.containers, *self.networks):
            if _label(each, LABEL) == name and (owner := _label(each, OWNER)):
                return Owner(owner, _label(each, _CHECKOUT) or "-")
        return None

    def refuse_others(self, settings: Settings) -> None:
        """Raise MachineError when what there is of the lab belongs to another user, unless it is to be taken over."""
        owned = self.owner_of(settings.name)
        if owned and owned.name != me() and not settings.takes_over:
            raise MachineError("lab-of-another", lab=settings.name, owner=owned.name, checkout=owned.checkout)

    def must_go(self, settings: Settings) -> bool:
        """Tell whether what stands of the lab must be removed before it is brought up.

        A network of another form, for compose leaves a network as it is; a lab that is taken over, for it has further
        hosts than those that are about to be made.
        """
        owned = self.owner_of(settings.name)
        standing = (each for each in self.networks if _label(each, LABEL) == settings.name)
        return bool(owned and owned.name != me()) or any(not has_form(each, settings) for each in standing)


def look_around() -> Found:
    """Ask the engine what it has. Raises MachineError when none answers, or one that is too old."""
    return Found(_get("/containers/json?all=true"), _get("/networks"))


def _label(each: Described, name: str) -> str:
    return str((each.get("Labels") or {}).get(name) or "")


def _get(path: str) -> list[Described]:
    try:
        with dialled() as connection:
            # In HTTP/1.0 the answer ends with the connection.
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: engine\r\n\r\n".encode())
            answer = b"".join(iter(lambda: connection.recv(_CHUNK), b""))
    except OSError as error:
        raise why_silent(error.strerror or str(error)) from error
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if not first.startswith("HTTP/"):
        raise why_silent("no answer")
    require_api(headers.get("api-version", ""))
    if first.split()[1:2] != [_OK]:
        raise MachineError("engine-refused", detail=body.decode("utf-8", "replace").strip() or first)
    try:
        listed = json.loads(body)
    except ValueError:
        listed = None
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        # It ended meanwhile, or what answers is no engine: a proxy, say.
        raise why_silent("no list in its answer")
    return listed


def require_api(version: str) -> None:
    """Raise MachineError for an engine whose API is too old; one that does not tell its API is let pass."""
    numbers = tuple(int(part) for part in version.split(".") if part.isdecimal())
    if numbers and numbers < LEAST_API:
        least = ".".join(map(str, LEAST_API))
        raise MachineError("engine-too-old", api=version, least=least, engine=LEAST_ENGINE)
