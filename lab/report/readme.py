"""The parts of an exercise's README that are made from the exercise itself, so that they can never drift from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from lab.exercise import Exercise
from lab.report.by_hand import OPENS, TERMINALS
from lab.report.typed import Typed, typed
from lab.report.words import Words
from lab.settings import read_settings

README: Final = {"en": "README.md", "zh-CN": "README.zh-CN.md"}
"""The README of an exercise by language."""


def refreshed(text: str, exercise: Exercise, language: str) -> str:
    """Return a README with its marked parts made anew: `<!-- steps: begin -->` … `<!-- steps: end -->`, and `by-hand`.

    The addresses are the default ones. A part that is not marked in the text is left out.
    """
    words = Words(exercise.texts(language), language, read_settings({}).addresses)
    for name, part in _PARTS.items():
        begin, end = marks(name)
        made = f"{begin}\n\n" + "\n".join(part(exercise, words)) + f"\n\n{end}"
        escaped = made.replace("\\", r"\\")
        text = re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", escaped, text, flags=re.DOTALL)
    return text


def marks(name: str) -> tuple[str, str]:
    """Return the lines between which a part stands."""
    return f"<!-- {name}: begin -->", f"<!-- {name}: end -->"


def steps(exercise: Exercise, words: Words) -> Iterator[str]:
    """Yield a line per step: its title, what happens, and what the reader is asked to predict."""
    for number, step in enumerate(exercise.steps, start=1):
        key = f"steps.{step.id}"
        question = words.maybe(f"{key}.question") if step.answer else None
        said = [words.maybe(f"{key}.intro"), f"*{question}*" if question else None]
        yield f"{number}. **{words.own(f'{key}.title')}**{words.lab('readme.gap')}{' '.join(filter(None, said))}"


def by_hand(exercise: Exercise, words: Words) -> Iterator[str]:
    """Yield the terminals, then each line to type with what one should see."""
    used = {one.terminal for step in exercise.steps for one in step.type}
    yield f"| {words.lab('readme.terminal')} | {words.lab('readme.opens')} | |"
    yield "|---|---|---|"
    for name in TERMINALS:
        if name in used:
            yield f"| {words.lab(f'terminal.{name}')} | `{OPENS[name]}` | {words.lab(f'hand.purpose-{name}')} |"
    for number, step in enumerate(exercise.steps, start=1):
        if step.type:
            yield ""
            yield f"**{number}. {words.own(f'steps.{step.id}.title')}**"
            yield ""
            sees = words.listed(f"hand.{step.id}.sees")
            for one, seen in zip(typed(step.type, words), sees, strict=True):
                yield f"- {_typed(one)}  "
                yield f"  {seen}"


def _typed(one: Typed) -> str:
    """Return a line to type: the prompt, then the line as code; a key has no prompt."""
    return f"{one.label} `{one.text}`"


_PARTS: Final[Mapping[str, Callable[[Exercise, Words], Iterator[str]]]] = {"steps": steps, "by-hand": by_hand}
