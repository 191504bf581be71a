"""The channels to the hosts, from the first ring to the last word."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Self

from lab.errors import LabError
from lab.hosts.channel import Channel
from lab.hosts.turn import Turn, take_turn
from lab.settings import HOSTS, RECORDER

if TYPE_CHECKING:
    from lab.hosts.compose import Sysctls
    from lab.hosts.host import Host
    from lab.hosts.images import Say
    from lab.hosts.recorder import Recorder
    from lab.settings import Settings


class Connection:
    """The hosts' channels, and the recorder's. They ring at once: the caller goes on loading meanwhile.

    It has the lab's turn from before the first ring until it hangs up, and tells `say` when it has to wait for that:
    nobody else makes or drives the hosts meanwhile, also while these are made anew. Several connections of one session
    share the `turn` that they are given. Leaving it, also by an error, ends all agents and everything they started.
    """

    def __init__(
        self,
        settings: Settings,
        hosts: Iterable[str] = HOSTS,
        *,
        records: bool = True,
        turn: Turn | None = None,
        say: Say | None = None,
    ) -> None:
        self._settings = settings
        self._records = records and settings.recorder
        self._channels: dict[str, Channel] = {}
        self._lent = turn is not None
        self._turn = turn or take_turn(settings, say)
        try:
            self._channels = _ring(settings, (*hosts, RECORDER) if self._records else hosts)
        except BaseException as error:
            self._end(type(error))
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, how: type[BaseException] | None, *_: object) -> None:
        self._end(how)

    def hosts(self, sysctls: Sysctls | None, build: Say | None = None) -> Mapping[str, Host]:
        """Return the hosts of `sysctls` with their agents running, made anew where they are not as it needs them.

        With None the hosts are taken as they stand; with `build` a missing image is built. Raises MachineError when the
        engine, the image, the addresses or (taken as they stand) the hosts are not to be had, or are another user's.
        """
        from lab.hosts.compose import bring_up, config_of  # noqa: PLC0415 - loaded while the hosts are rung
        from lab.hosts.host import Host  # noqa: PLC0415
        from lab.hosts.owner import me  # noqa: PLC0415
        from lab.hosts.why import explained  # noqa: PLC0415

        if sysctls is not None and self._records:
            sysctls = {**sysctls, RECORDER: {}}
        with explained(self._settings, begun=False):
            if sysctls is not None:
                self._channels |= _ring(self._settings, [host for host in sysctls if host not in self._channels])
            self._wait_ready(must=sysctls is None)
            if any(channel.owner not in ("", me()) for channel in self._channels.values()):
                self._ask_owner()
            if sysctls is not None:
                wanted = {host: config_of(self._settings, host, sysctls) for host in sysctls}
                if {host: channel.config for host, channel in self._channels.items()} != wanted:
                    self._close()
                    bring_up(self._settings, sysctls, build, self._turn)
                    self._channels = _ring(self._settings, sysctls)
                    self._wait_ready(must=True)
        addresses = self._settings.addresses
        return {host: Host(host, addresses[host], self._channels[host]) for host in self._channels if host != RECORDER}

    def recorder(self) -> Recorder:
        """Return the recorder, which may be there or not; only a connection that has its hosts knows."""
        from lab.hosts.recorder import NOT_PERMITTED, SWITCHED_OFF, Recorder  # noqa: PLC0415

        channel = self._channels.get(RECORDER)
        absent = NOT_PERMITTED if self._records else SWITCHED_OFF
        hosts = {host: other for host, other in self._channels.items() if host != RECORDER}
        return Recorder(self._settings, channel, "" if channel else absent, hosts)

    def hang_up(self) -> None:
        """Tell all agents that it is over, and give the turn back; leaving the connection waits for their end."""
        for channel in self._channels.values():
            channel.hang_up()
        if not self._lent:
            self._turn.give_back()

    def _end(self, how: type[BaseException] | None) -> None:
        """End it all, whatever raised; InterruptError in the place of a KeyboardInterrupt that came from a `down`."""
        ended = self._turn.ended_by_down(how)
        self.hang_up()
        self._close()
        if ended:
            raise ended from None

    def _close(self) -> None:
        for channel in self._channels.values():
            channel.hang_up()
        for channel in self._channels.values():
            channel.close()
        self._channels = {}

    def _ask_owner(self) -> None:
        """Raise MachineError when the hosts belong to somebody else, and are not to be taken over."""
        from lab.hosts.found import look_around  # noqa: PLC0415 - rarely needed

        look_around().refuse_others(self._settings)

    def _wait_ready(self, *, must: bool) -> None:
        """Wait for all agents; those of hosts that are not there are left out, or raise when they `must` be.

        The recorder need not be there, whatever is the matter with it.
        """
        for host, channel in list(self._channels.items()):
            try:
                channel.wait_ready()
            except LabError as error:
                if host != RECORDER and (must or error.code != "host-died"):
                    raise
                channel.close()
                del self._channels[host]


def _ring(settings: Settings, hosts: Iterable[str]) -> dict[str, Channel]:
    return {host: Channel(host, settings.container(host)) for host in hosts}


@contextlib.contextmanager
def open_hosts(
    settings: Settings,
    sysctls: Sysctls | None,
    build: Say | None = None,
    hosts: Iterable[str] = HOSTS,
    say: Say | None = None,
) -> Iterator[Mapping[str, Host]]:
    """Yield the hosts, see `Connection.hosts`; a host that dies while they are in use is explained, too."""
    from lab.hosts.why import explained  # noqa: PLC0415

    with Connection(settings, hosts, records=False, say=say) as connection:
        hosts = connection.hosts(sysctls, build)
        with explained(settings, begun=True):
            yield hosts
