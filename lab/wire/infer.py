"""Both ends' states along a conversation, inferred from the capture alone (what `ss` shows is *observed*)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from lab.wire.bits import accepts, has_fin, has_rst, has_syn, opens
from lab.wire.conversation import Conversation
from lab.wire.foresight import Foresight, foresee
from lab.wire.machine import Event, IllegalTransitionError, advance
from lab.wire.placing import Place
from lab.wire.segment import Endpoint, Segment
from lab.wire.sequence import Ranges
from lab.wire.state import State

__all__ = ["Inferred", "Stay", "durations", "infer"]

_MUTE = frozenset({State.CLOSED, State.LISTEN, State.SYN_SENT, State.SYN_RECEIVED})
"""States whose end sends nothing but SYN and RST."""


@dataclass(frozen=True, slots=True)
class Inferred:
    """Both ends' states once `segment` has been sent and has arrived.

    `unexplained` says that the segment does not fit the state machine (a part of the conversation is missing, or an
    end breaks the protocol); the states are then those that can still be told. `from_less` says that a state here rests
    on less than what would show it: the connection began before the capture, or a part of its opening is not there.
    """

    segment: Segment
    client: State
    server: State
    client_changed: bool
    server_changed: bool
    unexplained: bool = False
    from_less: bool = False


class Stay(NamedTuple):
    """How long one end was in one state, ns since the epoch; `until_ns` is None for its last one."""

    endpoint: Endpoint
    state: State
    from_ns: int
    until_ns: int | None


def infer(conversation: Conversation) -> tuple[Inferred, ...]:
    """Return the states of both ends after each segment.

    A segment counts as sent by its sender and as arrived at its receiver. The client starts CLOSED and the server
    LISTEN (CLOSED when it refuses); without a captured opening both start ESTABLISHED. A SYN moves the server only if
    the server answers it, an ACK of a SYN-ACK only if the server does not repeat it afterwards. Where a part of the
    opening is missing, what only an established end sends proves it. Retransmissions and segments outside the window
    change nothing. Source: RFC 9293, section 3.10.7, by the table in lab/wire/machine.py.
    """
    replay = _Replay(conversation)
    inferred = []
    for segment in conversation.segments:
        client, server = replay.client.state, replay.server.state
        explained = replay.step(segment, from_client=conversation.from_client(segment))
        now = replay.client.state, replay.server.state
        inferred.append(Inferred(segment, *now, client != now[0], server != now[1], not explained, replay.from_less))
    return tuple(inferred)


def durations(conversation: Conversation) -> list[Stay]:
    """Return how long each end was in each state, by the inferred states: the client's stays, then the server's.

    It begins with the first segment; a state that came and went within one segment is left out.
    """
    inferred = infer(conversation)
    return [
        *_stays(conversation.client, [(each.segment.time_ns, each.client) for each in inferred]),
        *_stays(conversation.server, [(each.segment.time_ns, each.server) for each in inferred]),
    ]


def _stays(endpoint: Endpoint, states: list[tuple[int, State]]) -> list[Stay]:
    begins = [now for place, now in enumerate(states) if place == 0 or states[place - 1][1] != now[1]]
    ends = [time_ns for time_ns, _ in begins[1:]]
    return [
        Stay(endpoint, state, from_ns, until_ns)
        for (from_ns, state), until_ns in zip(begins, [*ends, None], strict=True)
    ]


class _End:
    """One end of the connection on its way through the states."""

    def __init__(self, known: Foresight) -> None:
        self.known = known
        self.state = self.known.start
        self.sent = Ranges()
        self.top = 0
        """The offset after the highest one sent."""
        self.early = False
        """Whether it sends data before the handshake is complete: it took data with the SYN (Fast Open)."""
        self.acknowledged = 0
        """The highest offset of this end's flow that the other end has acknowledged."""
        self.fin: int | None = None
        """The offset after this end's FIN, once it is sent."""
        self.fin_acknowledged = False
        self.fin_received = False
        self.explained = True

    def happen(self, event: Event) -> None:
        """Change the state as the table says; what it does not say changes nothing and explains nothing."""
        try:
            self.state = advance(self.state, event)
        except IllegalTransitionError:
            self.explained = False


class _Replay:
    """Plays the segments of a conversation, one after another, to both of its ends."""

    def __init__(self, conversation: Conversation) -> None:
        self.client, self.server = map(_End, foresee(conversation))
        self.from_less = False
        """Whether the latest segment changed a state by less than what would show the change."""
        self._places = conversation.placed
        self._begins_late = not has_syn(conversation.segments[0])
        self._place = -1
        self._resetter: _End | None = None

    def step(self, segment: Segment, *, from_client: bool) -> bool:
        """Play one segment; return whether the state machine explains it."""
        sender, receiver = (self.client, self.server) if from_client else (self.server, self.client)
        self._place += 1
        self.from_less = self._begins_late and self._place == 0
        if self._resetter is not None:
            # The peer's segments were under way when the RST left; its sender has nothing more to say but another.
            return sender is not self._resetter or has_rst(segment)
        self.client.explained = self.server.explained = True
        where = self._places[self._place]
        if where is not None and where.begin >= 0:
            if has_rst(segment):
                self._reset(sender, receiver, where)
            else:
                self._play(sender, receiver, segment, where)
        return self.client.explained and self.server.explained

    def _reset(self, sender: _End, receiver: _End, where: Place) -> None:
        """Close both ends, unless the RST is not acceptable (RFC 9293, sections 3.10.7.3 and 3.10.7.4)."""
        if receiver.state is State.SYN_SENT:
            acceptable = _acknowledges_syn(where)
        else:
            acceptable = where.begin >= sender.acknowledged
        if acceptable:
            sender.happen(Event.SEND_RST)
            receiver.happen(Event.RECEIVE_RST)
            self._resetter = sender

    def _play(self, sender: _End, receiver: _End, segment: Segment, where: Place) -> None:
        again = sender.sent.add(where.begin, where.end)
        first_ack_of_syn = receiver.acknowledged < 1 and _acknowledges_syn(where)
        if where.ack is not None:
            receiver.acknowledged = max(receiver.acknowledged, where.ack)
        if opens(segment):
            if not again:
                sender.happen(Event.SEND_SYN)
        elif accepts(segment):
            sender.early |= (where.ack or 0) > 1
        else:
            first_ack_of_syn &= not self._presume(sender, receiver, segment, where)
            self._speak(sender, receiver, segment, where.end)
        sender.top = max(sender.top, where.end)
        for end in (sender, receiver):
            if end.known.syn_taken == self._place:
                end.happen(Event.RECEIVE_SYN)
        self._hear_answer(receiver, segment, where, first=first_ack_of_syn)
        _settle_fins(sender, receiver)
        _settle_fins(receiver, sender)

    def _presume(self, sender: _End, receiver: _End, segment: Segment, where: Place) -> bool:
        """Let what is missing of the opening have happened where a segment proves it; return whether it did.

        An end acknowledges, or sends data that acknowledges the peer's SYN, only when it has the peer's SYN. And it is
        established when it goes on to what needs that: data of its own after its SYN-ACK, or when either end
        acknowledges more than was captured.
        """
        if where.ack is None or where.ack < 1:
            return False
        if sender.state is State.SYN_SENT and where.begin >= 1:
            self._presume_opened(sender, receiver)
        elif receiver.state is State.SYN_SENT and sender.state in _MUTE and where.end > where.begin:
            self._presume_opened(receiver, sender)
            sender.happen(Event.RECEIVE_ACK_OF_SYN)
        elif sender.state is State.SYN_RECEIVED and sender.acknowledged < 1 and not sender.early:
            if not segment.length and where.ack <= max(receiver.top, 1):
                return False
            sender.happen(Event.RECEIVE_ACK_OF_SYN)
        elif (
            receiver.state is State.SYN_RECEIVED
            and where.ack > receiver.top
            and self._place <= receiver.known.half_open_until
        ):
            receiver.happen(Event.RECEIVE_ACK_OF_SYN)
        else:
            return False
        self.from_less = True
        return True

    @staticmethod
    def _presume_opened(client: _End, server: _End) -> None:
        """Let both SYNs have been taken."""
        if server.state is State.CLOSED:
            server.happen(Event.OPEN_PASSIVE)
        if server.state is State.LISTEN:
            server.happen(Event.RECEIVE_SYN)
        client.happen(Event.RECEIVE_SYN_ACK)

    def _speak(self, sender: _End, receiver: _End, segment: Segment, end: int) -> None:
        """What a segment without SYN proves of its sender's past, and what it does to its sender."""
        if sender.state is State.SYN_RECEIVED and sender.acknowledged >= 1:
            sender.happen(Event.RECEIVE_ACK_OF_SYN)
        if receiver.fin is not None and receiver.acknowledged >= receiver.fin and not sender.fin_received:
            if sender.fin is None and sender.known.crossed_fin is not None:
                # Its own FIN left before; the acknowledgement overtook it.
                sender.fin = sender.known.crossed_fin
                sender.happen(Event.SEND_FIN)
            sender.fin_received = True
            sender.happen(Event.RECEIVE_FIN)
        if sender.fin is not None:
            sender.explained &= end <= sender.fin
        elif has_fin(segment):
            sender.fin = end
            sender.happen(Event.SEND_FIN)
        elif sender.state in _MUTE and not sender.early:
            sender.explained = False

    def _hear_answer(self, receiver: _End, segment: Segment, where: Place, *, first: bool) -> None:
        """What an acknowledgement of the receiver's SYN does to it."""
        if accepts(segment):
            if first:
                receiver.happen(Event.RECEIVE_SYN_ACK)
            elif receiver.state is State.SYN_SENT:
                receiver.explained = False
        elif receiver.state is State.SYN_RECEIVED and _acknowledges_syn(where):
            if self._place > receiver.known.half_open_until:
                receiver.happen(Event.RECEIVE_ACK_OF_SYN)
        elif first and receiver.state in _MUTE:
            receiver.explained = False


def _acknowledges_syn(where: Place) -> bool:
    return where.ack is not None and where.ack >= 1


def _settle_fins(end: _End, peer: _End) -> None:
    """Let the peer's FIN, and its acknowledgement of this end's FIN, take effect where they have not yet.

    A FIN takes effect once all before it is in the capture; not in SYN-RECEIVED, whose end drops everything but the
    ACK it waits for. (That a FIN was acknowledged, `_speak` has seen.)
    """
    acknowledged = end.fin is not None and end.acknowledged >= end.fin and not end.fin_acknowledged
    finished = (
        peer.fin is not None
        and not end.fin_received
        and peer.sent.contiguous >= peer.fin
        and (end.fin is not None or end.known.crossed_fin is None)
        and end.state is not State.SYN_RECEIVED
    )
    end.fin_acknowledged |= acknowledged
    end.fin_received |= finished
    if acknowledged and finished and end.state is State.FIN_WAIT_1:
        end.happen(Event.RECEIVE_FIN_AND_ACK_OF_FIN)
        return
    if acknowledged:
        end.happen(Event.RECEIVE_ACK_OF_FIN)
    if finished:
        end.happen(Event.RECEIVE_FIN)
