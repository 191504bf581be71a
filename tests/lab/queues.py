"""What ss showed of queues beside what was counted of them from segments and calls."""

from __future__ import annotations

from typing import Final

from lab.recording.run import Run
from lab.timeline.looks import Looks, looks_of
from lab.timeline.model import Queue, QueueKind, Timeline
from tests.records import timeline_of

SLACK_NS: Final = 1_000_000
"""How much later than the queue itself what it is counted by may be stamped: a connection is queued before its state is
told, and leaves before accept() returns; a machine may stop a processor in between."""

_NEVER: Final = 1 << 62


def compared(evidence: Run) -> tuple[list[str], int]:
    """Return where a look of ss shows another length than was counted at its time, and how many rows were compared."""
    timeline, looks = timeline_of(evidence), looks_of(evidence.recording)
    found = [_disagreements(queue, timeline, looks) for queue in timeline.queues]
    return [line for wrong, _ in found for line in wrong], sum(number for _, number in found)


def _disagreements(queue: Queue, timeline: Timeline, looks: Looks) -> tuple[list[str], int]:
    """Return what ss showed of a queue and was not counted at any time of that look; and how many looks there were."""
    counted = [(level.time_ns, level.value) for level in queue.levels if not level.observed]
    since_ns, until_ns = 0, _NEVER
    if queue.talk is None:
        assert queue.listener is not None
        local, peer = queue.listener, None
    else:
        talk = timeline.talks[queue.talk]
        # A port may be given out again, to the same server too: those are another connection's queues.
        alike = (each for each in timeline.talks if (each.client, each.server) == (talk.client, talk.server))
        since_ns = talk.begun_ns
        until_ns = min((each.begun_ns for each in alike if each.begun_ns > since_ns), default=until_ns)
        local, peer = (talk.client, talk.server) if queue.host == talk.client_host else (talk.server, talk.client)
    wrong, number = [], 0
    for seen, row in looks.of(queue.host, local, peer):
        if row is None or seen.begun_ns < since_ns or seen.ended_ns >= until_ns:
            continue
        number += 1
        value = row.send_q if queue.kind is QueueKind.SEND else row.recv_q
        before = [level for time_ns, level in counted if time_ns <= seen.begun_ns]
        within = [
            level for time_ns, level in counted if seen.begun_ns - SLACK_NS <= time_ns <= seen.ended_ns + SLACK_NS
        ]
        if value not in {before[-1] if before else 0, *within}:
            wrong.append(f"{queue.kind} of {local} {peer}: {value}, counted {before[-1:]} and then {within}")
    return wrong, number
