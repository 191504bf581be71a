"""What a person at a program's terminal typed and saw during a step."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from lab.foreign import shown
from lab.recording.play import Party, Step
from lab.recording.run import Run
from lab.report.fold import fold_printed
from lab.report.ink import Line, Role, Span, line

_SAID: Final = frozenset({"say", "leave", "type"})
_KEYS: Final = {"^C": "Ctrl-C", "^D": "Ctrl-D"}
_MOST: Final = 12
_HEAD, _TAIL = 8, 3


def next_begin(run: Run, step: Step) -> int | None:
    """Return when the following step began; None for the last one."""
    return min((other.begun_ns for other in run.play.steps if other.begun_ns > step.begun_ns), default=None)


def transcript(run: Run, party: Party, step: Step, only: str | None = None) -> tuple[Span, ...]:
    """Return the program's lines of the step in order: the command if it began here, what it was told, what it printed.

    Empty when it printed nothing in this step. With `only`, just the printed lines that it is found in.
    """
    until = next_begin(run, step)
    actions = [action for action in run.play.actions if action.actor == party.name and action.step == step.id]
    printed = [
        (output.time_ns, Span(shown(text.expandtabs().rstrip())))
        for output in run.play.outputs
        if output.actor == party.name and output.time_ns >= step.begun_ns and (until is None or output.time_ns < until)
        for text in output.text.removesuffix("\r").split("\n")
        if only is None or re.search(only, text)
    ]
    if not printed:
        return ()
    told = [
        (action.time_ns, Span(shown(f"{party.host}> {_KEYS.get(action.text, action.text)}"), Role.COMMAND))
        for action in actions
        if action.verb in _SAID
    ]
    begun = any(action.verb not in _SAID for action in actions)
    prompt = "#" if party.role == "root" else "$"
    command = [Span(shown(f"{party.host}{prompt} {party.command}"), Role.COMMAND)] if begun or not told else []
    return (*command, *(span for _, span in sorted([*printed, *told], key=lambda one: one[0])))


def draw(spans: Sequence[Span], width: int) -> list[Line]:
    """Return the transcript's lines, its middle left out when it is long."""
    shown = [*spans] if len(spans) <= _MOST else [*spans[:_HEAD], Span("…", Role.DIM), *spans[-_TAIL:]]
    return [line(Span(part, span.role)) for span in shown for part in fold_printed(span.text, width)]
