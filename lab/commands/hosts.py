"""Commands on the hosts as a whole: down, reset, status, shell."""

from __future__ import annotations

from lab.commands.progress import progress, say
from lab.errors import EXIT_MACHINE, EXIT_PASS
from lab.hosts.cleanup import remove_lab
from lab.hosts.compose import bring_up
from lab.hosts.connection import open_hosts
from lab.hosts.endpoint import endpoint
from lab.hosts.engine import LABEL, engine
from lab.hosts.found import look_around
from lab.hosts.images import image_exists, image_name
from lab.hosts.shell import open_shell
from lab.hosts.standing import further_hosts, running
from lab.hosts.turn import take_turn
from lab.recording.folders import sweep_unfinished
from lab.settings import HOSTS, PROFILES, RECORDER, Settings


def down(settings: Settings) -> int:
    """Remove the hosts and their network."""
    ended, removed = remove_lab(settings)
    for who in ended:
        say(settings, "ended", command=who.command, pid=who.pid)
    for name in removed:
        say(settings, "removed", what=name)
    sweep_unfinished(settings.runs)
    if told := endpoint().told:
        say(settings, "down-elsewhere", lab=settings.name, told=told)
    else:
        say(settings, "down", lab=settings.name)
    return EXIT_PASS


def reset(settings: Settings) -> int:
    """End every program and every connection on all hosts, leaving them as new; their containers stay."""
    with open_hosts(settings, None, hosts=(*HOSTS, *further_hosts(settings)), say=progress(settings)) as hosts:
        for host in hosts.values():
            host.end_strangers()
            host.clean()
        left = [row for host in hosts.values() for row in host.leftovers()]
        if left:
            # A kernel without INET_DIAG_DESTROY refuses `ss -K`: start the containers anew instead.
            with engine() as client:
                for name in hosts:
                    client.containers.get(settings.container(name)).restart(timeout=1)
    say(settings, "reset", lab=settings.name)
    return EXIT_PASS


def status(settings: Settings) -> int:
    """Say what is up; exit code 3 when the lab is not."""
    with engine() as client:
        there = {
            container.name: container
            for container in client.containers.list(all=True, filters={"label": f"{LABEL}={settings.name}"})
        }
        image = image_name()
        say(settings, "status-image" if image_exists(client, image) else "status-no-image", image=image)
    if owned := look_around().owner_of(settings.name):
        say(settings, "status-owner", owner=owned.name, checkout=owned.checkout)
    running = 0
    for host in (*HOSTS, *(host for host in (*PROFILES, RECORDER) if settings.container(host) in there)):
        container = there.get(settings.container(host))
        state = container.status if container else "-"
        health = (container.attrs["State"].get("Health") or {}).get("Status", "-") if container else "-"
        running += state == "running" and host in HOSTS
        say(
            settings,
            "status-host",
            host=host,
            address=settings.addresses.get(host, "-"),
            container=settings.container(host),
            state=state,
            health=health,
        )
    return EXIT_PASS if running == len(HOSTS) else EXIT_MACHINE


def shell(settings: Settings, host: str, *, root: bool) -> int:
    """Open a shell on a host as the unprivileged user (or root, for tcpdump), and return its exit code.

    A lab that is down is brought up first: whoever opens a terminal wants to type.
    """
    look_around().refuse_others(settings)
    with engine() as client:
        names = [container.name for container in client.containers.list(filters={"label": f"{LABEL}={settings.name}"})]
    if settings.container(host) not in names:
        tell = progress(settings)
        with take_turn(settings, tell) as turn:
            # Those that are up stay as an exercise has made them.
            up = running(settings)
            missing = [each for each in dict.fromkeys((*HOSTS, host)) if settings.container(each) not in up]
            if missing:  # nobody has brought them up while this waited
                bring_up(settings, {each: {} for each in missing}, tell, turn)
    return open_shell(settings.container(host), "root" if root else "lab")
