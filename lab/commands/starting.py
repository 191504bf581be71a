"""Commands that make what is missing: up, images. They load little, since `make up` waits for them."""

from __future__ import annotations

from lab.commands.progress import progress, say
from lab.errors import EXIT_PASS
from lab.hosts.compose import bring_up
from lab.hosts.images import ensure_image
from lab.hosts.turn import take_turn
from lab.settings import HOSTS, RECORDER, Settings


def images(settings: Settings, *, browser: bool) -> int:
    """Build the image of the hosts, or that with a browser too, if it is not there."""
    if browser:
        from lab.hosts.browser import ensure_browser  # noqa: PLC0415 - nobody else waits for it

        name = ensure_browser(progress(settings))
    else:
        name = ensure_image(progress(settings))
    say(settings, "images-present", image=name)
    return EXIT_PASS


def up(settings: Settings, *, build: bool) -> int:
    """Start both hosts, and say where they are. The recorder comes with them, so that no run waits for it."""
    services = (*HOSTS, RECORDER) if settings.recorder else HOSTS
    tell = progress(settings)
    with take_turn(settings, tell) as turn:
        bring_up(settings, {service: {} for service in services}, tell if build else None, turn)
    for host in HOSTS:
        say(settings, "host-up", host=host, address=settings.addresses[host])
    return EXIT_PASS
