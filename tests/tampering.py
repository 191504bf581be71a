"""Tamper with a saved run: each function returns the evidence changed in one way, all else as it was recorded."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import struct
from collections.abc import Callable
from typing import Final

from lab.kernel.trace import Transition
from lab.recording.play import Output
from lab.recording.raw import CaptureRecord
from lab.recording.recording import Sample
from lab.recording.run import Run
from lab.recording.saved import SavedLab, saved_form
from lab.wire.segment import Endpoint, Flags
from tests.records import changed

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


def with_frames(evidence: Run, host: str, change: Callable[[Frames], Frames]) -> Run:
    """Change the frames captured on a host; tcpdump is made to have counted as many as there are then."""

    def tampered(record: CaptureRecord) -> CaptureRecord:
        if record.host != host:
            return record
        frames = change(frames_of(record))
        data = record.data[:_FILE_HEADER] + b"".join(header + frame for header, frame in frames)
        return dataclasses.replace(record, content=data, captured=len(frames), received=len(frames))

    return changed(evidence, captures=tuple(tampered(record) for record in evidence.recording.captures))


def without_frame(evidence: Run, number: int, *hosts: str) -> Run:
    """Take a frame (from 1) out of the captures of these hosts."""
    for host in hosts:
        evidence = with_frames(evidence, host, lambda frames: frames[: number - 1] + frames[number:])
    return evidence


def twice(evidence: Run, number: int, *hosts: str) -> Run:
    """Have a frame sent twice, one right after the other, in the captures of these hosts."""
    for host in hosts:
        evidence = with_frames(evidence, host, lambda frames: frames[:number] + frames[number - 1 :])
    return evidence


def swapped(evidence: Run, number: int, host: str) -> Run:
    """Swap a frame and the next one, each keeping its time stamp's place."""

    def swap(frames: Frames) -> Frames:
        (head, one), (next_head, other) = frames[number - 1 : number + 1]
        lengths = [struct.pack("<II", len(frame), len(frame)) for frame in (other, one)]
        pair = [(head[:8] + lengths[0], other), (next_head[:8] + lengths[1], one)]
        return frames[: number - 1] + pair + frames[number + 1 :]

    return with_frames(evidence, host, swap)


def with_flags(evidence: Run, number: int, flags: Flags, *hosts: str) -> Run:
    """Give a frame's segment other flags in the captures of these hosts."""

    def flag(frames: Frames) -> Frames:
        header, frame = frames[number - 1]
        changed = frame[:_TCP_FLAGS] + bytes([flags]) + frame[_TCP_FLAGS + 1 :]
        return [*frames[: number - 1], (header, changed), *frames[number:]]

    for host in hosts:
        evidence = with_frames(evidence, host, flag)
    return evidence


def with_rows(evidence: Run, snapshot: str, host: str, pattern: str, new: str) -> Run:
    """Change what `ss` said once, wherever the pattern matches; it must match."""
    others = []
    for each in saved_form(evidence).snapshots:
        if (each.name, each.host) == (snapshot, host):
            text, count = re.subn(pattern, new, each.text, flags=re.MULTILINE)
            assert count, f"{pattern} is not in {each.file}"
            others.append(dataclasses.replace(each, text=text))
        else:
            others.append(each)
    return changed(evidence, snapshots=tuple(others))


def with_sample(evidence: Run, sampling: str, pattern: str, new: str) -> Run:
    """Add one more look to a sampling: its last one with the pattern replaced; it must match."""
    others = []
    for each in saved_form(evidence).samplings:
        if each.name == sampling:
            text, count = re.subn(pattern, new, each.samples[-1].text, flags=re.MULTILINE)
            assert count, f"{pattern} is not in {each.file}"
            others.append(dataclasses.replace(each, samples=(*each.samples, Sample(each.ended_ns, text))))
        else:
            others.append(each)
    return changed(evidence, samplings=tuple(others))


def saying(evidence: Run, actor: str, stream: str, text: str) -> Run:
    """Let a program have printed this line and nothing else on that stream."""
    kept = tuple(line for line in evidence.play.outputs if (line.actor, line.stream) != (actor, stream))
    return changed(evidence, outputs=(*kept, Output(evidence.recording.ended_ns, actor, stream, text)))


def ending(evidence: Run, actor: str, status: int) -> Run:
    """Let a program have ended with that status."""
    exits = tuple(dataclasses.replace(end, status=status) if end.actor == actor else end for end in evidence.play.exits)
    return changed(evidence, exits=exits)


def with_counter(evidence: Run, reading: str, name: str, value: int) -> Run:
    """Let the kernel have counted so many in a reading, on every host."""
    others = tuple(
        dataclasses.replace(each, values={**each.values, name: value}) if each.name == reading else each
        for each in saved_form(evidence).counters
    )
    return changed(evidence, counters=others)


def with_transitions(evidence: Run, change: Callable[[Transition], bool]) -> Run:
    """Let the kernel have told only of those changes of state for which this is true."""
    assert evidence.recording.kernel is not None
    trace = evidence.recording.kernel.trace
    kept = tuple(each for each in trace.transitions if change(each))
    assert kept != trace.transitions
    record = dataclasses.replace(evidence.recording.kernel, content=dataclasses.replace(trace, transitions=kept))
    return changed(evidence, kernel=record)


def losing(evidence: Run, instance: str, events: int) -> Run:
    """Let the buffers of that instance of the recorder's have had no room for so many events."""
    assert evidence.recording.kernel is not None
    told = dataclasses.replace(evidence.recording.kernel.trace, lost={instance: events})
    return changed(evidence, kernel=dataclasses.replace(evidence.recording.kernel, content=told))


def unrecorded(evidence: Run) -> Run:
    """Let the kernel's tracer not have been asked."""
    return changed(evidence, kernel=None, unrecorded="no-tracefs")


def dropping(evidence: Run, host: str, packets: int) -> Run:
    """Let tcpdump on that host have lost packets."""
    captures = tuple(
        dataclasses.replace(record, dropped=packets, received=record.received + packets)
        if record.host == host
        else record
        for record in evidence.recording.captures
    )
    return changed(evidence, captures=captures)


def dying(evidence: Run, host: str) -> Run:
    """Let tcpdump on that host have ended before it was told to."""
    captures = tuple(dataclasses.replace(record, died=record.host == host) for record in evidence.recording.captures)
    return changed(evidence, captures=captures)


def on_another_subnet(evidence: Run, subnet: str = "10.4.0.0/24") -> Run:
    """Move all but the captures to another subnet: they are then those of another lab."""
    network = ipaddress.IPv4Network(subnet)
    addresses = {
        host: str(network.network_address + int(address.rpartition(".")[2]))
        for host, address in evidence.recording.hosts.items()
    }
    new = {old: addresses[host] for host, old in evidence.recording.hosts.items()}

    def moved(text: str) -> str:
        return re.sub("|".join(map(re.escape, new)), lambda found: new[found[0]], text)

    def end(point: Endpoint | None) -> Endpoint | None:
        return None if point is None else point._replace(address=new[point.address])

    return changed(
        evidence,
        lab=SavedLab(evidence.play.lab.name, subnet, addresses),
        parties=tuple(
            dataclasses.replace(party, local=end(party.local), remote=end(party.remote))
            for party in evidence.play.parties
        ),
        snapshots=tuple(dataclasses.replace(each, text=moved(each.text)) for each in saved_form(evidence).snapshots),
        samplings=tuple(
            dataclasses.replace(
                each, samples=tuple(dataclasses.replace(sample, text=moved(sample.text)) for sample in each.samples)
            )
            for each in saved_form(evidence).samplings
        ),
    )
