"""Conversations and their facts are the same by columns and one by one, whatever the segments."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from lab.wire.columns.conversations import read_conversations
from lab.wire.columns.reading import read_columns
from lab.wire.segment import Endpoint, Flags, Segment
from tests.unit.wire.both_ways import assert_alike, pcap_of
from tests.unit.wire.test_properties import CLIENT, ISNS, NEAR_THE_WRAP, PLANS, SERVER, SOUP, Plan, renumbered


class Course:
    """Connections of one pair of endpoints, one after another; `step` adds a segment that is right, or nearly so."""

    def __init__(self, isns: tuple[int, int]) -> None:
        self.segments: list[Segment] = []
        self.next = {CLIENT: isns[0], SERVER: isns[1]}

    def send(self, src: Endpoint, flags: Flags, length: int = 0, *, seq: int = 0, ack: int = 0) -> None:
        """Send from where the end has come to; `seq` and `ack` are how far off the numbers are."""
        dst = SERVER if src == CLIENT else CLIENT
        at, number = self.next[src], len(self.segments) + 1
        acknowledged = (self.next[dst] + ack) % 2**32 if flags & ACK else 0
        self.segments.append(
            Segment(1, 1, src, dst, (at + seq) % 2**32, acknowledged, flags, 500, b"", length, b"", number % 100)
        )
        if not seq and not flags & RST:
            self.next[src] = (at + length + bool(flags & SYN) + bool(flags & FIN)) % 2**32

    def step(self, what: str, src: Endpoint, much: int) -> None:
        """Do one of `RIGHT` or `ODD`."""
        if what == "open":
            self.next = {end: (number + much) % 2**32 for end, number in self.next.items()}
            self.send(CLIENT, SYN)
            self.send(SERVER, SYN | ACK)
            self.send(CLIENT, ACK)
        elif what == "close":
            self.send(src, FIN | ACK)
            self.send(SERVER if src == CLIENT else CLIENT, FIN | ACK)
            self.send(src, ACK)
        elif what == "refuse":
            self.next = {end: (number + much) % 2**32 for end, number in self.next.items()}
            self.send(CLIENT, SYN)
            self.segments.append(Segment(1, 1, SERVER, CLIENT, 0, self.next[CLIENT], RST | ACK, 0, b"", 0))
        elif what in {"again", "copy"} and self.segments:
            one = self.segments[-1 - much % min(5, len(self.segments))]
            self.segments.append(one if what == "copy" else one._replace(ip_id=len(self.segments) % 100))
        elif what == "late" and self.segments:
            self.segments.append(self.segments[much % len(self.segments)]._replace(ip_id=0))
        elif what in LETTERS:
            self.send(src, LETTERS[what], 1 + much % 3 if "P" in what else much % 7 // 6)
        elif what in {"seq off", "ack off"}:
            off = (-1, 1, -3, 3, 1 << 28, 1 << 30, -(1 << 30), 1 << 31)[much % 8]
            flags = (ACK, RST, RST | ACK, FIN | ACK, SYN | ACK, SYN)[much // 8 % 6]
            self.send(src, flags, much % 3, **{what[:3]: off})


Step = tuple[str, Endpoint, int]
ACK, SYN, FIN, RST = Flags.ACK, Flags.SYN, Flags.FIN, Flags.RST
LETTERS = {
    ".": ACK, "P.": ACK | Flags.PSH, "P": Flags.PSH, "F.": FIN | ACK, "R.": RST | ACK, "R": RST, "S": SYN,
    "S.": SYN | ACK, "SF": SYN | FIN, "SR": SYN | RST, "FR": FIN | RST | ACK, "": Flags(0),
}  # fmt: skip
RIGHT = ["open", "open", "close", "refuse", ".", "P.", "P.", "F."]
ODD = ["again", "copy", "late", "seq off", "ack off", *LETTERS]
MUCH = st.one_of(st.integers(0, 8), st.integers(0, 100), st.sampled_from([1000, 1 << 28, 1 << 31, (1 << 32) - 2]))
STEPS = st.tuples(st.sampled_from(RIGHT), st.sampled_from([CLIENT, SERVER]), MUCH)
ODD_STEPS = st.tuples(st.sampled_from(ODD), st.sampled_from([CLIENT, SERVER]), MUCH)


@settings(max_examples=400)
@given(
    st.tuples(ISNS, ISNS),
    st.lists(STEPS, max_size=4),
    ODD_STEPS,
    st.lists(STEPS, max_size=3),
    st.sampled_from([0, 0, 1]),
)
def test_conversations_of_one_pair_of_endpoints_are_told_alike(
    isns: tuple[int, int], before: list[Step], odd: Step, after: list[Step], again: int
) -> None:
    course = Course(isns)
    for step in (("open", CLIENT, 0), *before, odd, *after, *[odd] * again):
        course.step(*step)
    assert_alike(pcap_of(renumbered(course.segments)))


@settings(max_examples=300)
@given(
    st.lists(STEPS, max_size=3),
    st.tuples(st.integers(-8, 8), st.integers(-8, 8)),
    st.lists(STEPS, max_size=5),
    st.data(),
)
def test_late_segments_of_ports_used_again_are_told_alike(
    before: list[Step], gaps: tuple[int, int], after: list[Step], data: st.DataObject
) -> None:
    course = Course((1000, 5000))
    for step in (("open", CLIENT, 0), *before):
        course.step(*step)
    old, known = list(course.segments), len(course.segments)
    course.next = {CLIENT: course.next[CLIENT] + gaps[0], SERVER: course.next[SERVER] + gaps[1]}
    for step in (("open", CLIENT, 0), *after):
        course.step(*step)
    late = data.draw(st.sampled_from(old))
    flags = data.draw(st.sampled_from([late.flags, RST, ACK]))
    length = 0 if flags != late.flags else late.length
    place = data.draw(st.integers(known + 1, len(course.segments)))
    course.segments.insert(
        place, late._replace(flags=flags, length=length, ack=late.ack if flags & ACK else 0, ip_id=0)
    )
    assert_alike(pcap_of(renumbered(course.segments)))


@settings(max_examples=400)
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(LETTERS)), st.booleans(), st.integers(0, 4), st.integers(0, 4)), max_size=8
    )
)
def test_a_few_segments_with_small_numbers_are_told_alike(some: list[tuple[str, bool, int, int]]) -> None:
    ends = CLIENT, SERVER
    segments = [
        Segment(1, 1, ends[back], ends[not back], seq, ack, LETTERS[what], 500, b"", seq % 2)
        for what, back, seq, ack in some
    ]
    assert_alike(pcap_of(renumbered(segments)))


@given(st.lists(st.tuples(PLANS, ISNS, ISNS, st.integers(1, 5)), min_size=1, max_size=5), st.randoms())
def test_conversations_side_by_side_are_told_by_columns_and_alike(
    plans: list[tuple[Plan, int, int, int]], random: object
) -> None:
    flows: list[list[Segment]] = []
    for port, (plan, *isns, _) in enumerate(plans):
        ends = {CLIENT: Endpoint("10.99.1.101", 40000 + port), SERVER: SERVER}
        if port % 2:
            ends = {CLIENT: Endpoint("fd99::1", 40000 + port), SERVER: Endpoint("fd99::2", 8000)}
        flows.append([each._replace(src=ends[each.src], dst=ends[each.dst]) for each in plan.play(*isns).segments])
    turns = [port for port, flow in enumerate(flows) for _ in flow]
    random.shuffle(turns)  # type: ignore[attr-defined]
    data = pcap_of(renumbered([flows[port].pop(0) for port in turns]))
    assert_alike(data)
    assert not read_conversations(read_columns(data, where="x")).exact.any()


@given(SOUP)
@example([])
def test_any_segments_at_all_are_told_alike(soup: list[Segment]) -> None:
    assert_alike(pcap_of(renumbered(soup)))


REFUSALS = st.lists(
    st.tuples(st.sampled_from(["S", "S.", "R.", "R", "again", "."]), NEAR_THE_WRAP, st.booleans()), max_size=12
)


@given(REFUSALS)
def test_openings_that_are_refused_repeated_or_left_unanswered_are_told_alike(
    some: list[tuple[str, int, bool]],
) -> None:
    segments: list[Segment] = []
    isn = 0
    letters = {"S": Flags.SYN, "S.": Flags.SYN | Flags.ACK, "R.": Flags.RST | Flags.ACK, "R": Flags.RST, ".": Flags.ACK}
    for what, number, known in some:
        if what in {"S", "again", "."}:
            isn = number if what == "S" else isn
            flags = letters.get(what, Flags.SYN)
            segments.append(Segment(1, 1, CLIENT, SERVER, isn + (what == "."), number, flags, 1, b"", 0))
        else:
            ack = (isn + known) % 2**32
            segments.append(Segment(1, 1, SERVER, CLIENT, 0 if what == "R." else number, ack, letters[what], 1, b"", 0))
    assert_alike(pcap_of(renumbered([each._replace(seq=each.seq % 2**32) for each in segments])))
