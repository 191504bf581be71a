"""Expect that connections to several hosts stood at the same time, before any of them was answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from lab.judge.judging import OfRecording, whole_capture
from lab.judge.verdict import Comparison, Look, Message, Pair, Result, frames
from lab.recording.run import Run
from lab.settings import PORT
from lab.wire.conversation import Conversation
from lab.wire.segment import Endpoint

_MS: Final = 1_000_000
_COLUMNS: Final = ("Host", "Open", "Answer")


def abreast(
    to: Sequence[str],
    *,
    on: str,
    id: str,  # noqa: A002 - the exercise's word
    step: str | None = None,
) -> Abreast:
    """Expect that the first connections to these hosts, as `on` captured them, all stood before any was answered."""
    return Abreast(id=id, step=step, to=tuple(to), on=on)


@dataclass(frozen=True, slots=True, kw_only=True)
class Abreast(OfRecording):
    """Connections to several hosts that stood at the same time."""

    to: tuple[str, ...]
    on: str

    def expected(self) -> Message:
        """Return the hosts."""
        return Message("abreast", {"hosts": ", ".join(self.to)})

    def find(self, run: Run) -> Result:
        """Compare when each was open with the first answer of all; times are told from the first SYN on."""
        record = whole_capture(run, self.on)
        found: dict[str, Conversation] = {}
        for host in self.to:
            end = Endpoint(run.recording.hosts[host], PORT)
            talk = next((one for one in record.conversations if one.server == end and one.established), None)
            if talk is not None:
                found[host] = talk
        answers = {host: _answered_ns(talk) for host, talk in found.items()}
        first = min((time for time in answers.values() if time is not None), default=None)
        begun = min((talk.segments[0].time_ns for talk in found.values()), default=0)
        pairs, wrong = [], []
        for host in self.to:
            talk = found.get(host)
            if talk is None:
                wrong.append(host)
                pairs.append(Pair((host, "*", "*"), None, frozenset()))
                continue
            opened, answered = talk.handshake[-1].time_ns, answers[host]
            late = first is not None and opened >= first
            wrong += [host] * late
            cells = (host, _ms(opened - begun), "-" if answered is None else _ms(answered - begun))
            pairs.append(Pair((host, "*", "*"), cells, frozenset({1}) if late else frozenset()))
        code = "abreast-not" if wrong else "abreast"
        observed = Message(code, {"hosts": ", ".join(wrong or self.to)})
        proof = frames(record.file, _frames([*found.values()]))
        return self.result(not wrong, observed, Comparison(_COLUMNS, tuple(pairs)), (Look(record.file),), proof)


def _frames(found: Sequence[Conversation]) -> Iterator[int]:
    """Yield the last segment of each handshake, and the first answer of all."""
    yield from (talk.handshake[-1].number for talk in found)
    answers = [data for talk in found for data in talk.data if not talk.from_client(data)]
    yield from (data.number for data in sorted(answers, key=lambda data: data.time_ns)[:1])


def _answered_ns(talk: Conversation) -> int | None:
    return next((one.time_ns for one in talk.data if not talk.from_client(one)), None)


def _ms(ns: int) -> str:
    return f"{ns / _MS:.1f} ms"
