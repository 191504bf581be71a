"""The drawing of the TCP state machine: every transition of the table and nothing else, nothing on top of another."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import combinations

import pytest
from rich.cells import cell_len

from lab.report.machine_paths import MachinePath, Taken, machine_paths
from lab.report.machine_places import BOX, END, HEIGHT, PLACES, ROUTES, STUBS, WIDTH, Point, Route
from lab.report.machine_svg import edges, machine_svg, routes
from lab.text.catalog import LANGUAGES, messages
from lab.timeline.model import Source, Timeline
from lab.wire.machine import TRANSITIONS, Event
from lab.wire.state import State
from tests.unit.report import timelines

SVG = "{http://www.w3.org/2000/svg}"
Box = tuple[float, float, float, float]


def tree(document: str) -> ET.Element:
    return ET.fromstring(document)  # noqa: S314 - our own


def of_class(root: ET.Element, name: str) -> list[ET.Element]:
    return [each for each in root.iter() if name in each.attrib.get("class", "").split()]


def drawn(timeline: Timeline, language: str = "en") -> ET.Element:
    return tree(machine_svg(machine_paths(timeline, timeline.talks[0]), language))


def all_routes() -> list[tuple[State, State, Route]]:
    return [
        (before, state, route)
        for (before, state), events in edges().items()
        for route, _ in routes(before, state, events)
    ]


def test_every_transition_of_the_table_is_drawn_and_nothing_else() -> None:
    root = tree(machine_svg((), "en"))
    told = [
        (State(each.attrib["data-from"]), Event[each.attrib["data-event"]], State(each.attrib["data-to"]))
        for each in of_class(root, "event")
    ]
    assert len(told) == len(set(told))
    assert set(told) == {(before, event, state) for (before, event), state in TRANSITIONS.items()}


def test_every_line_is_a_transitions_and_has_an_end() -> None:
    root = tree(machine_svg((), "en"))
    groups = [each for each in root.iter(f"{SVG}g") if "data-from" in each.attrib]
    assert {(each.attrib["data-from"], each.attrib["data-to"]) for each in groups} == {
        (before.value, state.value) for before, state in edges()
    }
    assert all(len(each) == 2 for each in groups)


def test_no_place_or_line_is_left_over() -> None:
    assert set(PLACES) == set(State)
    drawn_routes = {id(route) for _, _, route in all_routes()}
    assert {id(route) for route in (*ROUTES.values(), *STUBS.values())} == drawn_routes


def test_each_event_has_its_place_beside_its_line() -> None:
    for (before, state), events in edges().items():
        for route, told in routes(before, state, events):
            assert len(told) <= len(route.texts), (before, state)
            assert len(told) == len(route.texts) or route.crossed, (before, state)


@pytest.mark.parametrize(
    ("before", "state", "route"), all_routes(), ids=lambda each: each if isinstance(each, State) else "line"
)
def test_a_line_begins_and_ends_at_its_boxes(before: State, state: State, route: Route) -> None:
    assert on_edge(route.points[0], [PLACES[before]])
    if not route.crossed:
        assert on_edge(route.points[-1], [PLACES[state], *([END] if state is State.CLOSED else [])])
    for one, other in zip(route.points, route.points[1:], strict=False):
        assert one.x == other.x or one.y == other.y, "upright or level"


def on_edge(point: Point, middles: list[Point]) -> bool:
    half = BOX[0] / 2, BOX[1] / 2
    return any(
        (abs(point.x - at.x) == half[0] and abs(point.y - at.y) <= half[1])
        or (abs(point.y - at.y) == half[1] and abs(point.x - at.x) <= half[0])
        for at in middles
    )


def box_of(at: Point, grown: float = 0) -> Box:
    width, height = BOX[0] / 2 + grown, BOX[1] / 2 + grown
    return at.x - width, at.y - height, at.x + width, at.y + height


def text_box(text: ET.Element) -> Box:
    """Return about the room that a text takes: a letter is half as wide as a Chinese character, 12 units high."""
    width = 6.2 * cell_len(text.text or "")
    x, y = float(text.attrib["x"]), float(text.attrib["y"])
    left = {"start": x, "middle": x - width / 2, "end": x - width}[text.attrib["text-anchor"]]
    return left, y - 9, left + width, y + 3


def meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_stands_on_something_else(language: str) -> None:
    texts = of_class(tree(machine_svg((), language)), "event")
    boxes = [box_of(at) for at in (*PLACES.values(), END)]
    assert [one for one, other in combinations(boxes, 2) if meet(one, other)] == []
    words = [(text.text, text_box(text)) for text in texts]
    assert [(one[0], other[0]) for one, other in combinations(words, 2) if meet(one[1], other[1])] == []
    assert [text for text, room in words if any(meet(room, box) for box in boxes)] == []
    assert [text for text, room in words if room[0] < 0 or room[2] > WIDTH or room[3] > HEIGHT] == []
    for before, state, route in all_routes():
        for one, other in zip(route.points, route.points[1:], strict=False):
            line = min(one.x, other.x), min(one.y, other.y), max(one.x, other.x), max(one.y, other.y)
            assert [text for text, room in words if meet(room, line)] == [], (before, state)
            around = [box_of(PLACES[each], -1) for each in PLACES]
            assert not any(meet(line, box) for box in around), (before, state)


def test_the_way_of_each_end_is_marked_and_numbered_in_its_order() -> None:
    root = drawn(timelines.one_client())
    steps = {each.attrib["data-step"]: each.text for each in of_class(root, "number")}
    assert steps == {f"{role}-{n}": str(n) for role in ("client", "server") for n in range(1, 6)}
    ways = [
        [(each.attrib["data-from"], each.attrib["data-to"]) for each in of_class(root, f"taken-by-{role}")]
        for role in ("client", "server")
    ]
    assert ways == [
        [("UNCONN", "SYN-SENT"), ("SYN-SENT", "ESTAB"), ("ESTAB", "FIN-WAIT-1"), ("FIN-WAIT-1", "FIN-WAIT-2"),
         ("FIN-WAIT-2", "TIME-WAIT")],
        [("LISTEN", "SYN-RECV"), ("SYN-RECV", "ESTAB"), ("ESTAB", "CLOSE-WAIT"), ("CLOSE-WAIT", "LAST-ACK"),
         ("LAST-ACK", "UNCONN")],
    ]  # fmt: skip
    assert len(of_class(root, "inferred")) == 1, "the birth of SYN-RECV"


def test_what_happened_on_the_way_stands_out() -> None:
    taken = [each.attrib["data-event"] for each in of_class(drawn(timelines.one_client()), "taken")]
    assert sorted(taken) == sorted([
        "SEND_SYN", "RECEIVE_SYN_ACK", "SEND_FIN", "RECEIVE_ACK_OF_FIN", "RECEIVE_FIN",
        "RECEIVE_SYN", "RECEIVE_ACK_OF_SYN", "RECEIVE_FIN", "SEND_FIN", "RECEIVE_ACK_OF_FIN",
    ])  # fmt: skip


def test_the_end_is_the_lower_of_the_two_places_of_closed() -> None:
    rings = [
        (each.attrib["class"], float(each.attrib["x"]) + float(each.attrib["width"]) / 2,
         float(each.attrib["y"]) + float(each.attrib["height"]) / 2)
        for each in of_class(drawn(timelines.one_client()), "ring")
    ]  # fmt: skip
    assert ("ring server", *END) in rings
    assert ("ring client", *PLACES[State.CLOSED]) in rings
    assert ("ring server", *PLACES[State.CLOSED]) not in rings


def test_a_reset_ends_at_a_cross_and_tells_who_sent_it() -> None:
    timeline = timelines.troubled()
    client, server = machine_paths(timeline, timeline.talks[0])
    assert client.steps[-1] == Taken(State.ESTABLISHED, State.CLOSED, Event.RECEIVE_RST, observed=False)
    assert server.steps[-1] == Taken(State.ESTABLISHED, State.CLOSED, Event.SEND_RST, observed=False)
    root = drawn(timeline)
    assert {"RECEIVE_RST", "SEND_RST"} <= {each.attrib["data-event"] for each in of_class(root, "taken")}
    assert not [
        each for each in of_class(root, "ring") if each.attrib["class"] == "ring server" and "84" in each.attrib["y"]
    ]


def test_both_ends_on_one_line_are_beside_each_other() -> None:
    step = Taken(State.ESTABLISHED, State.CLOSED, None, observed=True)
    root = tree(machine_svg([MachinePath("client", (step,)), MachinePath("server", (step,))], "en"))
    one, other = (of_class(root, f"taken-by-{role}")[0][0].attrib["d"] for role in ("client", "server"))
    assert one != other
    badges = {(each.attrib["cx"], each.attrib["cy"]) for each in of_class(root, "badge")}
    assert len(badges) == 2


def test_transitions_that_nobody_told_are_filled_in_as_not_observed() -> None:
    score = timelines.Score()
    score.talk("a", 1)
    score.segment(">", 0, "S", 0)
    score.state("client", 10, "SYN-SENT", "UNCONN")
    score.state("client", 20, "FIN-WAIT-2", "ESTAB")
    timeline = score.timeline()
    steps = machine_paths(timeline, timeline.talks[0])[0].steps
    assert [(step.state, step.observed) for step in steps] == [
        (State.SYN_SENT, True), (State.ESTABLISHED, False), (State.FIN_WAIT_1, False), (State.FIN_WAIT_2, True),
    ]  # fmt: skip


def test_a_state_told_twice_is_one_step() -> None:
    score = timelines.Score()
    score.talk("a", 1)
    syn = score.segment(">", 0, "S", 0)
    score.state("server", 10, "SYN-RECV", "LISTEN", source=Source.INFERRED, cause=syn)
    score.state("server", 20, "SYN-RECV", "LISTEN", cause=syn)
    timeline = score.timeline()
    (step,) = machine_paths(timeline, timeline.talks[0])[1].steps
    assert (step.before, step.state) == (State.LISTEN, State.SYN_RECEIVED)


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_told_in_words_too(language: str) -> None:
    root = drawn(timelines.one_client(), language)
    words = messages(language)
    said = [each.text or "" for each in of_class(root, "said")]
    assert said[0].endswith("CLOSED → SYN-SENT → ESTAB → FIN-WAIT-1 → FIN-WAIT-2 → TIME-WAIT")
    about = root.findtext(f"{SVG}desc") or ""
    assert all(way in about for way in said)
    assert root.findtext(f"{SVG}title") == words.get("report.machine.title")
    assert words.get("report.machine.inferred") in [each.text for each in root.iter(f"{SVG}text")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_light_or_dark_needs_nothing_from_elsewhere_and_brings_no_id(language: str) -> None:
    timeline = timelines.one_client()
    document = machine_svg(machine_paths(timeline, timeline.talks[0]), language)
    assert "prefers-color-scheme:dark" in document
    assert re.findall(r"https?://[^\"]*", document) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"url\(|@import|href|\bid=", document)
    rules = re.findall(r"^([^\s@{].*?)\{", document.split("<style>")[1].split("</style>")[0], flags=re.MULTILINE)
    assert rules
    assert all(part.startswith(".tcp-machine") for rule in rules for part in rule.split(","))


def steps_of(score: timelines.Score) -> tuple[Taken, Taken]:
    """Return the last step of the client and of the server."""
    timeline = score.timeline()
    client, server = machine_paths(timeline, timeline.talks[0])
    return client.steps[-1], server.steps[-1]


def test_a_half_open_request_that_was_given_up_sent_no_reset_and_its_client_got_one() -> None:
    score = timelines.Score()
    a = score.talk("a", 1)
    connect = score.call("client", 0, 60, "connect(3)", 0, talk=a)
    score.state("client", 5, "SYN-SENT", "UNCONN", cause=connect)
    syn = score.segment(">", 10, "S", 0, cause=connect)
    score.state("server", 18, "SYN-RECV", "LISTEN", source=Source.SS, cause=syn)
    answer = score.segment("<", 20, "S.", 0, 1, cause=syn)
    score.state("client", 30, "ESTAB", "SYN-SENT", cause=answer)
    score.state("server", 3_000_000, "UNCONN", "SYN-RECV", source=Source.SS)
    sent = score.segment(">", 3_500_000, "P.", 1, 1, b"hello")
    reset = score.segment("<", 3_500_020, "R", 1, cause=sent)
    score.state("client", 3_500_030, "UNCONN", "ESTAB", cause=reset)
    client, server = steps_of(score)
    assert client == Taken(State.ESTABLISHED, State.CLOSED, Event.RECEIVE_RST, observed=True)
    assert server == Taken(State.SYN_RECEIVED, State.CLOSED, Event.TIMEOUT_RETRIES, observed=True)


def test_without_evidence_no_event_is_told() -> None:
    score = timelines.Score()
    score.talk("a", 1)
    score.segment(">", 0, "S", 0)
    score.state("client", 5, "SYN-SENT", "UNCONN")
    score.state("client", 900, "UNCONN", "SYN-SENT")
    score.state("server", 10, "ESTAB", "SYN-RECV")
    score.state("server", 900, "UNCONN", "ESTAB")
    client, server = steps_of(score)
    assert (client.event, server.event) == (None, None)


def test_a_half_open_request_whose_listener_ended_was_not_given_up() -> None:
    score = timelines.Score()
    score.talk("a", 1)
    syn = score.segment(">", 0, "S", 0)
    score.state("server", 10, "SYN-RECV", "LISTEN", source=Source.SS, cause=syn)
    score.state("server", 900, "UNCONN", "LISTEN", talk=None)
    score.state("server", 900, "UNCONN", "SYN-RECV", source=Source.SS)
    score.state("client", 5, "SYN-SENT", "UNCONN")
    assert steps_of(score)[1].event is None


def test_an_end_that_aborts_sends_the_reset_of_the_same_cause() -> None:
    score = timelines.Score()
    a = score.talk("a", 1)
    close = score.call("server", 0, 20, "close(4)", 0, talk=a)
    score.state("server", 5, "UNCONN", "ESTAB", cause=close)
    score.segment("<", 8, "R.", 1, 1, cause=close)
    score.state("client", 20, "SYN-SENT", "UNCONN")
    assert steps_of(score)[1] == Taken(State.ESTABLISHED, State.CLOSED, Event.SEND_RST, observed=True)
