"""The command `live`: the timeline while it happens, of whatever is typed or run on the hosts."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from lab.commands.writing import write_json
from lab.errors import EXIT_PASS, MachineError
from lab.foreign import shown_json
from lab.hosts.listeners import standing_servers
from lab.hosts.live import LiveLab
from lab.hosts.recorder import DIED
from lab.hosts.standing import further_hosts, running
from lab.hosts.threads import lab_threads
from lab.hosts.turn import take_turn
from lab.hosts.why import explained
from lab.live.follower import Follower
from lab.settings import HOSTS, RECORDER, Settings

if TYPE_CHECKING:
    from lab.live.news import Item

SECONDS: Final = 0.2
_RECORDER_SECONDS: Final = 8.0
_LONGEST: Final = 1.0
_SHARE: Final = 3
"""Of its time it works no more than one part and rests so many: the hosts have the same processors."""


def live(settings: Settings, *, as_json: bool) -> int:
    """Tell what happens on the hosts until Ctrl-C. Nobody is kept out, and nothing is left of it afterwards."""
    pause = threading.Event()
    with contextlib.suppress(KeyboardInterrupt), contextlib.ExitStack() as stack:
        stack.enter_context(explained(settings, begun=False))
        hosts = (*HOSTS, *further_hosts(settings))
        standing = standing_servers(settings, hosts)
        _have_recorder(settings)
        lab = stack.enter_context(LiveLab(settings, hosts))
        lab.wait_listening()
        stack.enter_context(explained(settings, begun=True))
        begun_ns = time.time_ns()
        follower = Follower(settings.addresses, hosts, begun_ns, standing, partial(lab_threads, settings, hosts))
        items = _wait_recording(lab, follower, pause)
        lacks = [lab.unrecorded] if lab.unrecorded else []
        show = (_json if as_json else _text)(settings, hosts, begun_ns, lacks)
        while True:
            began = time.monotonic()
            show(items)
            items = _take(lab, follower)
            pause.wait(min(max(SECONDS, _SHARE * (time.monotonic() - began)), _LONGEST))
    return EXIT_PASS


def _have_recorder(settings: Settings) -> None:
    """Start the recorder where the hosts stand without it, as `lab shell` leaves them."""
    if settings.recorder and settings.container(RECORDER) not in running(settings):
        from lab.hosts.compose import bring_up  # noqa: PLC0415 - seldom needed

        # Nobody waits long for it: where somebody plays, it is coming, or cannot be had.
        with contextlib.suppress(MachineError), take_turn(settings, seconds=_RECORDER_SECONDS) as turn:
            bring_up(settings, {RECORDER: {}}, turn=turn)


def _take(lab: LiveLab, follower: Follower) -> list[Item]:
    items = follower.take(lab.take())
    if follower.refused and not lab.unrecorded:
        lab.no_recorder(follower.refused)
    return items


def _wait_recording(lab: LiveLab, follower: Follower, pause: threading.Event) -> list[Item]:
    """Wait until the kernel is recorded, or it is known why not; return what has happened meanwhile."""
    deadline = time.monotonic() + _RECORDER_SECONDS
    items: list[Item] = []
    while not lab.unrecorded and follower.header is None:
        if time.monotonic() > deadline:
            lab.no_recorder(DIED)
        items += _take(lab, follower)
        pause.wait(SECONDS / 4)
    return items


def _text(
    settings: Settings, hosts: Sequence[str], begun_ns: int, lacks: Sequence[str]
) -> Callable[[Sequence[Item]], None]:
    """Print the head, and return what prints the rest: lines at the terminal's width, 80 cells in a pipe."""
    from lab.report.live import LiveText  # noqa: PLC0415 - each form loads what it alone needs
    from lab.report.style import NARROWEST, emit_all, new_console, terminal_width  # noqa: PLC0415
    from lab.report.words import Words  # noqa: PLC0415
    from lab.text.catalog import Catalog  # noqa: PLC0415

    console = new_console()
    words = Words(Catalog({}, ""), settings.language, settings.addresses)
    text = LiveText(words, max(NARROWEST, console.width), begun_ns)
    emit_all(console, text.head({host: settings.addresses[host] for host in hosts}, lacks))
    sys.stdout.flush()

    def show(items: Sequence[Item]) -> None:
        if console.is_terminal:
            emit_all(console, text.resized(max(NARROWEST, terminal_width())))
        emit_all(console, text.lines(items))
        sys.stdout.flush()

    return show


def _json(
    settings: Settings, hosts: Sequence[str], begun_ns: int, lacks: Sequence[str]
) -> Callable[[Sequence[Item]], None]:
    """Print the first object, and return what prints the others, each on a line."""
    from lab.report.live_json import begin_object, item_object  # noqa: PLC0415 - each form loads what it alone needs

    def write(some: Sequence[dict[str, object]]) -> None:
        write_json("".join(shown_json(json.dumps(each, ensure_ascii=False)) + "\n" for each in some))
        sys.stdout.flush()

    write([begin_object(settings.name, {host: settings.addresses[host] for host in hosts}, begun_ns, lacks)])
    return lambda items: write([item_object(item) for item in items])
