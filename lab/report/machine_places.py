"""Where everything stands on the drawing of the TCP state machine: places by hand, transitions by the machine's table.

The client's usual way goes down at the left, the server's at the right, as in the timeline; CLOSED stands at the top,
where a connection begins, and once more at the bottom, where it ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

from lab.wire.state import State

WIDTH: Final = 960
HEIGHT: Final = 872
"""Of the machine itself; what is said below it comes on top."""
BOX: Final = (132, 44)
_LEFT, _MIDDLE, _RIGHT = 190, 480, 770


class Point(NamedTuple):
    """A place on the drawing."""

    x: float
    y: float


PLACES: Final[Mapping[State, Point]] = MappingProxyType(
    {
        State.CLOSED: Point(_MIDDLE, 84),
        State.LISTEN: Point(_RIGHT, 176),
        State.SYN_SENT: Point(_LEFT, 304),
        State.SYN_RECEIVED: Point(_RIGHT, 304),
        State.ESTABLISHED: Point(_MIDDLE, 418),
        State.FIN_WAIT_1: Point(_LEFT, 548),
        State.CLOSE_WAIT: Point(_RIGHT, 548),
        State.FIN_WAIT_2: Point(_LEFT, 688),
        State.CLOSING: Point(_MIDDLE, 688),
        State.LAST_ACK: Point(_RIGHT, 688),
        State.TIME_WAIT: Point(_LEFT, 828),
    }
)
"""The middle of each state's box."""
END: Final = Point(_RIGHT, 828)
"""CLOSED once more."""


class Anchor(NamedTuple):
    """Where a text stands: its point, and which end of it is there (`start`, `middle`, `end`)."""

    at: Point
    end: str


@dataclass(frozen=True, slots=True)
class Route:
    """How a line goes from a box to another, and where each of its events is named, in the order of the table.

    `crossed` ends in a cross that stands for CLOSED, in place of a long line: nearly every state can be reset.
    """

    points: tuple[Point, ...]
    texts: tuple[Anchor, ...]
    crossed: bool = False


def _route(points: tuple[tuple[float, float], ...], *texts: tuple[float, float, str]) -> Route:
    return Route(tuple(Point(*each) for each in points), tuple(Anchor(Point(x, y), end) for x, y, end in texts))


def _stub(begin: tuple[float, float], end: tuple[float, float], first: tuple[float, float], anchor: str) -> Route:
    texts = tuple(Anchor(Point(first[0], first[1] + 15 * number), anchor) for number in range(3))
    return Route((Point(*begin), Point(*end)), texts, crossed=True)


def _outside(state: State) -> Route:
    """A stub that leaves a state of the left or the right column to the outside."""
    at = PLACES[state]
    side, anchor = (-1, "end") if at.x < _MIDDLE else (1, "start")
    edge = at.x + side * BOX[0] / 2
    return _stub((edge, at.y), (edge + side * 36, at.y), (edge + side * 46, at.y - 11), anchor)


ROUTES: Final[Mapping[tuple[State, State], Route]] = MappingProxyType(
    {
        # Opening
        (State.CLOSED, State.LISTEN): _route(((546, 74), (792, 74), (792, 154)), (668, 67, "middle")),
        (State.LISTEN, State.CLOSED): _route(((748, 154), (748, 96), (546, 96)), (646, 112, "middle")),
        (State.CLOSED, State.SYN_SENT): _route(((414, 74), (150, 74), (150, 282)), (282, 67, "middle")),
        (State.SYN_SENT, State.CLOSED): Route(
            (Point(188, 282), Point(188, 96), Point(414, 96)), (Anchor(Point(302, 112), "middle"),)
        ),
        (State.LISTEN, State.SYN_SENT): _route(((704, 176), (228, 176), (228, 282)), (466, 169, "middle")),
        (State.LISTEN, State.SYN_RECEIVED): _route(((748, 198), (748, 282)), (740, 245, "end")),
        (State.SYN_RECEIVED, State.LISTEN): _route(((792, 282), (792, 198)), (800, 245, "start")),
        (State.SYN_SENT, State.SYN_RECEIVED): _route(((256, 296), (704, 296)), (480, 289, "middle")),
        (State.SYN_SENT, State.ESTABLISHED): _route(((190, 326), (190, 418), (414, 418)), (272, 411, "middle")),
        (State.SYN_RECEIVED, State.ESTABLISHED): _route(
            ((742, 326), (742, 418), (546, 418)), (644, 411, "middle"), (644, 434, "middle")
        ),
        # Closing
        (State.SYN_RECEIVED, State.FIN_WAIT_1): _route(
            ((704, 314), (356, 314), (356, 478), (222, 478), (222, 526)), (624, 330, "middle")
        ),
        (State.SYN_RECEIVED, State.CLOSE_WAIT): _route(((800, 326), (800, 526)), (808, 440, "start")),
        (State.ESTABLISHED, State.FIN_WAIT_1): _route(((460, 440), (460, 534), (256, 534)), (372, 527, "middle")),
        (State.ESTABLISHED, State.CLOSE_WAIT): _route(((500, 440), (500, 534), (704, 534)), (604, 527, "middle")),
        (State.FIN_WAIT_1, State.FIN_WAIT_2): _route(((190, 570), (190, 666)), (182, 622, "end")),
        (State.FIN_WAIT_1, State.CLOSING): _route(((256, 549), (480, 549), (480, 666)), (488, 614, "start")),
        (State.FIN_WAIT_1, State.TIME_WAIT): _route(
            ((256, 563), (300, 563), (300, 768), (226, 768), (226, 806)), (308, 648, "start")
        ),
        (State.FIN_WAIT_2, State.TIME_WAIT): _route(((170, 710), (170, 806)), (162, 762, "end")),
        (State.CLOSING, State.TIME_WAIT): _route(((480, 710), (480, 820), (256, 820)), (488, 762, "start")),
        (State.CLOSE_WAIT, State.LAST_ACK): _route(((770, 570), (770, 666)), (778, 622, "start")),
        (State.LAST_ACK, State.CLOSED): _route(((770, 710), (770, 806)), (778, 762, "start")),
        (State.TIME_WAIT, State.CLOSED): _route(((256, 838), (704, 838)), (592, 831, "middle")),
        # Nothing changes
        (State.CLOSED, State.CLOSED): _route(
            ((456, 62), (456, 34), (504, 34), (504, 62)), (514, 34, "start"), (514, 50, "start")
        ),
        (State.LISTEN, State.LISTEN): _route(
            ((836, 162), (868, 162), (868, 190), (836, 190)), (878, 172, "start"), (878, 188, "start")
        ),
    }
)
"""The lines between states, by where they begin and end."""
STUBS: Final[Mapping[State, Route]] = MappingProxyType(
    {
        State.SYN_SENT: _outside(State.SYN_SENT),
        State.SYN_RECEIVED: _outside(State.SYN_RECEIVED),
        State.ESTABLISHED: _stub((480, 396), (480, 360), (492, 346), "start"),
        State.FIN_WAIT_1: _outside(State.FIN_WAIT_1),
        State.FIN_WAIT_2: _outside(State.FIN_WAIT_2),
        State.CLOSE_WAIT: _outside(State.CLOSE_WAIT),
        State.CLOSING: _stub((546, 688), (582, 688), (592, 677), "start"),
        State.LAST_ACK: _outside(State.LAST_ACK),
        State.TIME_WAIT: _outside(State.TIME_WAIT),
    }
)
"""How each state is left by a reset, or when its end gives up."""
