"""A capture read by columns and one by one: what either tells of it, to be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import ip_address
from struct import pack
from typing import Any

from lab.wire.capture import Capture, CaptureError, parse_capture
from lab.wire.columns.conversations import ConversationColumns, read_conversations
from lab.wire.columns.reading import read_columns
from lab.wire.columns.segments import SegmentColumns
from lab.wire.conversation import Conversation, conversations
from lab.wire.segment import Segment

Facts = dict[str, Any]


def pcap_of(segments: Iterable[Segment]) -> bytes:
    """The segments as raw IP packets in a capture; their payload is cut from it, and their time in whole µs."""
    parts = [pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)]
    for segment in segments:
        src, dst = ip_address(segment.src.address).packed, ip_address(segment.dst.address).packed
        total = 20 + segment.length
        tcp = pack(
            ">HHIIHHHH", segment.src.port, segment.dst.port, segment.seq, segment.ack, 5 << 12 | segment.flags,
            segment.window, segment.checksum, 0,
        )  # fmt: skip
        if len(src) == 4:
            ip = pack(">BBHHHBBH", 0x45, 0, 20 + total, segment.ip_id, 0, 64, 6, 0) + src + dst
        else:
            ip = pack(">IHBB", 6 << 28, total, 6, 64) + src + dst
        frame = ip + tcp
        parts.append(pack("<IIII", *divmod(segment.time_ns // 1000, 1_000_000), len(frame), len(ip) + total) + frame)
    return b"".join(parts)


def read(reader: Callable[..., Capture | SegmentColumns], data: bytes) -> object:
    """All that a reader tells of a file, or how it refuses it."""
    try:
        found = reader(data, where="x")
    except CaptureError as error:
        return error.code, error.params
    segments = found.segments if isinstance(found, Capture) else found
    return list(segments), found.frames, found.skipped, found.linktype, found.nanosecond


def assert_alike(data: bytes) -> None:
    """Segments and conversations are the same both ways."""
    assert read(read_columns, data) == read(parse_capture, data)
    segments = read_columns(data, where="x")
    found = read_conversations(segments)
    assert told_by_columns(found) == [told_one_by_one(each) for each in conversations(list(segments))]


def told_one_by_one(conversation: Conversation) -> Facts:
    """What `Conversation` tells; segments stand by their frame numbers."""
    return {
        "client": conversation.client,
        "server": conversation.server,
        "whole": conversation.whole,
        "segments": _numbers(conversation.segments),
        "relative": [conversation.relative(each) for each in conversation.segments],
        "from client": [conversation.from_client(each) for each in conversation.segments],
        "isns": (conversation.isn(conversation.client), conversation.isn(conversation.server)),
        "handshake": _numbers(conversation.handshake),
        "established": conversation.established,
        "first FIN": conversation.teardown[0].number if conversation.teardown else None,
        "close": conversation.close_segments,
        "retransmissions": _numbers(conversation.retransmissions),
        "copies": _numbers(conversation.copies),
        "stragglers": _numbers(conversation.stragglers),
    }


def told_by_columns(columns: ConversationColumns) -> list[Facts]:
    """The same of all conversations, as the columns have it."""
    number = columns.segments.number[columns.order].tolist()
    acknowledges = (columns.segments.flags[columns.order] & 0x10 != 0).tolist()
    told = []
    for each in range(len(columns)):
        places = range(len(number))[columns.places(each)]
        told.append({
            "client": columns.client_of(each),
            "server": columns.server_of(each),
            "whole": bool(columns.whole[each]),
            "segments": [number[place] for place in places],
            "relative": [
                (int(columns.seq[place]), int(columns.ack[place]) if acknowledges[place] else None) for place in places
            ],
            "from client": [bool(columns.from_client[place]) for place in places],
            "isns": (int(columns.isn_client[each]), int(columns.isn_server[each])),
            "handshake": [number[place] for place in columns.handshake[each].tolist() if place >= 0],
            "established": bool(columns.established[each]),
            "first FIN": number[columns.first_fin[each]] if columns.first_fin[each] >= 0 else None,
            "close": int(columns.close_segments[each]) or None,
            "retransmissions": [number[place] for place in places if columns.retransmission[place]],
            "copies": [number[place] for place in places if columns.copy[place]],
            "stragglers": [number[place] for place in places if columns.straggler[place]],
        })  # fmt: skip
    return told


def _numbers(segments: Iterable[Segment]) -> list[int]:
    return [segment.number for segment in segments]
