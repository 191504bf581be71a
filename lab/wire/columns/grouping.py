"""Group the segments of a capture into conversations by columns, and mark those whose answer needs the exact way.

The rule is that of lab/wire/grouping.py. By columns it is followed where nothing is in question: the client's SYN comes
first, then the server's answer, each end's segments follow one another without holes and without overlaps, and no two
conversations of one pair of endpoints could claim the same numbers. All other pairs are marked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lab.wire.columns.segments import SegmentColumns
from lab.wire.segment import Flags
from lab.wire.sequence import FARTHEST

Places = NDArray[np.intp]
Mask = NDArray[np.bool_]
NONE: Final = -1
"""Where a place is told: there is no such segment."""

SYN, ACK, FIN, RST = (np.uint8(flag.value) for flag in (Flags.SYN, Flags.ACK, Flags.FIN, Flags.RST))
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
_LIFT: Final = 33
"""Bits of an offset in a flow: what is lifted above them is never passed by the offsets below."""
_NEVER: Final = np.iinfo(np.intp).max
_FAR: Final = FARTHEST // 2
"""Numbers up to here from the ISN are nowhere near what the exact way takes for wrapped, or for a stray."""


def _table(*combinations: Flags) -> Mask:
    """Return for each number of eight bits whether it has all the flags of any of the combinations."""
    return np.array([any(bits & each.value == each.value for each in combinations) for bits in range(256)])


_AT_ODDS: Final = _table(Flags.SYN | Flags.RST, Flags.SYN | Flags.FIN, Flags.FIN | Flags.RST)
_SPAN: Final = _table(Flags.SYN).astype(np.uint8) + _table(Flags.FIN)


@dataclass
class Grouped:
    """The segments in the order of their pairs, and the conversations that they make when nothing is unusual.

    Places are indexes into that order. `marked` tells by pair whether it must go the exact way.
    """

    flow: NDArray[np.uint32]
    flags: NDArray[np.uint8]
    first: Places
    """By conversation, the place of its first segment; the following arrays too, until `from_client`."""
    count: Places
    client: NDArray[np.uint32]
    """The flow of the end that is taken for the client."""
    isn_client: NDArray[np.uint32]
    isn_server: NDArray[np.uint32]
    server_syn: Places
    from_client: Mask
    """By place, as all that follows but the last."""
    of: Places
    """The conversation."""
    seq: NDArray[np.uint32]
    """Counted from the flow's ISN, modulo 2^32; the acknowledgement too, which is 0 without the ACK flag."""
    ack: NDArray[np.uint32]
    span: NDArray[np.uint32]
    marked: Mask

    def each(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return what is told by conversation for each of its places."""
        return np.repeat(values, self.count)

    def first_of(self, places: Places) -> Places:
        """Return the first of the places, which ascend, in each conversation."""
        return first_of(places, self.of, len(self.first))


def first_of(places: Places, of: Places, conversations: int) -> Places:
    """Return the first of the places, which ascend, in each conversation; NONE where there is none."""
    found = np.full(conversations, NONE, np.intp)
    found[of[places[::-1]]] = places[::-1]
    return found


def group(segments: SegmentColumns) -> Grouped:
    """Return the conversations; what is told of those of a marked pair is not to be used."""
    order = segments.order
    flow, seq, flags = segments.flow[order], segments.seq[order], segments.flags[order].astype(np.uint8)
    pair = flow >> np.uint32(1)
    marked = segments.ends[0::2] == segments.ends[1::2]  # who speaks with itself has one flow for both directions
    opens = (flags & (SYN | ACK | RST)) == SYN
    begins = _begins(flow, seq, pair, opens, marked)
    first = np.flatnonzero(begins)
    of = np.cumsum(begins) - 1
    count = np.diff(first, append=len(order))
    client = flow[first]
    marked[pair[first[~opens[first]]]] = True
    from_client = flow == np.repeat(client, count)
    accepts = np.flatnonzero((flags & (SYN | ACK | RST)) == (SYN | ACK))
    server_syn = first_of(accepts[~from_client[accepts]], of, len(first))
    server_first = first_of(np.flatnonzero(~from_client), of, len(first))
    isn_client, isn_server = seq[first], _isn_of_servers(seq, server_syn, server_first)
    each = np.repeat(np.stack((isn_client, isn_server)), count, axis=1)
    seq -= np.where(from_client, each[0], each[1])
    ack = segments.ack[order]
    ack -= np.where(from_client, each[1], each[0])
    del each
    acknowledges = (flags & ACK) != 0
    ack[~acknowledges] = 0
    span = segments.length[order]
    strange = (seq > _FAR) | (ack > _FAR) | (span > _FAR) | _AT_ODDS[flags]
    span += _SPAN[flags]
    found = Grouped(
        flow, flags, first, count, client, isn_client, isn_server, server_syn, from_client, of, seq, ack, span, marked
    )
    strange[accepts] |= from_client[accepts] | (seq[accepts] != 0) | (ack[accepts] != 1)
    # Before the server says anything, nothing but its client's SYN tells where its numbers begin.
    answered = np.where(server_first < 0, _NEVER, server_first)
    strange |= from_client & acknowledges & (np.arange(len(order)) < found.each(answered))
    _mark_answers(found, server_first, strange)
    strange |= _out_of_step(found)
    strange[_may_be_copies(segments, found)] = True
    marked[pair[strange]] = True
    _mark_reuse(found, pair)
    return found


def _begins(
    flow: NDArray[np.uint32], seq: NDArray[np.uint32], pair: NDArray[np.uint32], opens: Mask, marked: Mask
) -> Mask:
    """Tell where a conversation begins: with a pair, and with each SYN that does not repeat the one before."""
    begins = np.ones(len(flow), np.bool_)
    np.not_equal(pair[1:], pair[:-1], out=begins[1:])
    syns = np.flatnonzero(opens)
    before, after = syns[:-1], syns[1:]
    same_pair, same_flow = pair[before] == pair[after], flow[before] == flow[after]
    begins[after[~(same_flow & (seq[before] == seq[after]))]] = True
    marked[pair[after[same_pair & ~same_flow]]] = True
    return begins


def _isn_of_servers(seq: NDArray[np.uint32], server_syn: Places, server_first: Places) -> NDArray[np.uint32]:
    """Return the servers' ISNs: of the SYN-ACK, or guessed from what came first, as `Conversation.isn` has it."""
    isn = np.where(server_syn >= 0, seq[server_syn], seq[server_first] - np.uint32(1))
    isn[server_first < 0] = 0
    return isn


def _mark_answers(found: Grouped, server_first: Places, strange: Mask) -> None:
    """Mark a server whose first segment is neither its SYN-ACK nor the RST of one that refuses."""
    refuses = (found.server_syn < 0) & ((found.flags[server_first] & RST) != 0)
    unusual = (server_first >= 0) & (server_first != found.server_syn) & ~refuses
    strange[found.first[unusual]] = True


def _out_of_step(found: Grouped) -> Mask:
    """Tell which segments do not begin where their flow has come to: a hole before them, or bytes sent again."""
    lift = found.each(np.arange(len(found.first), dtype=np.int64) << _LIFT)
    live = (found.flags & RST) == 0
    end = found.seq.astype(np.int64)
    end += found.span
    end += lift
    expected = np.where(
        found.from_client,
        _highest_before(np.where(found.from_client & live, end, lift), lift),
        _highest_before(np.where(found.from_client | ~live, lift, end), lift),
    )
    expected -= lift
    out: Mask = found.seq > expected
    out |= (found.seq < expected) & (found.span > 0)
    out &= live
    return out


def _may_be_copies(segments: SegmentColumns, found: Grouped) -> Places:
    """Return segments that may be the same packet as one before, where being out of step does not tell.

    Only the same flow, identification and numbers in one conversation can; a hash of the first two is sorted for them,
    as for the pairs.
    """
    unseen = np.flatnonzero((found.span == 0) | ((found.flags & RST) != 0))
    ip_id = segments.ip_id[segments.order[unseen]]
    unseen, ip_id = unseen[ip_id != 0], ip_id[ip_id != 0]
    packet = found.flow[unseen].astype(np.uint64) << np.uint64(16) | ip_id
    bits = np.uint64(len(unseen).bit_length())
    key = packet * _MIX >> bits << bits | np.arange(len(unseen), dtype=np.uint64)
    key.sort()
    alike = key[1:] >> bits == key[:-1] >> bits
    place = key & (np.uint64(1) << bits) - np.uint64(1)
    later, earlier = place[1:][alike], place[:-1][alike]
    one, other = unseen[earlier], unseen[later]
    same = (found.seq[one] == found.seq[other]) & (found.ack[one] == found.ack[other])
    same &= found.of[one] == found.of[other]
    # Two that merely share a hash could lie between copies: they are not trusted either.
    same |= packet[earlier] != packet[later]
    return np.asarray(other[same])


def _highest_before(values: NDArray[np.int64], least: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the highest of the values before each place, `least` where that belongs to an earlier conversation."""
    highest = np.empty_like(values)
    highest[:1] = least[:1]
    np.maximum.accumulate(values[:-1], out=highest[1:])
    return np.maximum(highest, least, out=highest)


def _mark_reuse(found: Grouped, pair: NDArray[np.uint32]) -> None:
    """Mark the pairs of endpoints whose conversations could claim each other's segments.

    None can when their ranges of numbers lie apart, on both flows. Where a server sent no SYN, nothing tells where its
    numbers begin: then only a later segment of it that acknowledges shows where it belongs.
    """
    of_pair = pair[found.first]
    several = np.zeros(len(of_pair), np.bool_)
    np.equal(of_pair[1:], of_pair[:-1], out=several[1:])
    if not several.any():
        return
    several[:-1] |= several[1:]
    which = np.flatnonzero(several)
    chosen = np.flatnonzero(found.each(several))
    begins = np.cumsum(np.append(0, found.count[which][:-1]))
    own = found.from_client[chosen]
    sent = found.seq[chosen].astype(np.int64) + found.span[chosen]
    heard = found.ack[chosen].astype(np.int64)
    mine = np.maximum.reduceat(np.where(own, sent, heard), begins)
    theirs = np.maximum.reduceat(np.where(own, heard, sent), begins)
    says = found.server_syn[which] >= 0
    bare = np.logical_or.reduceat(~own & ((found.flags[chosen] & ACK) == 0), begins)
    pairs, marked = of_pair[which], found.marked
    silent, speaks_bare = np.zeros((2, len(marked)), np.bool_)
    silent[pairs[~says]] = True
    speaks_bare[pairs[bare]] = True
    marked |= silent & speaks_bare
    marked[_overlapping(pairs, found.isn_client[which], mine)] = True
    marked[_overlapping(pairs[says], found.isn_server[which][says], theirs[says])] = True


def _overlapping(
    pairs: NDArray[np.uint32], begins: NDArray[np.uint32], lengths: NDArray[np.int64]
) -> NDArray[np.uint32]:
    """Return the pairs that have two ranges of numbers (from `begins` on, that many more) with a number in common."""
    order = np.lexsort((begins, pairs))
    pairs, ends = pairs[order], begins[order] + lengths[order]
    starts = begins[order].astype(np.int64)
    following = np.append(starts[1:], 0)
    last = np.ones(len(pairs), np.bool_)
    np.not_equal(pairs[1:], pairs[:-1], out=last[:-1])
    # The numbers go round: the last range of a pair must end before the first one, one round later.
    heads = starts[np.append(True, last[:-1])] if len(pairs) else starts
    following[last] = heads + (1 << 32)
    alone = np.append(True, last[:-1]) & last
    return pairs[(ends >= following) & ~alone]
