"""Several wrong programs in one play: each stands in for another, and none hides what another does.

A play takes seconds, and what is wrong with one program mostly shows in steps of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from lab.exercise import Exercise
from lab.loading import load_exercise
from tests.wrong.base import Wrong, numbers, stand_ins, wrong_of


def packed(number: int) -> Mapping[str, Wrong]:
    """Return an exercise's entries, joined as far as they fit together, in their order."""
    exercise = load_exercise(number)
    packs: list[tuple[str, Wrong]] = []
    for key, wrong in wrong_of(number).items():
        for at, (others, pack) in enumerate(packs):
            if _fit(exercise, others, pack, key, wrong):
                packs[at] = (f"{others},{key}", _joined(pack, wrong))
                break
        else:
            packs.append((key, wrong))
    return dict(packs)


def pack_with(number: int, key: str) -> str:
    """Return the play that an entry is part of."""
    (found,) = (pack for pack in packed(number) if stand_ins(key).items() <= stand_ins(pack).items())
    return found


def _fit(exercise: Exercise, others: str, pack: Wrong, key: str, wrong: Wrong) -> bool:
    """Tell whether both can be seen in one play: no program and no expectation twice, and all before it stops."""
    if set(stand_ins(others)) & set(stand_ins(key)):
        return False
    if set(_said(pack)) & set(_said(wrong)) or (pack.stops and wrong.stops):
        return False
    return _before_the_stop(exercise, pack, wrong) and _before_the_stop(exercise, wrong, pack)


def _before_the_stop(exercise: Exercise, stopping: Wrong, other: Wrong) -> bool:
    if stopping.stops is None:
        return True
    steps: Final = [step.id for step in exercise.steps]
    reached = steps[: steps.index(stopping.stops.step)]
    return all(each.step in reached for each in exercise.expect if each.id in set(_said(other)))


def _said(wrong: Wrong) -> Iterator[str]:
    yield from wrong.fails
    yield from wrong.may


def _joined(one: Wrong, other: Wrong) -> Wrong:
    return Wrong(
        {**one.fails, **other.fails},
        may=(*one.may, *other.may),
        stops=one.stops or other.stops,
        patience=max(one.patience, other.patience),
    )


PLAYS: Final[Mapping[tuple[int, str], Wrong]] = {
    (number, key): wrong for number in numbers() for key, wrong in packed(number).items()
}
"""What is played: the exercise's number with who stands in for whom, and what is then to be seen."""
