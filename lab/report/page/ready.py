"""Which descriptors a wait for many found ready, in words: those that the program then serves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lab.report.page.said import Said
from lab.text.catalog import Catalog
from lab.timeline.model import CallMade, Moment, Timeline

_KEYBOARD = 0


def with_ready(said: Said, count: int, calls: Sequence[Moment], timeline: Timeline, texts: Catalog) -> Said:
    """Return what is said of a wait that found `count` ready, with their names by the `calls` that serve them."""
    by_fd: dict[int | None, list[Moment]] = {}
    for moment in calls:
        if isinstance(moment.what, CallMade):
            by_fd.setdefault(moment.what.fd, []).append(moment)
    if not by_fd or not said.parts[-1].startswith("call.ready-"):
        return said
    between = texts.get("page.ready.between")
    which = between.join(_named(fd, some, timeline, texts) for fd, some in by_fd.items())
    last = f"{said.parts[-1]}-{'known' if len(by_fd) >= count else 'some'}"
    return Said((*said.parts[:-1], last), {**said.fields, "which": which})


def _named(fd: int | None, calls: Sequence[Moment], timeline: Timeline, texts: Catalog) -> str:
    who = texts.get("page.ready.between").join(_clients(calls, timeline, texts))
    accepts = any(isinstance(each.what, CallMade) and each.what.name == "accept" for each in calls)
    if who:
        return texts.get("page.ready.new" if accepts else "page.ready.of", fd=fd, who=who)
    return texts.get("page.ready.keyboard" if fd == _KEYBOARD else "page.ready.plain", fd="?" if fd is None else fd)


def _clients(calls: Sequence[Moment], timeline: Timeline, texts: Catalog) -> Iterator[str]:
    for each in calls:
        if each.talk is not None:
            talk = timeline.talks[each.talk]
            if talk.name:
                yield texts.get("page.ready.client", name=talk.name)
            else:
                yield texts.get("page.ready.port", port=talk.client.port)
