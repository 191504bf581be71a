"""A recording followed while it is made tells the same as when it is read afterwards."""

from __future__ import annotations

import json
from random import Random
from struct import pack

import pytest

from lab.kernel.following import KernelFollower, Told
from lab.kernel.ring import parse_kernel_trace
from lab.kernel.trace import KernelCall
from lab.kernel.tracefile import TraceParseError
from tests.unit.kernel.pages import PAGE, head_of
from tests.unit.kernel.printed import RECORDINGS, recording

NEVER = 1 << 62


def frame(kind: bytes, payload: bytes, cpu: int = 0) -> bytes:
    return pack("<cHI", kind, cpu, len(payload)) + payload


def header_frame(name: str) -> bytes:
    return frame(b"H", json.dumps(head_of(recording(name))[0] | {"cpus": []}).encode())


def mark(time_ns: int) -> bytes:
    return frame(b"M", pack("<Q", time_ns))


def stream(name: str, random: Random) -> bytes:
    """Return what the recorder's stream would have been: pages in any order, marks that promise no more than holds."""
    head, body = head_of(recording(name))
    offset, cpus = head["offset_ns"], head["cpus"]
    assert isinstance(offset, int)
    assert isinstance(cpus, list)
    waiting: dict[int, list[bytes]] = {}
    for cpu in cpus:
        pages, body = body[: cpu["pages"] * PAGE], body[cpu["pages"] * PAGE :]
        waiting[cpu["cpu"]] = [pages[at : at + PAGE] for at in range(0, len(pages), PAGE)]
    found = header_frame(name)
    while some := [cpu for cpu, pages in waiting.items() if pages]:
        cpu = random.choice(some)
        found += frame(b"P", waiting[cpu].pop(0), cpu)
        # A page begins with the time from which its first record counts.
        next_ns = min((int.from_bytes(pages[0][:8], "little") for pages in waiting.values() if pages), default=NEVER)
        found += mark(next_ns - offset) if random.random() < 0.7 else b""
    return found + mark(NEVER)


def follow(data: bytes, random: Random) -> tuple[Told, list[KernelCall]]:
    follower, whole = KernelFollower("stream"), Told()
    while data:
        size = random.choice((1, 7, 100, 5000, 100_000))
        told = follower.take(data[:size])
        data = data[size:]
        whole.transitions += told.transitions
        whole.resets += told.resets
        whole.calls += told.calls
        whole.started += told.started
        whole.lost += told.lost
    return whole, follower.under_way()


@pytest.mark.parametrize("name", RECORDINGS)
@pytest.mark.parametrize("seed", range(3))
def test_in_pieces_it_tells_the_same(name: str, seed: int) -> None:
    random = Random(seed)
    told, under_way = follow(stream(name, random), random)
    read = parse_kernel_trace(recording(name), where=name)
    assert tuple(told.transitions) == read.transitions
    assert tuple(told.resets) == read.resets
    assert tuple(told.started) == read.started
    assert sorted([*told.calls, *under_way], key=lambda call: (call.begun_ns, call.pid)) == sorted(
        read.calls, key=lambda call: (call.begun_ns, call.pid)
    )
    assert bool(told.lost) == bool(read.lost)


def test_what_comes_after_the_mark_waits_for_what_may_come_before_it() -> None:
    read = parse_kernel_trace(recording("threads"), where="threads")
    middle_ns = read.transitions[len(read.transitions) // 2].time_ns
    pages = b"".join(piece for piece in pieces(stream("threads", Random(1))) if piece[:1] != b"M")
    follower = KernelFollower("stream")
    assert follower.take(pages).transitions == []
    early = follower.take(mark(middle_ns)).transitions
    late = follower.take(mark(NEVER)).transitions
    assert follower.settled_ns == NEVER
    assert early == [each for each in read.transitions if each.time_ns < middle_ns]
    assert [*early, *late] == [*read.transitions]


def test_a_call_under_way_is_known_with_its_socket_before_it_returns() -> None:
    read = parse_kernel_trace(recording("server-first"), where="server-first")
    connect = next(call for call in read.calls if call.name == "connect" and call.ended_ns)
    assert connect.ended_ns
    data = stream("server-first", Random(1))
    # All pages, but nothing is settled beyond the middle of the call: the SYN is told, the return is not.
    pages = b"".join(piece for piece in pieces(data) if piece[:1] != b"M")
    follower = KernelFollower("stream")
    follower.take(pages + mark(connect.ended_ns - 1))
    (open_call,) = [call for call in follower.under_way() if call.begun_ns == connect.begun_ns]
    assert open_call == connect._replace(ended_ns=None, result=None)
    ended = follower.take(mark(NEVER)).calls
    assert connect in ended


def pieces(data: bytes) -> list[bytes]:
    found = []
    while data:
        size = 7 + int.from_bytes(data[3:7], "little")
        found.append(data[:size])
        data = data[size:]
    return found


def test_why_there_is_nothing_to_tell_is_a_code() -> None:
    follower = KernelFollower("stream")
    assert follower.refused == ""
    follower.take(frame(b"E", b"not-permitted: [Errno 13] Permission denied"))
    assert (follower.refused, follower.header) == ("not-permitted", None)


@pytest.mark.parametrize(
    "damaged",
    [
        frame(b"X", b""),
        frame(b"P", bytes(PAGE)),
        header_frame("refused") + frame(b"P", bytes(PAGE - 1)),
        header_frame("refused") + frame(b"M", b"1"),
        b"P" + b"\xff" * 6,
    ],
    ids=["unknown", "page before the header", "short page", "short mark", "long frame"],
)
def test_a_stream_that_is_none_is_refused(damaged: bytes) -> None:
    with pytest.raises(TraceParseError, match="stream sent something that cannot be read"):
        KernelFollower("stream").take(damaged)
