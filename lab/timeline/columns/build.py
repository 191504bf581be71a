"""Put a large recording together as one timeline, by columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from lab.kernel.columns.calls import NONE as NEVER
from lab.kernel.columns.calls import CallColumns
from lab.kernel.columns.transitions import TransitionColumns, number_of
from lab.kernel.trace import KernelTrace
from lab.recording.play import Play
from lab.recording.recording import Recording
from lab.recording.run import Run
from lab.timeline.causes import BY_CALLS
from lab.timeline.causes import CLOSES as CLOSING
from lab.timeline.columns.calls import kept_calls
from lab.timeline.columns.causes import causes
from lab.timeline.columns.descriptors import openings
from lab.timeline.columns.exact import Exact, exact
from lab.timeline.columns.joining import Connections, connections, passages
from lab.timeline.columns.lives import LifeColumns, lives
from lab.timeline.columns.moments import MomentColumns, Table, TalkColumns
from lab.timeline.columns.programs import programs
from lab.timeline.columns.queues import Counting
from lab.timeline.columns.seen import SeenEnds
from lab.timeline.columns.states import states
from lab.timeline.columns.times import NONE, Clock, Rows
from lab.timeline.columns.unusual import UnusualError
from lab.timeline.draft import Draft
from lab.timeline.endings import CLOSES, close_in
from lab.timeline.lacks import lacks_of, resolutions_of
from lab.timeline.looks import looks_of
from lab.timeline.model import CallMade, Lane, Signal, Source, StateChange, Timeline
from lab.timeline.programs import Programs
from lab.timeline.reasons import Reasons
from lab.wire.columns.memory import give_back
from lab.wire.segment import Endpoint

_MARGIN_NS = 1_000_000_000
"""What is asked of a time a little before the first moment, or behind the last, must not be taken for that one's."""


def build_by_columns(recording: Recording, play: Play) -> Timeline | None:
    """Return what `build_one_by_one` does; None where the recording holds what columns have no rule for."""
    trace = recording.kernel.trace if recording.kernel else None
    if trace is None or recording.traces or trace.lost or trace.precision_ns:
        return None
    calls, changes = trace.calls, trace.transitions
    if not isinstance(calls, CallColumns) or not isinstance(changes, TransitionColumns):
        return None
    try:
        return _Building(recording, play, trace, calls, changes).timeline()
    except UnusualError:
        return None


class _Building:
    """What a timeline is made from, while it is made."""

    def __init__(
        self, recording: Recording, play: Play, trace: KernelTrace, calls: CallColumns, changes: TransitionColumns
    ) -> None:
        self._recording, self._play, self._trace = recording, play, trace
        run = Run(recording, play)
        self._looks = looks_of(recording)
        # After each step: what it needed for itself is much, and would stay with the process.
        give_back()
        self._found = connections(run, changes.addresses)
        # Of all that follows it takes the most memory while it is made: first, when there is least.
        self._sent = passages(self._found)
        give_back()
        clock = _clock(self._found, changes, calls)
        self._lives = lives(trace, changes, self._found, clock)
        give_back()
        behind = self._lives.behind(calls, clock)
        opened = openings(trace, calls, self._lives, behind, clock)
        running = programs(trace, calls, self._lives, opened, behind, run)
        self._calls = kept_calls(calls, self._lives, opened, running, self._found)
        give_back()
        self._changes = states(self._lives, SeenEnds(self._lives, self._looks))
        del behind, opened
        give_back()
        told = causes(clock, self._calls, self._sent, self._changes, self._found)
        self._causes = np.concatenate(told, dtype=np.int32, casting="same_kind")
        give_back()
        self._states_at = len(self._calls) + len(self._sent)
        self._drafts_at = self._states_at + len(self._changes)
        self._recorded = _recorded(self._lives, running)
        self._anchors: list[tuple[int, Draft]] = []
        """Moments by their rows that are causes of those of odd connections."""

    def timeline(self) -> Timeline:
        """Put all in its one order."""
        recording = self._recording
        resolutions = resolutions_of(recording)
        self._find_causes_of_listeners()
        apart = exact(self._lives, self._calls, self._looks, Reasons(self._trace), resolutions, self._listeners_ends())
        self._close_at_the_end(apart)
        table = Table(self._found, self._calls, self._sent, self._changes, apart.drafts, resolutions)
        row = self._ordered(table, apart).astype(np.int32)
        give_back()
        number = np.full(table.begins[-1], NONE, np.int32)
        number[row] = np.arange(len(row), dtype=np.int32)
        for place, draft in enumerate(apart.drafts):
            draft.number = int(number[self._drafts_at + place])
        for anchored, draft in self._anchors:
            draft.number = int(number[anchored])
        caused = [NONE if each.cause is None else each.cause.number for each in apart.drafts]
        give_back()
        cause = np.concatenate((np.where(self._causes == NONE, NONE, number[self._causes]), np.array(caused, np.int32)))
        del number
        give_back()
        moments = MomentColumns(table, row, cause[row].astype(np.int32), self._play.steps)
        talks = TalkColumns(moments)
        return Timeline(
            recording.begun_ns,
            recording.ended_ns,
            moments,
            talks,
            Counting(self._lives, moments, talks, self._looks, self._recorded, self._play),
            by_kernel=True,
            lacks=tuple(lacks_of(recording)),
        )

    def _find_causes_of_listeners(self) -> None:
        """Give the states of listeners their causes, as `find_causes_of_listeners` does."""
        calls, changes = self._calls, self._changes
        for row in np.flatnonzero((changes.talk == NONE) & (changes.pid != 0)).tolist():
            time_ns = int(changes.time_ns[row])
            (change,) = changes.changes(np.array([row]))
            names = BY_CALLS.get(change.state, CLOSING)
            mine = (calls.talk == NONE) & (calls.pid == changes.pid[row]) & calls.named(*names)
            some = np.flatnonzero(mine & (calls.begun_ns <= time_ns))
            if len(some):
                ended = int(calls.ended_ns[some[-1]])
                if ended == NEVER or time_ns <= ended:
                    self._causes[self._states_at + row] = some[-1]

    def _listeners_ends(self) -> dict[tuple[str, Endpoint], list[Draft]]:
        """Return the ends of listeners whose programs' calls were recorded."""
        lives, changes, found = self._lives, self._changes, self._found
        row_of = {int(changes.place[row]): row for row in np.flatnonzero(changes.talk == NONE).tolist()}
        last = lives.last()
        ends: dict[tuple[str, Endpoint], list[Draft]] = {}
        for number in np.flatnonzero(lives.listens & (lives.closed_ns != NONE)).tolist():
            place = found.hosts.names[int(lives.host[number])], found.addresses.endpoint(int(lives.local[number]))
            if place in self._recorded:
                row = row_of[int(last[number]) + 1]
                (change,) = changes.changes(np.array([row]))
                ends.setdefault(place, []).append(self._anchor(row, place[0], change))
        return ends

    def _anchor(self, row: int, host: str, change: StateChange) -> Draft:
        changes = self._changes
        time_ns, pid = int(changes.time_ns[row]), int(changes.pid[row])
        draft = Draft(Lane.SERVER_STATE, host, None, time_ns, None, 0, Source.KERNEL, change, pid)
        self._anchors.append((self._states_at + row, draft))
        return draft

    def _close_at_the_end(self, apart: Exact) -> None:
        """Give ends that were closed by the end of their program its last call as cause: see endings.py."""
        calls, changes = self._calls, self._changes
        ended = [place for place, signal in calls.signals.items() if signal is Signal.ENDED]
        ended.sort(key=lambda place: (int(calls.talk[place]), place))
        broken: dict[int, Draft] = {}
        for pid, place in {int(calls.pid[place]): place for place in ended}.items():
            over = calls.ended_ns[place] if calls.ended_ns[place] != NEVER else calls.begun_ns[place]
            closes = np.isin(changes.new, number_of(*CLOSES)) & changes.told & (changes.talk != NONE)
            mine = np.flatnonzero(closes & (changes.pid == pid) & (changes.time_ns >= over))
            row = place if place not in apart.calls else self._drafts_at + apart.calls[place]
            self._causes[self._states_at + mine] = row
            broken[pid] = apart.drafts[apart.calls[place]] if place in apart.calls else self._call(place)
        close_in(apart.drafts if broken else (), broken)

    def _call(self, place: int) -> Draft:
        calls = self._calls
        (what,) = calls.made([place])
        ended = int(calls.ended_ns[place])
        draft = Draft(
            Lane.SERVER_CALLS, "", None, int(calls.begun_ns[place]), None if ended == NEVER else ended, 0,
            Source.KERNEL, what, what.pid,
        )  # fmt: skip
        self._anchors.append((place, draft))
        return draft

    def _ordered(self, table: Table, apart: Exact) -> Rows:
        """Return the rows in their one order, as `causes.ordered` puts those of one connection after another."""
        talk, time = table.talk(), table.begun_ns()
        odd = self._found.odd
        keep = (talk == NONE) | ~odd[talk]
        keep[self._drafts_at :] = True
        row = np.flatnonzero(keep)
        row = row[np.argsort(time[row], kind="stable")]
        same = np.diff(time[row]) == 0
        if same.any():
            tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
            row[tied] = self._in_turn(row[tied], talk, time, apart)
        return row

    def _in_turn(self, row: Rows, talk: NDArray[np.int32], time: Rows, apart: Exact) -> Rows:
        """Return rows that share their times in their order."""
        sent, changes = self._sent, self._changes
        wire = [each.lane is Lane.WIRE for each in apart.drafts]
        call = [isinstance(each.what, CallMade) for each in apart.drafts]
        rank = np.concatenate(
            (
                np.zeros(len(self._calls), np.int8), np.ones(len(sent), np.int8), np.full(len(changes), 2, np.int8),
                np.where(call, 0, np.where(wire, 1, 2)).astype(np.int8),
            )
        )  # fmt: skip
        place = np.concatenate(
            (
                np.arange(len(self._calls)), (~sent.from_client).astype(np.int64),
                changes.place + (changes.at_server.astype(np.int64) << 42), np.array(apart.place, np.int64),
            )
        )  # fmt: skip
        whose = np.where(talk[row] == NONE, len(self._found), talk[row])  # those of no connection last
        order: NDArray[np.intp] = np.lexsort((place[row], whose, rank[row], time[row]))
        return row[order]


def _clock(found: Connections, changes: TransitionColumns, calls: CallColumns) -> Clock:
    times = [changes.time_ns, calls.begun_ns, calls.ended_ns[calls.ended_ns != NEVER]]
    times += [each.segments.time_ns for each in found.seen]
    begin, end = (min(ends) for ends in zip(*_ranges(times), strict=True)) if times else (0, 0)
    sides = max(2 * len(found), len(found) + len(changes), len(np.unique(calls.pid)))
    return Clock(begin - _MARGIN_NS, -end + _MARGIN_NS, sides + 1)


def _ranges(times: Sequence[NDArray[np.int64]]) -> Iterator[tuple[int, int]]:
    """Yield the least time and minus the greatest of each."""
    for each in times:
        if len(each):
            yield int(each.min()), -int(each.max())


def _recorded(columns: LifeColumns, running: Programs) -> frozenset[tuple[str, Endpoint]]:
    """Return the listeners whose programs' calls were recorded, by host and end."""
    names, endpoint = columns.connections.hosts.names, columns.connections.addresses.endpoint
    first = columns.rows[columns.first]
    return frozenset(
        (names[int(columns.host[number])], endpoint(int(columns.local[number])))
        for number in np.flatnonzero(columns.listens).tolist()
        if running.recorded(int(columns.changes.pid[first[number]]))
    )
