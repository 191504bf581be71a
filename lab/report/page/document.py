"""The page as one HTML file: head and expectations in HTML, the timeline as data, and the script that draws it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from string import Template
from typing import Any, Final

from lab.foreign import shown_lines
from lab.judge.judging import say
from lab.report.checks import MARKS
from lab.report.ending import slug
from lab.report.lanes.marks import state_name
from lab.report.markup import escape
from lab.report.page.checklist import checklist
from lab.report.page.columns import NONE, SOURCES, STATES, columns
from lab.report.page.head import page_head
from lab.report.page.opening import opening
from lab.report.page.proofs import CALLED, Proof, Spot, proofs
from lab.report.page.run import PageRun
from lab.report.story import Story
from lab.text.catalog import Catalog, messages
from lab.timeline.model import QueueKind, Timeline

SCRIPTS: Final = (
    "data", "words", "scale", "layout", "draw", "crowd", "spots", "axis",
    "picture", "list", "talks", "walk", "checks", "paper", "main",
)  # fmt: skip
"""The script's parts in the order in which they are put together: each may use what stands before it."""
KEYS: Final = {
    "next": ("n", "j"),
    "previous": ("p", "k"),
    "ends": ("Home", "End"),
    "zoom": ("+", "-"),
    "wheel": ("Ctrl + ↕",),
    "fit": ("0",),
    "pan": ("←", "→", "↑", "↓"),
    "scale": ("1", "2", "3"),
    "all": ("a",),
    "filter": ("/",),
    "list": ("↑", "↓", "␣"),
    "expectations": ("e", "E"),
    "theme": ("t",),
    "escape": ("Esc",),
    "help": ("?",),
}
LONGEST: Final = 240
"""How many characters of what a program did are told."""
_ASSETS: Final = files(__package__) / "assets"
_UNSAFE: Final = str.maketrans({letter: f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"})
"""What could end a script element, or a line of a script, before its time."""


def page_document(story: Story, timeline: Timeline, run: PageRun, language: str) -> str:
    """Return the page of a run in `language` as one HTML document, which needs nothing from outside itself."""
    texts = messages(language)
    proved = dict(zip((result.id for result in run.results), proofs(timeline, run), strict=True))
    order = [check for step in story.steps for check in step.checks] + list(story.loose)
    data = _data(story, timeline, run, language, [proved.get(check.id, Proof((), ())) for check in order])
    title = story.words.lab("header.exercise", number=story.number, title=story.title)
    words = {name.replace("-", "_"): escape(text) for name, text in texts.table("page.ui").items()}
    return Template(_asset("page.html")).substitute(
        words
        | {
            "language": language,
            "document": escape(texts.get("page.document", title=title)),
            "css": styles(),
            "skip": escape(texts.get("page.skip")),
            "noscript": escape(texts.get("page.noscript")),
            "head": page_head(story, timeline, texts),
            "checks": checklist(story, proved, texts),
            "keys": _keys(texts),
            "data": as_json(data),
            "script": script(),
        }
    )


def styles() -> str:
    """Return the style sheet: the colours of both themes, each where it holds, and the rest."""
    light, dark = _asset("light.css"), _asset("dark.css")
    return (
        f":root {{\n{light}}}\n"
        f"@media (prefers-color-scheme: dark) {{ :root:not([data-theme=light]) {{\n{dark}}} }}\n"
        f":root[data-theme=dark] {{\n{dark}}}\n"
        f"{_asset('page.css')}"
        f"@media print {{ :root, :root:not([data-theme=light]), :root[data-theme=dark] {{\n{light}}} }}\n"
    )


def script() -> str:
    """Return the whole script, in a scope of its own."""
    parts = "\n".join(_asset(f"js/{name}.js") for name in SCRIPTS)
    return f'"use strict";\n(() => {{\n{parts}}})();\n'


def as_json(data: object) -> str:
    """Return data as JSON that can stand in a script element; what the page shows of it is printable."""
    return json.dumps(_plain(data), ensure_ascii=False, separators=(",", ":")).translate(_UNSAFE)


def _plain(data: object) -> object:
    if isinstance(data, str):
        return shown_lines(data)
    if isinstance(data, Mapping):
        return {name: _plain(each) for name, each in data.items()}
    return [_plain(each) for each in data] if isinstance(data, list | tuple) else data


def _data(story: Story, timeline: Timeline, run: PageRun, language: str, proved: Sequence[Proof]) -> Mapping[str, Any]:
    texts = messages(language)
    played = {step.id: step for step in run.steps}
    steps = [step for step in story.steps if step.id in played]
    places = {step.id: index for index, step in enumerate(steps)}
    begun = timeline.begun_ns
    spots = {spot: index for index, spot in enumerate(dict.fromkeys(spot for proof in proved for spot in proof.spots))}
    order = [check for step in story.steps for check in step.checks] + list(story.loose)
    return columns(timeline, language, places) | {
        "begun": str(begun),
        "begins": datetime.fromtimestamp(begun // 10**9, UTC).isoformat(),
        "ui": texts.table("page.ui"),
        "lanes": texts.table("page.lane"),
        "sources": [str(source) for source in SOURCES],
        "sources_named": texts.table("page.source"),
        "endings": texts.table("page.ending"),
        "queues_named": {kind.value: texts.get(f"page.queue.{kind.value}") for kind in QueueKind},
        "states": [state_name(state) for state in STATES],
        "captures": dict(run.captures),
        "steps": [
            {
                "number": step.number,
                "title": step.title,
                "begun": played[step.id].begun_ns - begun,
                "ended": played[step.id].ended_ns - begun,
            }
            for step in steps
        ],
        "looks": [
            {"name": look.name, "host": look.host, "time": look.begun_ns - begun, "file": look.file}
            for look in run.looks
        ],
        "spots": [_spot(spot, timeline, language) for spot in spots],
        "first": opening(timeline, run),
        "checks": [
            {
                "title": check.title,
                "why": check.why or "",
                "mark": MARKS[check.verdict] if check.reached else "–",
                "verdict": slug(check.verdict) if check.reached else "cannot-run-here",
                "step": NONE if check.step is None else places.get(check.step, NONE),
                "moments": proof.moments,
                "looks": proof.looks,
                "spots": [spots[spot] for spot in proof.spots],
            }
            for check, proof in zip(order, proved, strict=True)
        ],
    }


def _spot(spot: Spot, timeline: Timeline, language: str) -> Mapping[str, Any]:
    """Return a spot with its words, its side, and the connection of its program that is nearest to it."""
    mine = [talk for talk in timeline.talks if talk.name == spot.party]
    talk = min(mine, key=lambda talk: max(talk.begun_ns - spot.time_ns, spot.time_ns - talk.ended_ns), default=None)
    called = spot.message.code == CALLED
    told = (
        messages(language).get("page.checks.called", **spot.message.params) if called else say(spot.message, language)
    )
    return {
        "time": spot.time_ns - timeline.begun_ns,
        "party": spot.party,
        "client": spot.client,
        "kind": "called" if called else "printed" if spot.message.code == "printed" else "ended",
        "talk": NONE if talk is None else talk.number,
        "said": told if len(told) <= LONGEST else f"{told[:LONGEST]}…",
    }


def _keys(texts: Catalog) -> str:
    rows = []
    for name, keys in KEYS.items():
        shown = " ".join(f"<kbd>{escape(key)}</kbd>" for key in keys)
        rows.append(f"<dt>{shown}</dt><dd>{escape(texts.get(f'page.key.{name}'))}</dd>")
    return "\n".join(rows)


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")
