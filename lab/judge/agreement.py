"""Expect that both hosts' `ss` and both captures tell of the same connection."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from lab.judge.errors import ExerciseError
from lab.judge.judging import OfRecording, whole_conversation
from lab.judge.sockets.rows import line_of
from lab.judge.verdict import Comparison, Look, Message, Pair, Result, Verdict
from lab.recording.play import Party
from lab.recording.raw import CaptureRecord
from lab.recording.recording import SsOutput
from lab.recording.run import Run
from lab.wire.conversation import Conversation
from lab.wire.infer import infer
from lab.wire.segment import Endpoint, Segment
from lab.wire.state import State

HOSTS: Final = ("server", "client")

_NO_ROW: Final = "-"
_SLACK_NS: Final = 1_000_000
"""A FIN is stamped a little after the state that it changes, an arriving one a little before: 1 ms is plenty."""
_TIME_WAIT_NS: Final = 59_000_000_000
"""TIME-WAIT lasts 60 s (TCP_TIMEWAIT_LEN in include/net/tcp.h); its timer may fire in a coarse tick before that."""
_SHOWN: Final = 8
_SEGMENT_COLUMNS: Final = ("Frame", "Segment", "Flags", "Seq", "Ack", "Len")


def agree(
    id: str,  # noqa: A002 - the exercise's word
    *,
    client: str,
    snapshot: str,
    step: str | None = None,
    state_on_server: str | None = "ESTAB",
    state_on_client: str | None = "ESTAB",
) -> Agree:
    """Expect the client's connection in both hosts' `ss` at one moment, in these states, and in both captures.

    A state of None expects no row on that host. The four tell of the same pair of endpoints; what `ss` says is a state
    that the capture of that host allows at that time; and both captures hold the same segments (flags, numbers,
    payload) in each direction. Raises ExerciseError for a state that there is not.
    """
    try:
        states = tuple(None if text is None else State(text) for text in (state_on_server, state_on_client))
    except ValueError as error:
        raise ExerciseError("joint-state", id=id, reason=str(error)) from None
    return Agree(id=id, step=step, client=client, snapshot=snapshot, states=states)


@dataclass(frozen=True, slots=True)
class _Witness:
    """What one file says of the connection, as a host sees it: Local, Peer and State beside what they should be."""

    look: Look
    expected: tuple[str, str, str]
    observed: tuple[str, str, str] | None

    @property
    def pair(self) -> Pair:
        expected = (self.look.file, *self.expected)
        if self.observed is None:
            return Pair(expected, None, frozenset())
        observed = (self.look.file, *self.observed)
        both = enumerate(zip(expected, observed, strict=True))
        return Pair(expected, observed, frozenset(n for n, (one, other) in both if one != other))


@dataclass(frozen=True, slots=True, kw_only=True)
class Agree(OfRecording):
    """One connection in four records."""

    client: str
    snapshot: str
    states: tuple[State | None, ...]

    def expected(self) -> Message:
        """Return the states on either side."""
        server, client = (state.value if state else _NO_ROW for state in self.states)
        return Message("joint", {"client": self.client, "on_server": server, "on_client": client})

    def find(self, run: Run) -> Result:
        """Ask the four witnesses, then compare the captures; the result names each file that differs."""
        party = run.play.party(self.client)
        captures = {host: whole_conversation(run, self.client, host) for host in HOSTS}
        witnesses: list[_Witness] = []
        for host, wanted in zip(HOSTS, self.states, strict=True):
            ends = _ends(party, host)
            snapshot = run.snapshot(self.snapshot, host)
            by_ss = _ask_ss(snapshot, ends, wanted)
            witnesses += [by_ss, _ask_capture(*captures[host], host, ends, by_ss, snapshot)]
        comparison = Comparison(("File", "Local", "Peer", "State"), tuple(each.pair for each in witnesses))
        wrong = [each for each in witnesses if not each.pair.agrees]
        (server, at_server), (client, at_client) = (captures[host] for host in HOSTS)
        if wrong or at_server is None or at_client is None:
            names = ", ".join(each.look.file for each in wrong)
            return self.result(Verdict.FAIL, Message("joint-differs", {"files": names}), comparison, _looks(wrong))
        pairs = _segment_differences(at_server, at_client)
        if not pairs:
            agreed = Message("joint-agrees", {"client": self.client, "segments": len(at_server.segments)})
            return self.result(Verdict.PASS, agreed, comparison, _looks(witnesses))
        both = {"server": server.file, "client": client.file, "differing": len(pairs)}
        shown = tuple(_pair(one, other, at_server) for one, other in pairs[:_SHOWN])
        frames = [None if each is None else each.number for each in pairs[0]]
        look = tuple(Look(record.file, frame=frame) for record, frame in zip((server, client), frames, strict=True))
        return self.result(Verdict.FAIL, Message("joint-segments", both), Comparison(_SEGMENT_COLUMNS, shown), look)


def _ends(party: Party, host: str) -> tuple[Endpoint | None, Endpoint | None]:
    return (party.remote, party.local) if host == "server" else (party.local, party.remote)


def _looks(witnesses: list[_Witness]) -> tuple[Look, ...]:
    return tuple(each.look for each in witnesses)


def _ask_ss(snapshot: SsOutput, ends: tuple[Endpoint | None, Endpoint | None], wanted: State | None) -> _Witness:
    row = next((row for row in snapshot.rows if (row.local, row.peer) == ends), None)
    expected = (str(ends[0]), str(ends[1]), wanted.value if wanted else _NO_ROW)
    look = Look(snapshot.file, line=line_of(snapshot.text, row))
    if row is None:
        return _Witness(look, expected, expected if wanted is None else None)
    return _Witness(look, expected, (*expected[:2], row.state.value))


def _ask_capture(
    record: CaptureRecord,
    conversation: Conversation | None,
    host: str,
    ends: tuple[Endpoint | None, Endpoint | None],
    by_ss: _Witness,
    snapshot: SsOutput,
) -> _Witness:
    """Compare with what `ss` said rather than with what it should have said: a wrong state is then one difference."""
    state = (by_ss.observed or by_ss.expected)[2]
    expected = (str(ends[0]), str(ends[1]), state)
    if conversation is None:
        return _Witness(Look(record.file), expected, None)
    allowed, frame = _allowed(conversation, host, snapshot)
    shown = state if state in allowed else "/".join(sorted(allowed))
    return _Witness(Look(record.file, frame=frame), expected, (*expected[:2], shown))


def _allowed(conversation: Conversation, host: str, snapshot: SsOutput) -> tuple[set[str], int | None]:
    """Return the states that the host's end may have been in while `ss` ran, and the frame that led there.

    A reset does not end TIME-WAIT where `tcp_rfc1337` is set, as it is on the lab's hosts; elsewhere it does.
    """
    late = {segment.number for segment in conversation.stragglers}
    begun, ended = snapshot.begun_ns - _SLACK_NS, snapshot.ended_ns + _SLACK_NS
    allowed = {_NO_ROW}
    frame: int | None = None
    for inferred in infer(conversation):
        if inferred.segment.time_ns > ended:
            break
        state = inferred.server if host == "server" else inferred.client
        if inferred.segment.time_ns <= begun:
            allowed = allowed & {State.TIME_WAIT.value} if inferred.segment.number in late else set()
        frame = inferred.segment.number
        allowed.add(_NO_ROW if state in (State.CLOSED, State.LISTEN) else state.value)
        if state is State.TIME_WAIT and ended - inferred.segment.time_ns >= _TIME_WAIT_NS:
            allowed.add(_NO_ROW)
    return allowed, frame


def _segment_differences(
    at_server: Conversation, at_client: Conversation
) -> list[tuple[Segment | None, Segment | None]]:
    """Return what differs, direction by direction: segments that cross are stamped in another order on either host."""
    differing: list[tuple[Segment | None, Segment | None]] = []
    for from_client in (True, False):
        flows = (
            [segment for segment in each.segments if each.from_client(segment) == from_client]
            for each in (at_server, at_client)
        )
        differing += [
            (one, other)
            for one, other in zip_longest(*flows)
            if one is None or other is None or _content(one) != _content(other)
        ]
    return differing


def _content(segment: Segment) -> tuple[object, ...]:
    return segment.seq, segment.ack, segment.flags, segment.length, segment.payload


def _pair(one: Segment | None, other: Segment | None, conversation: Conversation) -> Pair:
    cells = [None if each is None else _cells(each, conversation) for each in (one, other)]
    expected, observed = cells
    if expected is None or observed is None:
        return Pair(expected, observed, frozenset())
    columns = range(1, len(_SEGMENT_COLUMNS))
    differs = frozenset(n for n in columns if expected[n] != observed[n])
    # Only the bytes differ: the length is the nearest column to mark.
    return Pair(expected, observed, differs or frozenset({len(_SEGMENT_COLUMNS) - 1}))


def _cells(segment: Segment, conversation: Conversation) -> tuple[str, ...]:
    seq, ack = conversation.relative(segment)
    way = "client > server" if conversation.from_client(segment) else "server > client"
    shown_ack = "" if ack is None else str(ack)
    return (str(segment.number), way, segment.flags.letters, str(seq), shown_ack, str(segment.length))
