"""The TCP state machine as a drawing (SVG), with the ways that a connection's two ends took marked and numbered on it.

Light or dark as its surroundings are; it needs nothing from elsewhere, and has no id: a page may hold several.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from lab.report.lanes.marks import state_name
from lab.report.machine_lines import arrow_head, badge_places, rounded, shifted
from lab.report.machine_paths import MachinePath, Taken
from lab.report.machine_places import BOX, END, HEIGHT, PLACES, ROUTES, STUBS, WIDTH, Anchor, Point, Route
from lab.report.markup import escape
from lab.text.catalog import Catalog, messages
from lab.wire.machine import TRANSITIONS, Event
from lab.wire.state import State

_NAMES: Final = ("paper", "box", "ink", "dim", "line", "client", "server")


def _colours(*values: str) -> str:
    return ";".join(f"--{name}:{value}" for name, value in zip(_NAMES, values, strict=True))


_LIGHT: Final = _colours("#fff", "#f6f8fa", "#1f2328", "#59636e", "#9aa4ae", "#0969da", "#bc4c00")
_DARK: Final = _colours("#0d1117", "#161b22", "#e6edf3", "#9198a1", "#57606a", "#58a6ff", "#f0883e")
_STYLE: Final = f"""
.tcp-machine{{{_LIGHT}}}
@media (prefers-color-scheme:dark){{.tcp-machine{{{_DARK}}}}}
.tcp-machine text{{font:12px system-ui,sans-serif;fill:var(--dim)}}
.tcp-machine .paper{{fill:var(--paper)}}
.tcp-machine .box{{fill:var(--box);stroke:var(--line);stroke-width:1.25}}
.tcp-machine .name{{font:600 14px ui-monospace,monospace;fill:var(--ink)}}
.tcp-machine .edge{{fill:none;stroke:var(--line);stroke-width:1.25}}
.tcp-machine .tip{{fill:var(--line)}}
.tcp-machine .client{{stroke:var(--client)}}
.tcp-machine .server{{stroke:var(--server)}}
.tcp-machine .way,.tcp-machine .ring{{fill:none;stroke-width:3}}
.tcp-machine .inferred{{stroke-dasharray:6 5}}
.tcp-machine .badge.client{{fill:var(--client);stroke:var(--paper)}}
.tcp-machine .badge.server{{fill:var(--server);stroke:var(--paper)}}
.tcp-machine .tip.client{{fill:var(--client);stroke:none}}
.tcp-machine .tip.server{{fill:var(--server);stroke:none}}
.tcp-machine .number{{font:700 11px system-ui,sans-serif;fill:var(--paper)}}
.tcp-machine .taken{{fill:var(--ink);font-weight:600}}
.tcp-machine .said.client{{fill:var(--client);stroke:none;font-weight:600}}
.tcp-machine .said.server{{fill:var(--server);stroke:none;font-weight:600}}
"""
_RING: Final = {"client": 0, "server": 4}
"""How far outside its box each end's ring is: both are to be seen where both ends were."""
_BADGE: Final = 9
_NAMESPACE: Final = "http://www.w3.org/2000/svg"
_CROSS: Final = 5
_BELOW: Final = 20
Edge = tuple[State, State]


def machine_svg(paths: Sequence[MachinePath], language: str) -> str:
    """Return the drawing as an SVG element; without paths nothing is marked. `language` is one of the catalog's."""
    words = messages(language)
    said = [each for each in paths if each.steps]
    below = [*_said(said, words)]
    height = HEIGHT + _BELOW * len(below) + (10 if below else 0)
    title, about = words.get("report.machine.title"), _about(said, words)
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    return "\n".join(
        (
            f'<svg xmlns="{_NAMESPACE}" class="tcp-machine" {size} role="img" lang="{language}">',
            f"<title>{escape(title)}</title>",
            f"<desc>{escape(about)}</desc>",
            f"<style>{_STYLE}</style>",
            f'<rect class="paper" width="{WIDTH}" height="{height}" rx="8"/>',
            *_edges(words, {(step.before, step.event, step.state) for path in said for step in path.steps}),
            *_ways(said),
            *_boxes(said),
            *_badges(said),
            *(_below(text, role, HEIGHT + _BELOW * number) for number, (role, text) in enumerate(below)),
            "</svg>",
            "",
        )
    )


def edges() -> Mapping[Edge, list[Event]]:
    """Return the events of the machine's table by the lines that they share."""
    found: dict[Edge, list[Event]] = {}
    for (before, event), state in TRANSITIONS.items():
        found.setdefault((before, state), []).append(event)
    return found


def routes(before: State, state: State, events: Sequence[Event]) -> Iterator[tuple[Route, list[Event]]]:
    """Yield the lines of an edge with the events that each tells: what ends at once has a short one of its own."""
    usual = ROUTES.get((before, state))
    told = [] if usual is None else [event for event in events if before is state or event not in _AT_ONCE]
    if usual is not None:
        yield usual, told
    rest = [event for event in events if event not in told]
    if rest:
        yield STUBS[before], rest


_AT_ONCE: Final = frozenset({Event.SEND_RST, Event.RECEIVE_RST, Event.TIMEOUT_RETRIES})


def _route(step: Taken) -> Route | None:
    """Return the line that a step was taken along, None for a step that the table does not have."""
    events = edges().get((step.before, step.state))
    if events is None:
        return None
    lines = [*routes(step.before, step.state, events)]
    return next((line for line, told in lines if step.event in told), lines[-1][0])


def _edges(words: Catalog, taken: set[tuple[State, Event | None, State]]) -> Iterator[str]:
    for (before, state), events in edges().items():
        for route, told in routes(before, state, events):
            ends = f'data-from="{before.value}" data-to="{state.value}"'
            yield f'<g {ends}><path class="edge" d="{rounded(route.points)}"/>{_end(route, "tip")}</g>'
            for anchor, event in zip(route.texts, told, strict=False):
                mark = " taken" if (before, event, state) in taken else ""
                text = words.get(f"report.map.event.{event.name}")
                yield _text(anchor, text, f'class="event{mark}" {ends} data-event="{event.name}"')


def _end(route: Route, kind: str, role: str = "") -> str:
    """Return what a line ends with: an arrow's tip, or the cross that stands for CLOSED."""
    if not route.crossed:
        return f'<path class="{kind}{role and " " + role}" d="{arrow_head(route.points)}"/>'
    (x, y), shape = route.points[-1], "M{0} {2}L{1} {3}M{0} {3}L{1} {2}"
    cross = shape.format(x - _CROSS, x + _CROSS, y - _CROSS, y + _CROSS)
    return f'<path class="{"way " + role if role else "edge"}" d="{cross}"/>'


def _ways(paths: Sequence[MachinePath]) -> Iterator[str]:
    """Yield the lines that were taken, beside each other where both ends took the same."""
    by_role = {path.role: {(step.before, step.state) for step in path.steps} for path in paths}
    for path in paths:
        for step in path.steps:
            route = _route(step)
            if route is None:
                continue
            shared = len(by_role) > 1 and all((step.before, step.state) in taken for taken in by_role.values())
            offset = 0 if not shared else -2.0 if path.role == "client" else 2.0
            line = Route(shifted(route.points, offset), (), route.crossed)
            dashed = "" if step.observed else " inferred"
            ends = f'data-from="{step.before.value}" data-to="{step.state.value}"'
            drawn = f'<path class="way {path.role}{dashed}" d="{rounded(line.points)}"/>'
            yield f'<g class="taken-by-{path.role}" {ends}>{drawn}{_end(line, "tip", path.role)}</g>'


def _boxes(paths: Sequence[MachinePath]) -> Iterator[str]:
    for state, at in [*PLACES.items(), (State.CLOSED, END)]:
        yield _rect(at, 0, "box")
        for path in paths:
            if _visits(path, state, at):
                yield _rect(at, _RING[path.role], f"ring {path.role}")
        kind = f'class="name" data-state="{state.value}"'
        yield _text(Anchor(Point(at.x, at.y + 5), "middle"), state_name(state), kind)


def _visits(path: MachinePath, state: State, at: Point) -> bool:
    """Tell whether an end was in a state; of the two places of CLOSED, it begins at one and ends at the other."""
    if state is not State.CLOSED:
        return any(state in (step.before, step.state) for step in path.steps)
    ends = {_ends_at(step) for step in path.steps if step.state is State.CLOSED}
    return END in ends if at == END else at in ends or any(step.before is State.CLOSED for step in path.steps)


def _ends_at(step: Taken) -> Point | None:
    """Return at which of its two places a step reaches CLOSED; None for a cross, which stands for both."""
    route = _route(step)
    if route is None or route.crossed:
        return None
    return min((PLACES[State.CLOSED], END), key=lambda place: abs(place.y - route.points[-1].y))


def _rect(at: Point, grown: int, kind: str) -> str:
    width, height = BOX[0] + 2 * grown, BOX[1] + 2 * grown
    place = f'x="{at.x - width / 2:g}" y="{at.y - height / 2:g}" width="{width}" height="{height}"'
    return f'<rect class="{kind}" {place} rx="{8 + grown}"/>'


def _badges(paths: Sequence[MachinePath]) -> Iterator[str]:
    """Yield the numbers of the steps, near where each leaves its box; two on one line stand one behind the other."""
    counts: dict[tuple[Point, ...], int] = {}
    for path in paths:
        for number, step in enumerate(path.steps, start=1):
            route = _route(step)
            if route is None:
                continue
            place = counts[route.points] = counts.get(route.points, -1) + 1
            at = badge_places(route.points, _BADGE)[min(place, 1)]
            yield f'<circle class="badge {path.role}" cx="{at.x:g}" cy="{at.y:g}" r="{_BADGE}"/>'
            kind = f'class="number" data-step="{path.role}-{number}"'
            yield _text(Anchor(Point(at.x, at.y + 4), "middle"), str(number), kind)


def _said(paths: Sequence[MachinePath], words: Catalog) -> Iterator[tuple[str, str]]:
    for path in paths:
        yield path.role, _way(path, words)
    if any(not step.observed for path in paths for step in path.steps):
        yield "", words.get("report.machine.inferred")


def _way(path: MachinePath, words: Catalog) -> str:
    names = [state_name(path.steps[0].before), *(state_name(step.state) for step in path.steps)]
    return f"{words.get(f'report.machine.{path.role}')}: {' → '.join(names)}"


def _about(paths: Sequence[MachinePath], words: Catalog) -> str:
    about = words.get("report.machine.about")
    if not paths:
        return about
    ways = words.get("report.machine.comma").join(_way(path, words) for path in paths)
    taken = words.get("report.machine.taken", ways=ways)
    return f"{about} {taken}"


def _below(text: str, role: str, y: float) -> str:
    return _text(Anchor(Point(40, y + 14), "start"), text, f'class="said {role}"' if role else "")


def _text(anchor: Anchor, text: str, attributes: str) -> str:
    at = f'x="{anchor.at.x:g}" y="{anchor.at.y:g}" text-anchor="{anchor.end}"'
    return f"<text {at} {attributes}>{escape(text)}</text>"
