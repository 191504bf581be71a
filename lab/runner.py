"""Play an exercise on the hosts and keep what was seen. Judging comes later, and elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from lab.errors import EvidenceError, MachineError
from lab.hosts.browser import has_browser
from lab.hosts.channel import CrowdedError
from lab.hosts.host import Host
from lab.hosts.recorder import SWITCHED_OFF
from lab.hosts.tcpdump import NAME as TCPDUMP
from lab.hosts.why import explained
from lab.kernel.sockets import parse_ss
from lab.recording.delays import STOOD_STILL, Delay
from lab.recording.play import TOO_MUCH, Exit, LabFacts, Output, Play
from lab.recording.recording import Recording
from lab.recording.run import Run
from lab.settings import HOSTS, KNOWN_HOSTS, PORT
from lab.stage import PlayStoppedError, Stage
from lab.standstill import Standstill
from lab.wire.state import State

if TYPE_CHECKING:
    from lab.hosts.channel import Event
    from lab.hosts.connection import Connection
    from lab.hosts.images import Say
    from lab.hosts.recorder import Recorder
    from lab.settings import Settings

T = TypeVar("T")


class Hosts(Protocol):
    """Which hosts an exercise needs: further ones, such as are used where there are, and everyone's sysctls."""

    @property
    def further(self) -> tuple[str, ...]:
        """The hosts that it needs beside server and client."""
        ...

    @property
    def optional(self) -> tuple[str, ...]:
        """Those that are used when their image is there."""
        ...

    def sysctls(self, host: str) -> Mapping[str, int | str]:
        """Return the sysctls of a host."""
        ...


class Playable(Protocol):
    """What the runner needs of an exercise: its id, its hosts, and what happens."""

    @property
    def id(self) -> str:
        """The name of its folder under runs/."""
        ...

    @property
    def lab(self) -> Hosts:
        """The hosts that it needs."""
        ...

    @property
    def play(self) -> Callable[..., None]:
        """What happens, on the stage that it is given."""
        ...


_LATEST_ACK_SECONDS: Final = 0.25
"""A little more than the longest that Linux puts off an ACK: TCP_DELACK_MAX in include/net/tcp.h."""
_PARALLEL: Final = ThreadPoolExecutor(max_workers=len(KNOWN_HOSTS) + 1)
THROUGHOUT: Final = "throughout"
"""What the samplings are called that stand in for the kernel's record where there can be none."""
_LOOK_PAUSE_SECONDS: Final = 0.02
"""Between two looks: without a pause they would take a processor for themselves."""


def play(
    exercise: Playable,
    settings: Settings,
    connection: Connection,
    stand_ins: Mapping[str, str] | None = None,
    build: Say | None = None,
) -> Run:
    """Play the exercise over a connection, hang up, and return the run.

    `stand_ins` are programs played in the place of others; with `build` a missing image is built first.
    """
    names = [*HOSTS, *exercise.lab.further, *(host for host in exercise.lab.optional if has_browser(build))]
    hosts = connection.hosts({host: exercise.lab.sysctls(host) for host in names}, build)
    with explained(settings, begun=True), _noticed() as standstill:
        run = _play_on(hosts, connection.recorder(), exercise, settings, stand_ins or {})
        # What the programs were late for while this process stood still, or their host did, is not their failure.
        run = replace(run, play=replace(run.play, delays=_delays(run, hosts, standstill)))
    connection.hang_up()
    return run


def _play_on(
    hosts: Mapping[str, Host],
    recorder: Recorder,
    exercise: Playable,
    settings: Settings,
    stand_ins: Mapping[str, str],
) -> Run:
    _refuse_taken_port(hosts["server"])
    recorder.begin()
    environment = {"kernel": ""}
    for name, found in zip(hosts, _on_all(hosts, _make_ready), strict=True):
        environment |= {f"{name}.{key}": value for key, value in found.items()}
    environment["kernel"] = environment.get("server.kernel.osrelease", "")
    recorder.wait_recording()
    stage = Stage(hosts, stand_ins)
    begun, stopped = time.time_ns(), None
    try:
        with _looks(stage, recorder):
            exercise.play(stage)
    except (PlayStoppedError, CrowdedError) as error:
        stopped = error.stopped if isinstance(error, PlayStoppedError) else stage.crowded(error)
        # An ACK still due now would be in one host's capture and not in the other's. Nothing tells of one that is put
        # off; the kernel's own limit is all there is to wait for.
        time.sleep(_LATEST_ACK_SECONDS)
    ending = _PARALLEL.submit(recorder.end)
    captures = tuple(_on_all(hosts, lambda host: host.tcpdump.end()))
    kernel = ending.result()
    ended = time.time_ns()
    traces = stage.traces()
    _on_all(hosts, Host.clean)
    recording = Recording(
        begun_ns=begun,
        ended_ns=ended,
        hosts={name: host.address for name, host in hosts.items()},
        captures=captures,
        kernel=kernel,
        unrecorded=recorder.unrecorded,
        traces=traces,
        outputs=tuple(stage.seen_outputs),
        samplings=tuple(stage.seen_samplings),
        counters=tuple(stage.seen_counters),
        usages=tuple(stage.seen_usages),
        environment=environment,
    )
    played = Play(
        exercise=exercise.id,
        lab=LabFacts(settings.name, str(settings.subnet)),
        steps=tuple(stage.steps),
        parties=tuple(stage.parties),
        actions=tuple(stage.actions),
        outputs=_outputs(hosts, ended),
        exits=_exits(hosts, ended),
        snapshots=tuple(stage.snapshots),
        samplings=tuple(stage.samplings),
        counters=tuple(stage.counters),
        usages=tuple(stage.usages),
        stopped=stopped,
        stand_ins=stand_ins,
        delays=tuple(stage.delays),
    )
    return Run(recording, played)


@contextlib.contextmanager
def _looks(stage: Stage, recorder: Recorder) -> Iterator[None]:
    """Look at both hosts all along where the kernel cannot be asked; not where nobody wants to know."""
    with contextlib.ExitStack() as looks:
        if recorder.unrecorded not in ("", SWITCHED_OFF):
            for host in HOSTS:
                looks.enter_context(stage.watching(THROUGHOUT, on=host, pause=_LOOK_PAUSE_SECONDS))
        yield


def _make_ready(host: Host) -> dict[str, str]:
    """Clean a host and start its capture; return its environment, asked for while tcpdump starts."""
    host.clean()
    host.tcpdump.begin()
    environment = host.environment()
    host.tcpdump.wait_listening()
    return environment


def _on_all(hosts: Mapping[str, Host], do: Callable[[Host], T]) -> list[T]:
    """Do something on all hosts at the same time."""
    return list(_PARALLEL.map(do, hosts.values()))


def _events(hosts: Mapping[str, Host], until_ns: int) -> Iterator[Event]:
    """Yield what the programs did before the end, when the lab itself ends all of them."""
    for host in hosts.values():
        yield from (event for event in host.channel.events if event.name != TCPDUMP and event.time_ns <= until_ns)


def _outputs(hosts: Mapping[str, Host], until_ns: int) -> tuple[Output, ...]:
    found = [
        Output(event.time_ns, event.name, event.data["stream"], _text(event))
        for event in _events(hosts, until_ns)
        if event.kind in ("output", "lost")
    ]
    return tuple(sorted(found, key=lambda output: output.time_ns))


def _text(event: Event) -> str:
    return TOO_MUCH if event.kind == "lost" else event.data["text"]


def _exits(hosts: Mapping[str, Host], until_ns: int) -> tuple[Exit, ...]:
    found = [
        Exit(event.time_ns, event.name, event.data["status"])
        for event in _events(hosts, until_ns)
        if event.kind == "exit"
    ]
    return tuple(sorted(found, key=lambda end: end.time_ns))


@contextlib.contextmanager
def _noticed() -> Iterator[Standstill]:
    """Notice when this process stands still; a host that then seems to be too slow is not."""
    with Standstill() as standstill:
        try:
            yield standstill
        except EvidenceError as error:
            longest = max((delay.waited_ns for delay in standstill.delays()), default=0)
            if error.code != "host-too-slow" or not longest:
                raise
            raise EvidenceError("lab-stood-still", seconds=f"{longest / 1e9:.1f}") from error


def _delays(run: Run, hosts: Mapping[str, Host], standstill: Standstill) -> tuple[Delay, ...]:
    """Return all delays of a play in the order of their begin."""
    stalled = (
        Delay(name, STOOD_STILL, event.time_ns - waited, event.time_ns, waited)
        for name, host in hosts.items()
        for event in host.channel.events
        if event.kind == "stalled" and (waited := int(event.data["seconds"] * 1e9))
    )
    within = (
        delay
        for delay in (*standstill.delays(), *stalled)
        if delay.begun_ns < run.recording.ended_ns and delay.ended_ns > run.recording.begun_ns
    )
    return tuple(sorted((*run.play.delays, *within), key=lambda delay: delay.begun_ns))


def _refuse_taken_port(server: Host) -> None:
    """Leave alone what somebody runs by hand in the host: say who has the port."""
    if not (holders := _listening(server.look()[2])):
        return
    raise MachineError("port-taken", host="server", port=PORT, holder=", ".join(name or "?" for name in holders))


def _listening(text: str) -> list[str]:
    """Return who listens on the lab's port, an empty name for who is hidden."""
    return [
        ", ".join(f"{process.name} (pid {process.pid})" for process in row.processes)
        for row in parse_ss(text)
        if row.state is State.LISTEN and row.local.port == PORT
    ]
