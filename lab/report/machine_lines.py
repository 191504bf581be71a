"""Lines of the drawing: round corners, tips of arrows, places on a line."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot
from typing import Final

from lab.report.machine_places import Point

_CORNER: Final = 10.0
_TIP: Final = (9.0, 4.0)
"""Length and half the width of an arrow's tip."""


def rounded(points: Sequence[Point]) -> str:
    """Return a line through points as the data of a path, its corners round."""
    parts = [f"M{points[0].x:g} {points[0].y:g}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(_CORNER, _length(before, corner) / 2, _length(corner, after) / 2)
        begin, end = _towards(corner, before, radius), _towards(corner, after, radius)
        parts.append(f"L{begin.x:g} {begin.y:g}Q{corner.x:g} {corner.y:g} {end.x:g} {end.y:g}")
    last = points[-1]
    parts.append(f"L{last.x:g} {last.y:g}")
    return "".join(parts)


def arrow_head(points: Sequence[Point]) -> str:
    """Return the tip at a line's end as the data of a path."""
    before, end = points[-2], points[-1]
    length, half = _TIP
    base = _towards(end, before, length)
    across = Point((end.y - base.y) / length * half, (base.x - end.x) / length * half)
    one, other = Point(base.x + across.x, base.y + across.y), Point(base.x - across.x, base.y - across.y)
    return f"M{end.x:g} {end.y:g}L{one.x:g} {one.y:g}L{other.x:g} {other.y:g}Z"


def badge_places(points: Sequence[Point], radius: float) -> tuple[Point, Point]:
    """Return where a first and a second mark stand on a line: near its begin; on a short line beside each other."""
    begin, after = points[0], points[1]
    first, apart = _towards(begin, after, radius + 7), 2 * radius + 2
    if _length(begin, after) > radius + 7 + 2 * apart:
        return first, _towards(begin, after, radius + 7 + apart)
    upright = begin.x == after.x
    return first, Point(first.x - apart, first.y) if upright else Point(first.x, first.y + apart)


def shifted(points: Sequence[Point], offset: float) -> tuple[Point, ...]:
    """Return a line moved aside, so that it can be seen beside itself."""
    return tuple(Point(point.x + offset, point.y + offset) for point in points)


def _towards(begin: Point, end: Point, distance: float) -> Point:
    share = distance / (_length(begin, end) or 1.0)
    return Point(begin.x + (end.x - begin.x) * share, begin.y + (end.y - begin.y) * share)


def _length(one: Point, other: Point) -> float:
    return hypot(other.x - one.x, other.y - one.y)
