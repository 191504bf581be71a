"""Which program each thread was: what lab/timeline/programs.py asks of lives and calls, answered by columns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lab.kernel.columns.calls import NONE as NEVER
from lab.kernel.columns.calls import CallColumns
from lab.kernel.columns.transitions import NUMBERS
from lab.kernel.trace import KernelTrace
from lab.recording.play import Play
from lab.recording.run import Run
from lab.timeline.columns.descriptors import Openings
from lab.timeline.columns.lives import LifeColumns
from lab.timeline.columns.times import NONE, Rows, at
from lab.timeline.lives import Life
from lab.timeline.programs import BY_PROGRAMS, Programs, Roots, Seen, clients_of, try_sockets


def programs(
    trace: KernelTrace, calls: CallColumns, columns: LifeColumns, opened: Openings, behind: Rows, run: Run
) -> Programs:
    """Return the programs of a recording."""
    roots = Roots(trace)
    seen: dict[int, Seen] = {}
    for root, life in _sockets(calls, columns, opened, behind, roots, run.play):
        seen.setdefault(root, Seen()).sockets.append(life)
    pids, which = np.unique(calls.pid, return_inverse=True)
    last = np.zeros(len(pids), np.int64)
    np.maximum.at(last, which, np.where(calls.ended_ns == NEVER, calls.begun_ns, calls.ended_ns))
    for pid, last_ns in zip(pids.tolist(), last.tolist(), strict=True):
        one = seen.setdefault(roots.of(pid), Seen())
        one.last_ns = max(one.last_ns, last_ns)
    without = [pid for pid in pids.tolist() if not seen[roots.of(pid)].sockets]
    some = np.flatnonzero(np.isin(calls.pid, without) & calls.named("socket", "listen", "connect"))
    try_sockets(seen, (calls[row] for row in some.tolist()), roots)
    return Programs(roots, seen, run, trace.precision_ns)


def _sockets(
    calls: CallColumns, columns: LifeColumns, opened: Openings, behind: Rows, roots: Roots, play: Play
) -> Iterator[tuple[int, Life]]:
    """Yield of all sockets that each program worked on those that count: the first, a listener, and parties' own."""
    changes = columns.changes
    by_program = np.isin(changes.new, [NUMBERS[state] for state in BY_PROGRAMS]) & (changes.pid != 0)
    rows = np.flatnonzero(by_program & (columns.of != NONE))
    rows = rows[np.argsort(columns.of[rows], kind="stable")]
    pid = np.concatenate((changes.pid[rows], calls.pid, calls.pid))
    life = np.concatenate((columns.of[rows], behind, at(opened.life, opened.of, NONE)))
    pid, life = pid[life != NONE], life[life != NONE]
    known, which = np.unique(pid, return_inverse=True)
    root = np.array([roots.of(each) for each in known.tolist()], np.int64)[which]
    ends = [columns.changes.addresses.integer(local) for _, local in clients_of(play) if local is not None]
    counts = columns.listens | np.isin(columns.local, np.array(ends, np.uint64))
    first = np.unique(root, return_index=True)[1]
    some = np.flatnonzero(counts[life])
    for each in np.unique(np.concatenate((first, _once(root, life, some)))).tolist():
        yield int(root[each]), columns.life(int(life[each]))


def _once(root: Rows, life: Rows, some: Rows) -> Rows:
    """Return the first of these places for each program and each life."""
    _, first = np.unique(np.stack((root[some], life[some])), axis=1, return_index=True)
    return some[first]
