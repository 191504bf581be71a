"""How long a connection lasted, whatever the programs did around it."""

from __future__ import annotations

from lab.timeline.spans import Span, span_of
from tests.unit.judge.builders import BEGUN, MS
from tests.unit.timeline.builders import CLIENT_FIRST, LISTENS, OPEN, OPENS, at, kernel, timeline
from tests.unit.timeline.test_states import CLOSED


def test_it_begins_with_syn_sent_and_not_with_the_accept_that_waited_for_it() -> None:
    line = timeline(record=kernel())
    (talk,) = line.talks
    assert talk.begun_ns == at(-790)
    assert span_of(line, talk) == Span(at(-5), BEGUN + 1_000 * MS, still_open=True)


def test_it_ends_when_the_last_end_forgets_it_and_time_wait_does_not_count() -> None:
    line = timeline(*OPEN, *CLIENT_FIRST, record=CLOSED)
    assert span_of(line, line.talks[0]) == Span(at(-5), at(63), still_open=False)


def test_one_that_was_refused_ends_with_the_reset() -> None:
    line = timeline("> S", "< R.")
    assert span_of(line, line.talks[0]) == Span(at(0), at(13), still_open=False)


def test_one_that_an_end_still_holds_is_open() -> None:
    line = timeline(*OPEN, *CLIENT_FIRST[:2], record=kernel(transitions=(*LISTENS, *OPENS), calls=()))
    assert span_of(line, line.talks[0]).still_open
