"""The last line of a page: how many expectations hold, in the grammar of one and of several."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from lab.report.ending import counts
from lab.report.story import tell
from tests.unit.report import builders

FOLDER: Final = Path("runs/ex03")


def said(language: str, number: int) -> str:
    """Return the counts of a run of which that many expectations hold, and no other was judged."""
    results = (builders.passed(identity, step) for identity, step in [*builders.STEPS_OF.items()][:number])
    judgement = builders.judgement(*results)
    return counts(tell(builders.judged(judgement), language))


@pytest.mark.parametrize(
    ("language", "number", "words"),
    [
        ("en", 1, "its one expectation holds"),
        ("en", 2, "all 2 expectations hold"),
        ("zh-CN", 1, "仅有的 1 项预期成立"),
        ("zh-CN", 2, "2 项预期全部成立"),
    ],
)
def test_one_expectation_holds_and_several_hold(language: str, number: int, words: str) -> None:
    assert said(language, number) == words
