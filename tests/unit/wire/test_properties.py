"""Whatever the initial sequence numbers, losses, duplicates and order: what is true of a conversation stays true."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from lab.wire.conversation import Conversation, conversations
from lab.wire.infer import durations, infer
from lab.wire.segment import Endpoint, Flags, Segment
from lab.wire.sequence import MODULUS
from lab.wire.state import State

CLIENT, SERVER = Endpoint("10.99.1.101", 40000), Endpoint("10.99.1.102", 8000)
ACK, SYN, FIN, RST = Flags.ACK, Flags.SYN, Flags.FIN, Flags.RST

NEAR_THE_WRAP = st.integers(-3000, 3000).map(lambda number: number % MODULUS)
ISNS = st.one_of(NEAR_THE_WRAP, st.integers(0, MODULUS - 1))


class Talk:
    """Two ends that obey the protocol; their segments in the order of a lossless capture."""

    def __init__(self, client_isn: int, server_isn: int) -> None:
        self.next = {CLIENT: client_isn, SERVER: server_isn}
        self.segments: list[Segment] = []

    def send(self, src: Endpoint, flags: Flags, length: int = 0) -> None:
        dst = SERVER if src == CLIENT else CLIENT
        ack = self.next[dst] if flags & ACK else 0
        number = len(self.segments) + 1
        payload = b"x" * length
        self.segments.append(Segment(number, number * 1000, src, dst, self.next[src], ack, flags, 500, payload, length))
        self.next[src] = (self.next[src] + length + bool(flags & SYN) + bool(flags & FIN)) % MODULUS

    def open(self) -> None:
        self.send(CLIENT, SYN)
        self.send(SERVER, SYN | ACK)
        self.send(CLIENT, ACK)

    def say(self, src: Endpoint, lengths: list[int]) -> None:
        for length in lengths:
            self.send(src, ACK, length)
        self.send(SERVER if src == CLIENT else CLIENT, ACK)


@dataclass(frozen=True)
class Plan:
    """What happens: who says how much, and how it ends."""

    sayings: list[tuple[Endpoint, list[int]]]
    closer: Endpoint
    end: str

    def play(self, client_isn: int, server_isn: int) -> Talk:
        talk = Talk(client_isn, server_isn)
        talk.open()
        for src, lengths in self.sayings:
            talk.say(src, lengths)
        second = SERVER if self.closer == CLIENT else CLIENT
        if self.end == "reset":
            talk.send(self.closer, RST | ACK)
        elif self.end != "open":
            talk.send(self.closer, FIN | ACK)
            if self.end == "four":
                talk.send(second, ACK)
            if self.end == "half-close":
                talk.say(second, [2000, 10])
            talk.send(second, FIN | ACK)
            talk.send(self.closer, ACK)
        return talk

    @property
    def last_states(self) -> tuple[State, State]:
        if self.end in {"open", "reset"}:
            state = State.ESTABLISHED if self.end == "open" else State.CLOSED
            return state, state
        closed = State.TIME_WAIT, State.CLOSED
        return closed if self.closer == CLIENT else (closed[1], closed[0])


ENDS = st.sampled_from([CLIENT, SERVER])
# Two bytes at least: a single byte sent again after its ACK is a keepalive, by definition.
SAYINGS = st.lists(st.tuples(ENDS, st.lists(st.integers(2, 1500), min_size=1, max_size=4)), max_size=5)
PLANS = st.builds(Plan, SAYINGS, ENDS, st.sampled_from(["open", "three", "four", "half-close", "reset"]))


def renumbered(segments: list[Segment]) -> list[Segment]:
    return [segment._replace(number=place, time_ns=place * 1000) for place, segment in enumerate(segments, start=1)]


def only(segments: list[Segment]) -> Conversation:
    (conversation,) = conversations(segments)
    return conversation


def last_states(conversation: Conversation) -> tuple[State, State]:
    last = infer(conversation)[-1]
    return last.client, last.server


@given(PLANS, ISNS, ISNS)
def test_a_conversation_is_told_as_it_was(plan: Plan, client_isn: int, server_isn: int) -> None:
    talk = plan.play(client_isn, server_isn)
    conversation = only(talk.segments)
    assert (conversation.client, conversation.server, conversation.whole) == (CLIENT, SERVER, True)
    assert [segment.number for segment in conversation.handshake] == [1, 2, 3]
    assert conversation.retransmissions == ()
    assert conversation.first_closer == (plan.closer if plan.end not in {"open", "reset"} else None)
    assert conversation.close_segments == {"three": 3, "four": 4, "half-close": 4}.get(plan.end)
    assert not any(each.unexplained for each in infer(conversation))
    assert last_states(conversation) == plan.last_states


@given(PLANS, ISNS, ISNS)
def test_nothing_depends_on_the_initial_sequence_numbers(plan: Plan, client_isn: int, server_isn: int) -> None:
    here, there = only(plan.play(client_isn, server_isn).segments), only(plan.play(0, 0).segments)
    for one, other in zip(here.segments, there.segments, strict=True):
        assert here.relative(one) == there.relative(other)
    assert [(each.client, each.server) for each in infer(here)] == [(each.client, each.server) for each in infer(there)]


@given(PLANS, ISNS, ISNS, st.data())
def test_duplicates_are_retransmissions_and_change_no_state(
    plan: Plan, client_isn: int, server_isn: int, data: st.DataObject
) -> None:
    segments = plan.play(client_isn, server_isn).segments
    chosen = data.draw(st.lists(st.sampled_from(segments[2:]), max_size=4))
    copies = []
    for original in chosen:
        place = data.draw(st.integers(segments.index(original) + 1, len(segments)))
        copy = original._replace(payload=bytes(original.payload))
        copies.append(copy)
        segments.insert(place, copy)
    marked = [any(segment is copy for copy in copies) for segment in segments]
    conversation = only(renumbered(segments))
    again = {segment.number for segment in conversation.retransmissions}
    for each, is_copy in zip(infer(conversation), marked, strict=True):
        takes_numbers = each.segment.length > 0 or bool(each.segment.flags & FIN)
        assert (each.segment.number in again) == (is_copy and takes_numbers)
        assert not (is_copy and (each.client_changed or each.server_changed))
    assert last_states(conversation) == plan.last_states


@given(PLANS, ISNS, ISNS, st.data())
def test_data_out_of_order_is_one_conversation_with_the_same_end(
    plan: Plan, client_isn: int, server_isn: int, data: st.DataObject
) -> None:
    segments = plan.play(client_isn, server_isn).segments
    places = [
        place for place in range(len(segments) - 1)
        if segments[place].src == segments[place + 1].src and segments[place].length and segments[place + 1].length
    ]  # fmt: skip
    for place in data.draw(st.lists(st.sampled_from(places))) if places else []:
        segments[place : place + 2] = segments[place + 1], segments[place]
    conversation = only(renumbered(segments))
    assert conversation.retransmissions == ()
    assert last_states(conversation) == plan.last_states


@given(PLANS, ISNS, ISNS, st.data())
def test_data_that_the_capture_missed_does_not_change_the_end(
    plan: Plan, client_isn: int, server_isn: int, data: st.DataObject
) -> None:
    segments = plan.play(client_isn, server_isn).segments
    with_data = [segment for segment in segments if segment.length]
    missed = data.draw(st.lists(st.sampled_from(with_data))) if with_data else []
    conversation = only(renumbered([segment for segment in segments if segment not in missed]))
    assert last_states(conversation) == plan.last_states


@given(st.lists(PLANS, min_size=2, max_size=4), ISNS, ISNS, st.integers(1, 1 << 28), st.data())
def test_a_port_used_again_is_another_conversation_and_late_duplicates_stay_with_theirs(
    plans: list[Plan], client_isn: int, server_isn: int, gap: int, data: st.DataObject
) -> None:
    segments: list[Segment] = []
    expected: list[int] = []
    for which, plan in enumerate(plans):
        talk = plan.play(client_isn, server_isn)
        late = [segment for segment in segments if segment.length and expected[segments.index(segment)] == which - 1]
        segments += talk.segments
        expected += [which] * len(talk.segments)
        if late:
            segments.append(data.draw(st.sampled_from(late)))
            expected.append(which - 1)
        client_isn = (talk.next[CLIENT] + gap) % MODULUS
        server_isn = (talk.next[SERVER] + gap) % MODULUS
    segments = renumbered(segments)
    found = conversations(segments)
    owner = {segment.number: which for which, each in enumerate(found) for segment in each.segments}
    assert [owner[segment.number] for segment in segments] == expected


NUMBERS = st.one_of(st.integers(0, 12), NEAR_THE_WRAP, st.integers(0, MODULUS - 1))
ENDPOINTS = st.sampled_from([CLIENT, SERVER, Endpoint("fd99::1", 1)])
SOUP = st.lists(
    st.builds(
        lambda src, dst, seq, ack, flags, window, length: Segment(
            1, 1, src, dst, seq, ack, Flags(flags), window, b"x" * length, length
        ),
        ENDPOINTS, ENDPOINTS, NUMBERS, NUMBERS, st.integers(0, 31), st.integers(0, 2), st.integers(0, 3),
    ),
    max_size=25,
)  # fmt: skip


@given(SOUP)
def test_any_segments_at_all_can_be_told_apart_and_inferred(soup: list[Segment]) -> None:
    segments = renumbered(soup)
    found = conversations(segments)
    assert sorted(segment.number for each in found for segment in each.segments) == [
        segment.number for segment in segments
    ]
    for conversation in found:
        assert [each.segment for each in infer(conversation)] == list(conversation.segments)
        assert set(conversation.retransmissions) <= set(conversation.segments)
        assert len(conversation.handshake) <= 4
        assert conversation.close_segments in {None, 3, 4}
        for one, following in zip(stays := durations(conversation), stays[1:], strict=False):
            assert one.until_ns in {None, following.from_ns}
        for segment in conversation.segments:
            conversation.acknowledges(segment)
            conversation.relative(segment)
