"""The parts of an exercise's README that are made from the exercise itself, so that they can never drift from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from lab.exercise import TERMINALS, Exercise
from lab.report.by_hand import OPENS
from lab.report.typed import Typed, typed
from lab.report.words import Words
from lab.settings import read_settings
from lab.shelf import README, marks


def refreshed(text: str, exercise: Exercise, language: str) -> str:
    """Return a README with its heading and its marked parts made anew, those between the lines of `lab.shelf.marks`.

    The addresses are the default ones. A part that is not marked in the text is left out.
    """
    words = Words(exercise.texts(language), language, read_settings({}).addresses)
    heading = words.lab("readme.heading", number=exercise.number, title=words.own("title")).strip()
    text = f"{heading}\n{text.partition(chr(10))[2]}"
    for name, part in _PARTS.items():
        begin, end = marks(name)
        made = f"{begin}\n\n" + "\n".join(part(exercise, words)) + f"\n\n{end}"
        escaped = made.replace("\\", r"\\")
        text = re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", escaped, text, flags=re.DOTALL)
    return text


def listed(text: str, exercise: Exercise, language: str) -> str:
    """Return the lab's README with the exercise's row in the table of exercises: made anew, or put in by its number."""
    texts = exercise.texts(language)
    number, readme = exercise.number, f"exercises/{exercise.folder.name}/{README[language]}"
    title, summary = (texts.get(name).strip() for name in ("title", "summary"))
    row = f"| {number} | `make exercise-{number}` | [{title}]({readme}) | {summary} |"
    lines = text.split("\n")
    rows = {int(found[1]): at for at, line in enumerate(lines) if (found := _ROW.match(line))}
    if number in rows:
        lines[rows[number]] = row
    else:
        lines.insert(max(at for other, at in rows.items() if other < number or other == min(rows)) + 1, row)
    return "\n".join(lines)


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


_ROW: Final = re.compile(r"\| (\d+) \| `make exercise-\d+` \| ")
_PARTS: Final[Mapping[str, Callable[[Exercise, Words], Iterator[str]]]] = {"steps": steps, "by-hand": by_hand}
