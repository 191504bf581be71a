"""What is read by columns is what is read one by one, whatever the capture holds."""

from __future__ import annotations

import mmap
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from struct import pack

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lab.wire.capture import Capture, CaptureError, parse_capture
from lab.wire.columns.conversations import read_conversations
from lab.wire.columns.reading import read_columns
from lab.wire.columns.segments import SegmentColumns
from lab.wire.columns.views import views
from lab.wire.conversation import conversations
from lab.wire.reading import read_capture
from lab.wire.reading import read_conversations as read_conversations_of
from lab.wire.segment import Endpoint, Flags, Segment
from tests.unit.wire.both_ways import pcap_of, told_by_columns, told_one_by_one
from tests.unit.wire.test_capture import file_of, ipv4, ipv6
from tests.unit.wire.test_properties import CLIENT, ISNS, NEAR_THE_WRAP, PLANS, SERVER, SOUP, Plan, Talk, renumbered

FIXTURES = Path(__file__).parents[2] / "fixtures"
Step = tuple[str, Endpoint, int]
CAPTURES = sorted(FIXTURES.rglob("*.pcap"))


def read(reader: Callable[..., Capture | SegmentColumns], data: bytes) -> object:
    """All that a reader tells of a file, or how it refuses it."""
    try:
        found = reader(data, where="x")
    except CaptureError as error:
        return error.code, error.params
    return list(found.segments if isinstance(found, Capture) else found), *(
        (found.frames, found.skipped, found.linktype, found.nanosecond)
    )


def assert_alike(data: bytes) -> None:
    """Segments and conversations are the same both ways."""
    assert read(read_columns, data) == read(parse_capture, data)
    segments = read_columns(data, where="x")
    found = read_conversations(segments)
    assert told_by_columns(found) == [told_one_by_one(each) for each in conversations(list(segments))]


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_recorded_capture_reads_alike(path: Path) -> None:
    assert_alike(path.read_bytes())


LINKS = {1: (bytes(12), b""), 0: (b"", b""), 101: (b"", b""), 113: (bytes(14), b""), 276: (b"", bytes(18))}
"""What stands before and behind the type in each link type's header."""


@st.composite
def frames(draw: st.DrawFn) -> tuple[int, bytes]:
    """A frame of some link type that holds nearly always a TCP segment, wrapped in one of many ways."""
    linktype = draw(st.sampled_from(sorted(LINKS)))
    numbers = draw(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**16 - 1)))
    words = draw(st.sampled_from([5, 5, 5, 8, 15, 4, 0])) << 12 | draw(st.integers(0, 0xFFF))
    ports = draw(st.tuples(st.sampled_from([8000, 9]), st.sampled_from([8000, 40000])))
    body = pack(">HHIIHHHH", *ports, *numbers[:2], words, 500, numbers[2], 0) + draw(st.binary(max_size=50))
    version = draw(st.sampled_from([4, 4, 6]))
    if version == 4:
        packet = ipv4(
            body,
            options=draw(st.sampled_from([b"", b"", b"\x01" * 8])),
            fragment=draw(st.sampled_from([0, 0, 0, 0x2000, 0x4000, 0x2001, 1])),
            protocol=draw(st.sampled_from([6, 6, 6, 17])),
            total=draw(st.sampled_from([None, None, None, 0, 19, 44, 60, 60000])),
        )
    elif draw(st.booleans()):
        packet = ipv6(body, following=draw(st.sampled_from([6, 6, 6, 17, 44])))
    else:
        packet = ipv6(b"\x06\x00" + bytes(6) + body, following=draw(st.sampled_from([0, 44, 60])))
    ethertype = pack(">H", draw(st.sampled_from([{4: 0x0800, 6: 0x86DD}[version]] * 6 + [0x0806])))
    if linktype == 0:
        family = draw(st.sampled_from([2] if version == 4 else [10, 24, 28, 30])).to_bytes(
            4, draw(st.sampled_from(["little", "big"]))
        )
        return linktype, family + packet
    if linktype == 101:
        return linktype, packet
    tags = draw(st.sampled_from([(), (), (0x8100,), (0x88A8,), (0x88A8, 0x8100)]))
    types = b"".join(pack(">HH", tag, 7) for tag in tags) + ethertype
    before, behind = LINKS[linktype]
    return linktype, before + types[:2] + behind + types[2:] + packet


@given(
    st.lists(frames(), min_size=1, max_size=12),
    st.sampled_from("<>"),
    st.sampled_from([0, 1]),
    st.integers(30, 200),
    st.data(),
)
def test_frames_of_every_kind_read_alike(
    some: list[tuple[int, bytes]], order: str, nano: int, snap: int, data: st.DataObject
) -> None:
    linktype = some[0][0]
    whole = file_of(
        *(frame for kind, frame in some if kind == linktype), linktype=linktype, order=order, nano=bool(nano), snap=snap
    )
    assert_alike(whole)
    cut = data.draw(st.integers(0, len(whole)))
    assert read(read_columns, whole[:cut]) == read(parse_capture, whole[:cut])
    place, value = data.draw(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)))
    damaged = whole[:place] + bytes([value]) + whole[place + 1 :]
    assert read(read_columns, damaged) == read(parse_capture, damaged)


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


def test_a_segment_takes_the_bytes_that_are_stated() -> None:
    segments = read_columns((FIXTURES / "captures" / "transfer.pcap").read_bytes(), where="x")
    by_segment = [value for value in vars(segments).values() if getattr(value, "shape", None) == (len(segments),)]
    assert sum(each.itemsize for each in by_segment) == 53
    found = read_conversations(segments)
    by_place = [value for value in vars(found).values() if getattr(value, "shape", None) == (len(segments),)]
    assert sum(each.itemsize for each in by_place) == 16


def test_a_mapped_file_is_read_as_its_bytes_and_keeps_the_payload() -> None:
    path = FIXTURES / "captures" / "transfer.pcap"
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        segments = read_columns(mapped, where="x")
        assert list(segments) == list(parse_capture(path.read_bytes(), where="x").segments)
        assert segments[-1] == segments[len(segments) - 1]


def work(act: Callable[[], object]) -> int:
    """How many calls of functions it takes, Python's and those in C."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        act()
    finally:
        sys.setprofile(before)
    return calls


def segment(src: Endpoint, seq: int, ack: int, flags: Flags, length: int = 0) -> Segment:
    return Segment(1, 1, src, SERVER if src == CLIENT else CLIENT, seq % 2**32, ack % 2**32, flags, 500, b"", length)


def both(data: bytes) -> None:
    read_conversations(read_columns(data, where="x"))


def many_syns(count: int) -> list[Segment]:
    return [segment(CLIENT, number * 1000, 0, Flags.SYN) for number in range(count)]


def one_port_again_and_again(count: int) -> list[Segment]:
    found: list[Segment] = []
    for number in range(count // 3):
        talk = Talk(number * 5000, number * 7000)
        talk.open()
        found += talk.segments
    return found


def syns_with_old_numbers(count: int) -> list[Segment]:
    return [segment(CLIENT, number % 2 * 10**6 + number, 0, Flags.SYN) for number in range(count)]


def holes_filled_later(count: int) -> list[Segment]:
    talk = Talk(0, 0)
    talk.open()
    later = [segment(CLIENT, 1 + 20 * number, 1, Flags.ACK, 10) for number in range(count // 2)]
    filling = [segment(CLIENT, 11 + 20 * number, 1, Flags.ACK, 10) for number in reversed(range(count // 2))]
    return [*talk.segments, *later, *filling]


@pytest.mark.parametrize("made", [many_syns, one_port_again_and_again, syns_with_old_numbers, holes_filled_later])
def test_twice_the_segments_take_twice_the_work(made: Callable[[int], list[Segment]]) -> None:
    once, twice = (work(partial(both, pcap_of(renumbered(made(count))))) for count in (600, 1200))
    assert twice < 2.2 * once


@pytest.mark.parametrize(("made", "count"), [(many_syns, 300), (one_port_again_and_again, 100)])
def test_ports_used_again_are_told_by_columns(made: Callable[[int], list[Segment]], count: int) -> None:
    data = pcap_of(renumbered(made(300)))
    found = read_conversations(read_columns(data, where="x"))
    assert not found.exact.any()
    assert len(found) == count


def test_a_view_of_a_conversation_tells_what_the_conversation_does() -> None:
    for path in CAPTURES:
        segments = read_columns(path.read_bytes(), where="x")
        one_by_one = conversations(list(segments))
        found = views(segments)
        assert [told_one_by_one(each) for each in found] == [told_one_by_one(each) for each in one_by_one]
        assert [each.segments for each in found] == [each.segments for each in one_by_one]
        assert [each.first_closer for each in found] == [each.first_closer for each in one_by_one]


def test_a_large_capture_is_read_by_columns_and_a_small_one_is_not() -> None:
    small, large = (pcap_of(renumbered(many_syns(count))) for count in (9_999, 10_000))
    for data, by_columns in ((small, False), (large, True)):
        capture = read_capture(data, where="x")
        assert isinstance(capture.segments, SegmentColumns) == by_columns
        assert len(read_conversations_of(capture)) == capture.frames
    with pytest.raises(CaptureError, match="cut short within packet 10000"):
        read_capture(large[:-1], where="x")


def test_commands_that_read_no_large_recording_do_without_numpy(tmp_path: Path) -> None:
    run = FIXTURES / "runs" / "ex03"
    for words in (["list"], ["judge", str(run)]):
        told = subprocess.run(
            [sys.executable, "-c", "import sys; from lab.cli import main; main(sys.argv[1:]); print('numpy' in sys.modules)", *words],
            check=True, capture_output=True, text=True, cwd=tmp_path,
        )  # fmt: skip
        assert told.stdout.splitlines()[-1] == "False"
