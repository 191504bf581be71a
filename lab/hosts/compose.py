"""Bring the hosts up as an exercise needs them, with `docker compose`, and only when they are not so already."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from lab.errors import MachineError
from lab.hosts.engine import LABEL, engine
from lab.hosts.found import look_around
from lab.hosts.images import Say, browser_image_name, ensure_image, image_exists, image_name, image_of
from lab.hosts.owner import me
from lab.hosts.plugin import require_compose
from lab.hosts.tracefs import mounted_tracefs
from lab.hosts.turn import Turn, take_turn
from lab.settings import RECORDER, ROOT

if TYPE_CHECKING:
    from lab.settings import Settings

_COMPOSE_SECONDS: Final = 90.0
_END_SECONDS: Final = 2.0

Sysctls = Mapping[str, Mapping[str, int | str]]
"""Sysctls by host; its hosts are those that are meant. The recorder may be among them."""
Grant = Mapping[str, object]
"""What lets the recorder have tracefs, in the words of compose."""
_MOUNT: Final[Grant] = MappingProxyType({"cap_add": ["SYS_ADMIN"]})
"""It mounts one of its own."""


def config_of(settings: Settings, host: str, sysctls: Sysctls) -> str:
    """Return a digest of everything a host is made from; the host tells it back through its agent."""
    compose = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    parts: list[object] = [image_of(host), compose, dict(settings.compose_environment()), me()]
    parts.append(sorted(sysctls.get(host, {}).items()))
    if host == RECORDER:
        # One that was refused is asked again when the machine has another tracefs than before.
        parts.append(dict(_least_grant()))
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def bring_up(settings: Settings, sysctls: Sysctls, build: Say | None = None, turn: Turn | None = None) -> None:
    """Make the network and these hosts, or only what differs, and wait until each has set its guard.

    Other hosts of the lab stay as they are. With `build`, which is told of each long part, a missing image is built
    first. MachineError says what stands in the way; nothing of another owner, and nothing that is not the lab's, is
    touched. Images are looked for only when compose fails: asking for them first costs more than the start itself. The
    recorder stands in nobody's way: it is left out when the engine refuses it. Who already has the lab's `turn`
    hands it over; otherwise this waits for it.
    """
    with contextlib.nullcontext(turn) if turn else take_turn(settings) as held:
        found = look_around()
        found.refuse_others(settings)
        found.refuse_strangers(settings)
        if found.must_go(settings):
            found.refuse_collision(settings)
            _remove(settings)
        with _nothing_half(settings):
            _bring_up_ours(settings, sysctls, build, held)


def _bring_up_ours(settings: Settings, sysctls: Sysctls, build: Say | None, held: Turn) -> None:
    failures: list[MachineError] = []
    for services, grant in _attempts(sysctls):
        try:
            return _bring_up(settings, services, grant, build, held.descriptors)
        except MachineError as failure:
            failures.append(failure)
            if failure.code != "compose-failed":
                break
    raise failures[0]


def _attempts(sysctls: Sysctls) -> Iterator[tuple[Sysctls, Grant]]:
    """Yield what to bring up: with the recorder as it needs least, with it as it needs more, and without it."""
    least = _least_grant()
    yield sysctls, least
    if RECORDER in sysctls:
        if least is not _MOUNT:
            yield sysctls, _MOUNT
        without = {host: wanted for host, wanted in sysctls.items() if host != RECORDER}
        if without:  # no name at all means all services to compose
            yield without, least


def _least_grant() -> Grant:
    """Return what the recorder needs on this machine: its tracefs where it is mounted, else the right to mount one.

    Of the mounted one it gets the instances alone, and no capability.
    """
    folder = mounted_tracefs()
    if folder is None:
        return _MOUNT
    return {"volumes": [{"type": "bind", "source": str(folder / "instances"), "target": "/tracing/instances"}]}


def _bring_up(settings: Settings, sysctls: Sysctls, grant: Grant, build: Say | None, turn: Sequence[int]) -> None:
    try:
        _start(settings, sysctls, grant, turn)
    except MachineError as failure:
        _mend(settings, sysctls, build, failure)
        _start(settings, sysctls, grant, turn)


def _remove(settings: Settings) -> None:
    from lab.hosts.cleanup import remove_now  # noqa: PLC0415 - loaded only when something is to be removed

    remove_now(settings)


@contextlib.contextmanager
def _nothing_half(settings: Settings) -> Iterator[None]:
    """Take away what a start that failed has begun, unless a host runs: compose makes the network first."""
    try:
        yield
    except MachineError:
        with contextlib.suppress(MachineError):
            with engine() as client:
                running = client.containers.list(filters={"label": f"{LABEL}={settings.name}"})
            if not running:
                _remove(settings)
        raise


def _mend(settings: Settings, sysctls: Sysctls, build: Say | None, failure: MachineError) -> None:
    """Make what is missing, or raise what nobody but the reader can mend."""
    require_compose()
    look_around().refuse_collision(settings)
    with engine() as client:
        missing = not image_exists(client, image_name())
        no_browser = "browser" in sysctls and not image_exists(client, browser_image_name())
    if missing and build is None:
        raise MachineError("image-missing", image=image_name()) from failure
    if no_browser:
        raise MachineError("browser-missing", image=browser_image_name()) from failure
    came_meanwhile = "No such image" in str(failure.params.get("detail"))  # another lab has just built it
    if not (missing or came_meanwhile):
        raise failure
    if missing and build:
        ensure_image(build)


def _start(settings: Settings, sysctls: Sysctls, grant: Grant, turn: Sequence[int]) -> None:
    override = {
        "services": {
            host: {
                "environment": {"LAB_CONFIG": config_of(settings, host, sysctls)},
                "sysctls": {name: str(value) for name, value in sysctls.get(host, {}).items()},
                **(grant if host == RECORDER else {}),
            }
            for host in sysctls
        }
    }
    # Nobody's own COMPOSE_PROJECT_NAME or COMPOSE_FILE: this is no project of theirs.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("COMPOSE_")}
    environment = inherited | dict(settings.compose_environment())
    environment |= {"LAB_IMAGE": image_name(), "LAB_BROWSER_IMAGE": browser_image_name(), "LAB_OWNER": me()}
    # A host that is named comes up whatever its profile.
    arguments = ["up", "--detach", *sysctls]
    _compose(arguments, environment, json.dumps(override), turn)
    _wait_guarded(settings, [host for host in sysctls if host != RECORDER])


def _wait_guarded(settings: Settings, hosts: Sequence[str]) -> None:
    """Wait for each host's word that its guard stands; a host that cannot set it ends, and says why in its log.

    The agent asks again before it does anything: this is for who uses the hosts without it.
    """
    logs = {
        host: subprocess.Popen(
            ["sh", "-c", _FOLLOW, "sh", settings.container(host)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            errors="replace",
            # What is sent to the lab's whole group, Ctrl-C or a kill, would end the shell before it ends its child.
            start_new_session=True,
        )
        for host in hosts
    }
    try:
        for host, process in logs.items():
            watchdog = threading.Timer(_GUARD_SECONDS, _stop_following, [process])
            watchdog.start()
            guarded = any(line.strip() == _GUARDED for line in process.stdout or ())
            watchdog.cancel()
            if not guarded:
                raise MachineError("host-unguarded", host=host, container=settings.container(host))
    finally:
        for process in logs.values():
            _stop_following(process)
            with process:
                pass


def _stop_following(process: subprocess.Popen[str]) -> None:
    if process.stdin:
        process.stdin.close()


# It ends with its stdin, and so with this process, however that ends: alone it would follow until the host ends.
_FOLLOW: Final = 'docker logs --follow "$1" 2>&1 & exec >&-; read -r _; kill $!'
_GUARDED: Final = "the guard stands"
"""What images/host/entry.sh says when it is done."""
_GUARD_SECONDS: Final = 5.0


def _compose(arguments: list[str], environment: Mapping[str, str], override: str, turn: Sequence[int]) -> None:
    command = ["docker", "compose", "--project-directory", str(ROOT), "-f", str(ROOT / "compose.yaml"), "-f", "-"]
    try:
        process = subprocess.Popen(
            [*command, "--progress", "quiet", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=dict(environment),
            encoding="utf-8",
            errors="replace",
            # Ctrl-C must reach the lab alone; should the lab be killed, the turn is held until compose has ended.
            start_new_session=True,
            pass_fds=turn,
        )
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        raise MachineError("engine-absent") from None
    try:
        _, said = process.communicate(override, timeout=_COMPOSE_SECONDS)
    except subprocess.TimeoutExpired:
        raise MachineError("engine-lost", detail=f"docker compose: {_COMPOSE_SECONDS:g} s") from None
    finally:
        _end(process)
    if process.returncode != 0:
        words = [line for line in said.splitlines() if line.strip()]
        raise MachineError("compose-failed", detail=words[-1].strip() if words else f"exit {process.returncode}")


def _end(process: subprocess.Popen[str]) -> None:
    """End a compose that has not ended, and the plugin below it: asked first, so that it lets go of what it began."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_END_SECONDS)
