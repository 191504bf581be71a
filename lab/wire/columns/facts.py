"""The facts of conversations by columns: how they opened and closed, as `Conversation` tells them one by one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lab.wire.columns.grouping import ACK, FIN, NONE, RST, Grouped, Mask, Places

_THREE, _FOUR = np.uint8(3), np.uint8(4)
_NEVER = np.iinfo(np.intp).max


class Opening(NamedTuple):
    """By conversation, the places of the segments that opened it."""

    client_syn: Places
    server_syn: Places
    server_answer: Places
    """The server's first acknowledgement of the client's SYN; the next is the client's of the server's."""
    client_answer: Places


class Closing(NamedTuple):
    """By conversation: the place of the first FIN, and of how many segments the close took (0: none that is clean).

    By place: whether it is a straggler (see `Conversation.stragglers`).
    """

    first_fin: Places
    close_segments: NDArray[np.uint8]
    straggler: Mask


def opening(found: Grouped) -> Opening:
    """Return how the conversations opened."""
    answers = ((found.flags & (ACK | RST)) == ACK) & (found.ack >= 1)
    client_answer = found.first_of(np.flatnonzero(answers & found.from_client))
    client_answer[found.server_syn < 0] = NONE
    server_answer = found.first_of(np.flatnonzero(answers & ~found.from_client))
    return Opening(found.first, found.server_syn, server_answer, client_answer)


def closing(found: Grouped) -> Closing:
    """Return how the conversations closed."""
    fins = np.flatnonzero(found.flags & FIN)
    first_fin = found.first_of(fins)
    by_client = found.from_client[fins]
    fin = [found.first_of(fins[by_client]), found.first_of(fins[~by_client])]
    after = np.flatnonzero(np.arange(len(found.of)) > found.each(np.where(first_fin < 0, _NEVER, first_fin)))
    flags, of = found.flags[after], found.of[after]
    says = after[(flags & (ACK | RST)) == ACK]
    acknowledged = [
        _acknowledged(found, says, fin[0], by_client=False),
        _acknowledged(found, says, fin[1], by_client=True),
    ]
    done = (acknowledged[0] >= 0) & (acknowledged[1] >= 0)
    last = np.where(done, np.maximum(*acknowledged), _NEVER)
    reset = found.first_of(after[(flags & RST) != 0])
    clean = done & ((reset < 0) | (reset > last))
    client_closed_first = fin[0] == first_fin
    reply = np.where(client_closed_first, *acknowledged)
    peers_fin = np.where(client_closed_first, fin[1], fin[0])
    close_segments = np.where(clean, np.where(reply == peers_fin, _THREE, _FOUR), np.uint8(0))
    straggler = np.zeros(len(found.of), np.bool_)
    straggler[after[(after > last[of]) & (found.span[after] == 0)]] = True
    return Closing(first_fin, close_segments, straggler)


def _acknowledged(found: Grouped, says: Places, fin: Places, *, by_client: bool) -> Places:
    """Return by conversation which of the segments is the first to acknowledge the FIN at `fin`."""
    says = says[found.from_client[says] == by_client]
    at = fin[found.of[says]]
    end = found.seq[at] + found.span[at]
    return found.first_of(says[(at >= 0) & (says > at) & (found.ack[says] >= end)])
