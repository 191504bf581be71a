"""Pure: the waits that the kernel itself imposed on an exercise, from the run's own evidence.

Definition. A segment that takes sequence numbers (SYN, data, FIN) waits for the other end's acknowledgement. Where the
first segment that acknowledges it whole is one that the kernel sends by itself, with neither data nor FIN in it (a
SYN-ACK, a bare ACK, held back or not), no program could have brought it sooner. From the first sending of the segment
(retransmissions included) until that answer, as the server's capture stamps them, is a wait that the kernel imposes.
The longest of these in exercise 3 is the delayed ACK of the FIN that a frozen server leaves unread: FIN-WAIT-1 lasts until
then (a tick of the kernel's clock here; after data it can be TCP_DELACK_MIN, 40 ms: net/ipv4/tcp_output.c,
tcp_send_delayed_ack).

It counts only as far as the exercise stood still: from the last act of the exercise within it. Waits that overlap count
once. What is *not* counted: starts of programs (measured bare, see bare.py, and shown as a row of its own), the looks of
`ss`, the scheduling of the programs, the end of a capture, TIME-WAIT and a SYN that is never answered, which the exercise
does not wait for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lab.recording.run import Run
from lab.wire.conversation import Conversation
from lab.wire.segment import Endpoint, Flags, Segment


@dataclass(frozen=True, slots=True)
class Wait:
    """From `begun_ns` to `ended_ns` an end, `waiting`, waited for its peer's kernel; `for_letters` tells what it had sent."""

    begun_ns: int
    ended_ns: int
    waiting: Endpoint
    for_letters: str


def kernel_waits(evidence: Run, host: str = "server") -> tuple[Wait, ...]:
    """Return the waits in the capture of `host`, each as far as the exercise stood still, in order of their beginning."""
    acts = [action.time_ns for action in evidence.play.actions]
    found = [wait for each in evidence.recording.capture(host).conversations for wait in _of(each)]
    cut = (stood_still(wait, acts) for wait in found)
    return tuple(sorted(cut, key=lambda wait: (wait.begun_ns, wait.ended_ns)))


def retry_waits(evidence: Run, host: str = "server") -> tuple[Wait, ...]:
    """Return, for each segment that was sent again, the time from its first sending to the last, by the kernel's timer.

    It counts as far as the exercise stood still, answered or not: an exercise that is about retries waits for them.
    """
    acts = [action.time_ns for action in evidence.play.actions]
    found: list[Wait] = []
    for conversation in evidence.recording.capture(host).conversations:
        sent: dict[tuple[Endpoint, int, str], list[Segment]] = {}
        for segment in conversation.segments:
            if segment.length or segment.flags & (Flags.SYN | Flags.FIN):
                sent.setdefault((segment.src, segment.seq, segment.flags.letters), []).append(segment)
        for (src, _, letters), times in sent.items():
            found += [Wait(times[0].time_ns, times[-1].time_ns, src, letters)] if len(times) > 1 else []
    return tuple(stood_still(wait, acts) for wait in found)


def imposed_seconds(evidence: Run) -> float:
    """Return how long the kernel kept a run waiting in all: acknowledgements and retries, on whatever host captured."""
    hosts = [record.host for record in evidence.recording.captures]
    return union_seconds(
        wait for host in hosts for wait in (*kernel_waits(evidence, host), *retry_waits(evidence, host))
    )


def stood_still(wait: Wait, acts: Sequence[int]) -> Wait:
    """Return what is left of the wait after the last of the acts (ns) within it."""
    begun = max((act for act in acts if wait.begun_ns < act <= wait.ended_ns), default=wait.begun_ns)
    return Wait(begun, wait.ended_ns, wait.waiting, wait.for_letters)


def union_seconds(waits: Iterable[Wait]) -> float:
    """Return the time covered by the waits in seconds; where they overlap it counts once."""
    total = reached = 0
    for wait in sorted(waits, key=lambda wait: wait.begun_ns):
        total += max(0, wait.ended_ns - max(wait.begun_ns, reached))
        reached = max(reached, wait.ended_ns)
    return total / 1e9


def _of(conversation: Conversation) -> Iterator[Wait]:
    for answer in conversation.segments:
        covered = conversation.acknowledges(answer)
        if covered and _is_the_kernels_own(answer):
            first = min(covered, key=lambda segment: segment.time_ns)
            yield Wait(first.time_ns, answer.time_ns, first.src, first.flags.letters)


def _is_the_kernels_own(answer: Segment) -> bool:
    return not answer.length and not answer.flags & Flags.FIN
