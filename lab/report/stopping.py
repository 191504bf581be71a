"""Why a play stopped, told to a learner: which program, what it did not do, and what it said last."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from lab.recording.play import Party, Stopped
from lab.report.fold import together
from lab.report.words import Words

_SECONDS: Final = re.compile(r"(?P<seconds>[\d.]+) s")
_STATUS: Final = re.compile(r"status (?P<status>-?\d+)")
_ELSEWHERE: Final = re.compile(r"(?:(?P<wanted>\S+); )?LISTEN (?P<place>\S+)")
_ROW: Final = re.compile(r"(?P<place>\S+): (?P<states>\S+) ≠ (?P<wanted>\S+)")


def stop_words(stopped: Stopped, parties: Sequence[Party], words: Words) -> str:
    """Return why the play stopped, in sentences.

    The record's `detail` is what the stage noted in passing: the program's own last words, a time, an endpoint, and
    after them those of servers that had broken down.
    """
    servers = [party.name for party in parties if party.role == "server" and party.name != stopped.party]
    own, *others = re.split(rf"; ({'|'.join(map(re.escape, servers)) or '(?!)'}): ", stopped.detail)
    told = [_what(stopped, own, parties, words), *_more(stopped, own, words)]
    for name, last in zip(others[::2], others[1::2], strict=True):
        told.append(_other(_who(name, parties, words), last, words))
    return words.lab("stop.here", how=together(*told))


def _what(stopped: Stopped, own: str, parties: Sequence[Party], words: Words) -> str:
    who, client = _who(stopped.party, parties, words), _role(stopped.party, parties) == "client"
    if stopped.reason == "no-answer":
        return words.lab("stop.no-answer" if client else "stop.not-printed", who=who, text=own)
    return words.lab(f"stop.{stopped.reason}", who=who)


def _more(stopped: Stopped, own: str, words: Words) -> Iterator[str]:
    """Yield what else is known of the program that the play waited for."""
    if stopped.reason == "no-answer" or not own:
        return
    if found := _SECONDS.fullmatch(own):
        yield words.lab("stop.waited", **found.groupdict())
    elif found := _STATUS.fullmatch(own):
        yield words.lab("stop.status", **found.groupdict())
    elif found := _ELSEWHERE.fullmatch(own):
        if found["wanted"]:
            yield words.lab("stop.wanted", place=found["wanted"])
        yield words.lab("stop.instead", place=found["place"])
    elif found := _ROW.fullmatch(own):
        yield words.lab("stop.no-row" if found["states"] == "-" else "stop.row", **found.groupdict())
    else:
        yield words.lab("stop.last", text=own)


def _other(who: str, last: str, words: Words) -> str:
    if found := _STATUS.fullmatch(last):
        return words.lab("stop.other-status", who=who, **found.groupdict())
    return words.lab("stop.other", who=who, text=last)


def _who(name: str, parties: Sequence[Party], words: Words) -> str:
    """Return a program with what it is: `client a (prompt)`, `the server (my_server)`, `client rounds`."""
    party = next((party for party in parties if party.name == name), None)
    if party is None or party.role not in {"client", "server"}:
        return words.lab("stop.alone", who=name)
    who = words.lab("stop.the-server") if name == "server" else words.lab(f"stop.{party.role}", name=name)
    if name == party.program:
        return words.lab("stop.alone", who=who)
    return words.lab("stop.with-program", who=who, program=party.program)


def _role(name: str, parties: Sequence[Party]) -> str | None:
    return next((party.role for party in parties if party.name == name), None)
