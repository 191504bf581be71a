"""Tamper with a saved run: each function returns the evidence changed in one way, all else as it was recorded."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import struct
from collections.abc import Callable
from typing import Final

from lab.evidence.raw import CaptureRecord
from lab.evidence.records import Evidence, Output, Sample
from lab.kernel.trace import Transition
from lab.wire.segment import Endpoint, Flags

_FILE_HEADER: Final = 24
_RECORD_HEADER: Final = struct.Struct("<IIII")
_TCP_FLAGS: Final = 14 + 20 + 13
"""Where the flags are in a frame: after Ethernet, IPv4 without options, and 13 bytes of TCP."""

Frames = list[tuple[bytes, bytes]]


def frames_of(record: CaptureRecord) -> Frames:
    """Return (record header, frame) of each frame of a little-endian classic capture file."""
    found, at = [], _FILE_HEADER
    while at < len(record.data):
        header = record.data[at : at + _RECORD_HEADER.size]
        at += _RECORD_HEADER.size
        length = _RECORD_HEADER.unpack(header)[2]
        found.append((header, record.data[at : at + length]))
        at += length
    return found


def with_frames(evidence: Evidence, host: str, change: Callable[[Frames], Frames]) -> Evidence:
    """Change the frames captured on a host; tcpdump is made to have counted as many as there are then."""

    def changed(record: CaptureRecord) -> CaptureRecord:
        if record.host != host:
            return record
        frames = change(frames_of(record))
        data = record.data[:_FILE_HEADER] + b"".join(header + frame for header, frame in frames)
        return dataclasses.replace(record, data=data, captured=len(frames), received=len(frames))

    return dataclasses.replace(evidence, captures=tuple(changed(record) for record in evidence.captures))


def without_frame(evidence: Evidence, number: int, *hosts: str) -> Evidence:
    """Take a frame (from 1) out of the captures of these hosts."""
    for host in hosts:
        evidence = with_frames(evidence, host, lambda frames: frames[: number - 1] + frames[number:])
    return evidence


def twice(evidence: Evidence, number: int, *hosts: str) -> Evidence:
    """Have a frame sent twice, one right after the other, in the captures of these hosts."""
    for host in hosts:
        evidence = with_frames(evidence, host, lambda frames: frames[:number] + frames[number - 1 :])
    return evidence


def swapped(evidence: Evidence, number: int, host: str) -> Evidence:
    """Swap a frame and the next one, each keeping its time stamp's place."""

    def swap(frames: Frames) -> Frames:
        (head, one), (next_head, other) = frames[number - 1 : number + 1]
        lengths = [struct.pack("<II", len(frame), len(frame)) for frame in (other, one)]
        pair = [(head[:8] + lengths[0], other), (next_head[:8] + lengths[1], one)]
        return frames[: number - 1] + pair + frames[number + 1 :]

    return with_frames(evidence, host, swap)


def with_flags(evidence: Evidence, number: int, flags: Flags, *hosts: str) -> Evidence:
    """Give a frame's segment other flags in the captures of these hosts."""

    def flag(frames: Frames) -> Frames:
        header, frame = frames[number - 1]
        changed = frame[:_TCP_FLAGS] + bytes([flags]) + frame[_TCP_FLAGS + 1 :]
        return [*frames[: number - 1], (header, changed), *frames[number:]]

    for host in hosts:
        evidence = with_frames(evidence, host, flag)
    return evidence


def with_rows(evidence: Evidence, snapshot: str, host: str, pattern: str, new: str) -> Evidence:
    """Change what `ss` said once, wherever the pattern matches; it must match."""
    changed = []
    for each in evidence.snapshots:
        if (each.name, each.host) == (snapshot, host):
            text, count = re.subn(pattern, new, each.text, flags=re.MULTILINE)
            assert count, f"{pattern} is not in {each.file}"
            changed.append(dataclasses.replace(each, text=text))
        else:
            changed.append(each)
    return dataclasses.replace(evidence, snapshots=tuple(changed))


def with_sample(evidence: Evidence, sampling: str, pattern: str, new: str) -> Evidence:
    """Add one more look to a sampling: its last one with the pattern replaced; it must match."""
    changed = []
    for each in evidence.samplings:
        if each.name == sampling:
            text, count = re.subn(pattern, new, each.samples[-1].text, flags=re.MULTILINE)
            assert count, f"{pattern} is not in {each.file}"
            changed.append(dataclasses.replace(each, samples=(*each.samples, Sample(each.ended_ns, text))))
        else:
            changed.append(each)
    return dataclasses.replace(evidence, samplings=tuple(changed))


def saying(evidence: Evidence, actor: str, stream: str, text: str) -> Evidence:
    """Let a program have printed this line and nothing else on that stream."""
    kept = tuple(line for line in evidence.outputs if (line.actor, line.stream) != (actor, stream))
    return dataclasses.replace(evidence, outputs=(*kept, Output(evidence.ended_ns, actor, stream, text)))


def ending(evidence: Evidence, actor: str, status: int) -> Evidence:
    """Let a program have ended with that status."""
    exits = tuple(dataclasses.replace(end, status=status) if end.actor == actor else end for end in evidence.exits)
    return dataclasses.replace(evidence, exits=exits)


def with_counter(evidence: Evidence, reading: str, name: str, value: int) -> Evidence:
    """Let the kernel have counted so many in a reading, on every host."""
    changed = tuple(
        dataclasses.replace(each, values={**each.values, name: value}) if each.name == reading else each
        for each in evidence.counters
    )
    return dataclasses.replace(evidence, counters=changed)


def with_transitions(evidence: Evidence, change: Callable[[Transition], bool]) -> Evidence:
    """Let the kernel have told only of those changes of state for which this is true."""
    assert evidence.kernel is not None
    trace = evidence.kernel.trace
    kept = tuple(each for each in trace.transitions if change(each))
    assert kept != trace.transitions
    record = dataclasses.replace(evidence.kernel)
    record.__dict__["trace"] = dataclasses.replace(trace, transitions=kept)
    return dataclasses.replace(evidence, kernel=record)


def losing(evidence: Evidence, instance: str, events: int) -> Evidence:
    """Let the buffers of that instance of the recorder's have had no room for so many events."""
    assert evidence.kernel is not None
    record = dataclasses.replace(evidence.kernel)
    record.__dict__["trace"] = dataclasses.replace(evidence.kernel.trace, lost={instance: events})
    return dataclasses.replace(evidence, kernel=record)


def unrecorded(evidence: Evidence) -> Evidence:
    """Let the kernel's tracer not have been asked."""
    return dataclasses.replace(evidence, kernel=None, unrecorded="no-tracefs")


def dropping(evidence: Evidence, host: str, packets: int) -> Evidence:
    """Let tcpdump on that host have lost packets."""
    captures = tuple(
        dataclasses.replace(record, dropped=packets, received=record.received + packets)
        if record.host == host
        else record
        for record in evidence.captures
    )
    return dataclasses.replace(evidence, captures=captures)


def dying(evidence: Evidence, host: str) -> Evidence:
    """Let tcpdump on that host have ended before it was told to."""
    captures = tuple(dataclasses.replace(record, died=record.host == host) for record in evidence.captures)
    return dataclasses.replace(evidence, captures=captures)


def on_another_subnet(evidence: Evidence, subnet: str = "10.4.0.0/24") -> Evidence:
    """Move all but the captures to another subnet: they are then those of another lab."""
    network = ipaddress.IPv4Network(subnet)
    addresses = {
        host: str(network.network_address + int(address.rpartition(".")[2]))
        for host, address in evidence.lab.addresses.items()
    }
    new = {old: addresses[host] for host, old in evidence.lab.addresses.items()}

    def moved(text: str) -> str:
        return re.sub("|".join(map(re.escape, new)), lambda found: new[found[0]], text)

    def end(point: Endpoint | None) -> Endpoint | None:
        return None if point is None else point._replace(address=new[point.address])

    return dataclasses.replace(
        evidence,
        lab=dataclasses.replace(evidence.lab, subnet=subnet, addresses=addresses),
        parties=tuple(
            dataclasses.replace(party, local=end(party.local), remote=end(party.remote)) for party in evidence.parties
        ),
        snapshots=tuple(dataclasses.replace(each, text=moved(each.text)) for each in evidence.snapshots),
        samplings=tuple(
            dataclasses.replace(
                each, samples=tuple(dataclasses.replace(sample, text=moved(sample.text)) for sample in each.samples)
            )
            for each in evidence.samplings
        ),
    )
