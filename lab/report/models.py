"""The views of the models of a server: their calls, whom they served when, what they cost, where they wait."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from lab.judge.calls.answer_chain import chain_of
from lab.judge.readings.costs import cost_of
from lab.judge.serving.services import services
from lab.recording.play import Step
from lab.recording.run import Run
from lab.report import calls, costs, served, spent, waits
from lab.report.ink import Line
from lab.report.words import Words
from lab.views import Calls, Costs, Served, Spent, Waits

Drawing = tuple[Callable[[int], list[Line]] | None, tuple[str, ...]]
"""How it is drawn at a width, None where there is nothing, and the notes that explain it."""


def show(run: Run, view: Calls | Served | Costs | Waits | Spent, step: Step, words: Words) -> Drawing:
    """Return one of these views; EvidenceError for what the run does not have."""
    match view:
        case Calls():
            return _calls(run, view, step, words)
        case Served():
            return _served(run, view, words)
        case Costs():
            return _costs(run, view, words)
        case Waits():
            return _waits(run, view, step, words)
        case Spent():
            return _spent(run, view, words)


def _calls(run: Run, view: Calls, step: Step, words: Words) -> Drawing:
    found = calls.groups(run, view.party, step)
    program = run.play.party(view.party).program
    if not found:
        return None, (words.lab("calls.none", program=program),)
    labels = calls.CallWords(*(words.lab(f"calls.{name}", count="{count}") for name in calls.CallWords._fields))
    return partial(calls.draw, found, labels), (words.lab("calls.note", program=program),)


def _served(run: Run, view: Served, words: Words) -> Drawing:
    found = services(run, view.clients)
    if not found:
        return None, (words.lab("served.none"),)

    def said(time: str | None) -> str:
        return words.lab("served.never") if time is None else words.lab("served.after", time=time)

    legend = words.lab("served.legend", answered=served.ANSWERED, waiting=served.WAITING, open=served.OPEN)
    return partial(served.draw, found, said), (legend,)


def _costs(run: Run, view: Costs, words: Words) -> Drawing:
    fields = {name: f"{{{name}}}" for name in ("text", "name", "time")}
    labels = costs.CostWords(*(words.lab(f"costs.{name}", **fields) for name in costs.CostWords._fields))
    found = [cost_of(run, program) for program in view.programs]
    # What breaks is told of the program that was played: a wrong one in its place has its own faults.
    rows = [(cost, words.maybe_lab(f"breaks.{cost.program}")) for cost in found]
    return partial(costs.draw, rows, labels), (words.lab("costs.note"),)


def _waits(run: Run, view: Waits, step: Step, words: Words) -> Drawing:
    acts = chain_of(run, view.party, step)

    def say(name: str, /, **fields: object) -> str:
        return words.lab(f"waits.{name}", **fields)

    return lambda width: waits.draw(acts, say, width), (words.lab("waits.note"),)


def _spent(run: Run, view: Spent, words: Words) -> Drawing:
    labels = spent.SpentWords(*(words.lab(f"spent.{name}") for name in spent.SpentWords._fields))
    rows = [
        (words.own(f"spans.{name}"), run.usage(first, view.party), run.usage(last, view.party))
        for name, (first, last) in view.spans.items()
    ]
    note = words.lab("spent.note", program=run.play.party(view.party).program, requests=view.requests)
    return partial(spent.draw, rows, view.requests, labels), (note,)
