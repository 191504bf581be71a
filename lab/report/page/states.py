"""What a state means for the end that is in it, said by how it came there."""

from __future__ import annotations

from lab.report.page.said import Said
from lab.timeline.model import CallMade, Moment, SegmentSent, Signal, Source, StateChange
from lab.wire.bits import has_rst
from lab.wire.state import State


def state_said(moment: Moment, change: StateChange, cause: Moment | None) -> Said:
    """Return what is said of an end's new state; `cause` is the moment behind it."""
    parts = [_meaning(change, moment.source, cause)]
    if cause is not None and isinstance(cause.what, CallMade) and cause.what.signal is Signal.ENDED:
        parts.append("by-end")
    if moment.source is Source.INFERRED:
        parts.append("inferred")
    return Said(tuple(f"state.{part}" for part in parts), {})


def _meaning(change: StateChange, source: Source, cause: Moment | None) -> str:
    state = change.state
    if state is State.ESTABLISHED:
        return "ESTAB-asked" if change.before is State.SYN_SENT else "ESTAB-answered"
    if state is State.SYN_RECEIVED and source is Source.KERNEL and change.before is not State.SYN_SENT:
        return "SYN-RECV-told"
    if state is State.TIME_WAIT and change.before is State.CLOSING:
        return "TIME-WAIT-both"
    return _end(change, source, cause) if state is State.CLOSED else state.value


def _end(change: StateChange, source: Source, cause: Moment | None) -> str:
    if cause is not None and isinstance(cause.what, SegmentSent) and has_rst(cause.what.segment):
        return "UNCONN-refused" if change.before is State.SYN_SENT else "UNCONN-reset"
    if cause is not None and isinstance(cause.what, StateChange):
        return "UNCONN-queued"
    known = {State.LISTEN, State.LAST_ACK, State.TIME_WAIT, State.SYN_RECEIVED, State.SYN_SENT}
    if source is Source.SS:
        known.add(State.FIN_WAIT_2)
    return f"UNCONN-{change.before.value}" if change.before in known and change.before else "UNCONN"
