"""Where a result was proved when its look names no place: what a program printed, how it ended, further frames, calls.

All of it is found again in the evidence by what the result says of itself; nothing is judged here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple

from lab.errors import EvidenceError
from lab.judge.calls.traces import calls_within, step_window
from lab.judge.serving.services import services
from lab.judge.verdict import Look, Message, Result
from lab.kernel.calls import Call
from lab.recording.play import Output
from lab.recording.raw import CaptureRecord, Trace
from lab.recording.run import Run
from lab.wire.conversation import Conversation

CALLED: Final = "called-once"
"""A call, in the page's own words."""
MOST: Final = 40
"""How many places of one kind a result has at most: a thousand marks show nothing."""
_LAST: Final = 8
"""How many lines a failure shows, as the judge does."""
_PARENT: Final = re.compile(r"\s*\d+\s+(\d+)\b.*")


class Told(NamedTuple):
    """What a line of a listing tells of: a state that changed then, or a call that the program `party` made then."""

    time_ns: int
    party: str | None = None
    call: str | None = None


@dataclass(frozen=True, slots=True)
class Spot:
    """What the program `party` did that is no record of a timeline, on the client's side or on the server's.

    `message` says it: a line it printed or its end in the judge's words (`judge.<code>`), or CALLED, with its `call`.
    """

    time_ns: int
    party: str
    client: bool
    message: Message = field(hash=False)


class Places(NamedTuple):
    """Beside the looks of a result: spots, frames, and calls, which a timeline may hold and may not."""

    spots: tuple[Spot, ...] = ()
    frames: tuple[Look, ...] = ()
    calls: tuple[Spot, ...] = ()


def places_of(run: Run, result: Result) -> Places:
    """Return the places of a result; none where the evidence no longer has them."""
    try:
        return Places(
            tuple(islice(_spots(run, result), MOST)),
            tuple(islice(_frames(run, result), MOST)),
            tuple(islice(_calls(run, result), MOST)),
        )
    except EvidenceError:
        return Places()


def a_spot(run: Run, time_ns: int, party: str, message: Message) -> Spot:
    """Return what a program did, with where it ran; what is neither client nor server stands on its host's side."""
    found = run.play.party(party)
    client = found.role == "client" or (found.role != "server" and found.host == "client")
    return Spot(time_ns, party, client, message)


# --- what programs printed, and how they ended ---


def _spots(run: Run, result: Result) -> Iterator[Spot]:
    said, party = result.observed, str(result.observed.params.get("party"))
    if said.code in {"exited", "ended-by-signal"}:
        ends = [end for end in run.play.exits if end.actor == party]
        yield from (a_spot(run, end.time_ns, party, said) for end in ends[-1:])
        return
    for line in _lines(run, result):
        printed = Message("printed", {"party": line.actor, "line": line.text.strip()})
        yield a_spot(run, line.time_ns, line.actor, printed)


def _lines(run: Run, result: Result) -> Sequence[Output]:
    """Return the lines that the result speaks of: in its step, where it has some there."""
    said, columns = result.observed, () if result.comparison is None else result.comparison.columns
    party, pairs = str(said.params.get("party")), () if result.comparison is None else result.comparison.pairs
    mine = [line for line in run.play.outputs if line.actor == party]
    match said.code:
        case "printed":
            same = _in_step(run, result, (line for line in mine if line.text == said.params["line"]))
            return same[-1:] if "Number" in columns else same[:1]
        case "printed-else":
            return [line for line in mine if line.stream == said.params["stream"]][-_LAST:]
        case "never-printed":
            return _in_step(run, result, mine)
        case "own-words":
            texts = {pair.observed[1] for pair in pairs if pair.observed}
            return _in_step(run, result, (line for line in mine if line.text in texts))
        case "children":
            parent = str(run.play.party(party).pid)
            listed = ((line, _PARENT.fullmatch(line.text)) for line in run.play.outputs)
            return _in_step(run, result, (line for line, found in listed if found and found[1] == parent))
    return ()


def _in_step(run: Run, result: Result, lines: Iterable[Output]) -> list[Output]:
    found = list(lines)
    if result.step is None:
        return found
    begun, ended = step_window(run, result.step)
    return [line for line in found if begun <= line.time_ns <= ended] or found


# --- segments of several connections ---


def _frames(run: Run, result: Result) -> Iterator[Look]:
    """Yield the frames that decide where the look names a whole capture."""
    find = _FINDERS.get(result.expected.code)
    record = next((each for each in run.recording.captures if result.look and each.file == result.look[0].file), None)
    if find is not None and record is not None:
        yield from (Look(record.file, frame=number) for number in find(run, result, record))


def _answers(run: Run, result: Result, record: CaptureRecord) -> Iterator[int]:
    """Yield the first answer to each client, and for those that are served at once the first close."""
    params = result.expected.params
    clients = str(params.get("clients") or params.get("order")).split(", ")
    found = services(run, clients, record.host)
    for one in found:
        yield from (data.number for data in one.conversation.data if data.time_ns == one.answered_ns)
    if result.expected.code == "overlap" and found:
        first = min(found, key=lambda one: one.ended_ns)
        yield from (each.number for each in first.conversation.segments if each.time_ns == first.ended_ns)


def _ordered(run: Run, result: Result, record: CaptureRecord) -> Iterator[int]:  # noqa: ARG001 - as the others
    """Yield the frames that a comparison of an order names."""
    for pair in result.comparison.pairs if result.comparison else ():
        if pair.observed is not None:
            yield int(pair.observed[-1])


def _opened(run: Run, result: Result, record: CaptureRecord) -> Iterator[int]:
    """Yield the last segment of the handshake with each host, and the first answer of all."""
    addresses = [run.recording.hosts.get(host) for host in str(result.expected.params["hosts"]).split(", ")]
    found: list[Conversation] = []
    for address in addresses:
        mine = (talk for talk in record.conversations if talk.server.address == address and talk.established)
        found += islice(mine, 1)
    yield from (talk.handshake[-1].number for talk in found)
    answers = [data for talk in found for data in talk.data if not talk.from_client(data)]
    yield from (data.number for data in sorted(answers, key=lambda data: data.time_ns)[:1])


def _closed(run: Run, result: Result, record: CaptureRecord) -> Iterator[int]:
    """Yield the first F of each connection that was opened in the step."""
    begun, ended = step_window(run, result.step or "")
    for talk in record.conversations:
        if begun <= talk.segments[0].time_ns <= ended:
            yield from (each.number for each in talk.teardown[:1])


_FINDERS: Final[Mapping[str, Callable[[Run, Result, CaptureRecord], Iterator[int]]]] = {
    "overlap": _answers,
    "turns": _answers,
    "served": _answers,
    "in-order": _ordered,
    "abreast": _opened,
    "close-shares": _closed,
}


# --- calls ---


def _calls(run: Run, result: Result) -> Iterator[Spot]:
    """Yield all calls that were counted: the look names only the first."""
    look = result.look[0] if result.look else None
    trace = next((each for each in run.recording.traces if look and each.file == look.file), None)
    first = next((call for call in trace.calls if look and call.row == look.line), None) if trace else None
    party = run.play.process(trace.host, trace.pid) if trace else None
    if trace is None or first is None or party is None:
        return
    if result.observed.code == "called-count":
        params = result.observed.params
        counted: Iterator[Call] = islice(_alike(trace, first, str(params["call"])), int(str(params["count"])))
    elif result.observed.code == "handed":
        counted = _handing(run, trace, result)
    else:
        return
    for call in counted:
        message = Message(CALLED, {"party": party.name, "call": call.family})
        yield a_spot(run, call.begun_ns, party.name, message)


def _alike(trace: Trace, first: Call, shown: str) -> Iterator[Call]:
    """Yield the calls from the first counted one on that are written so: `accept(listener) EAGAIN`."""
    name, _, rest = shown.partition("(")
    place, _, error = rest.partition(")")
    for call in trace.calls:
        if call.row < first.row or (name != "*" and call.family != first.family):
            continue
        if place and (call.on is None or first.on is None or call.on.fd != first.on.fd):
            continue
        if call.error == error.strip() if error else not call.broken_off:
            yield call


def _handing(run: Run, trace: Trace, result: Result) -> Iterator[Call]:
    """Yield the calls that carried a descriptor of the wanted kind."""
    names, kind = str(result.observed.params["calls"]).split(", "), str(result.observed.params["kind"])
    for call in calls_within(trace, step_window(run, result.step) if result.step else None):
        named = call.name in names or call.family in names
        if named and any(kind in each.what for each in call.descriptors):
            yield call
