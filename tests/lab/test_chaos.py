"""The campaign of kills in its short form: some of each kind, at moments that the seed decides (`make chaos` has more)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from lab.settings import Settings
from tests.chaos.campaign import Campaign
from tests.chaos.strokes import STROKES, SUBJECTS

SEED: Final = 3
ROUNDS: Final = (
    ("exercise-3", "KILL make"),
    ("two plays", "KILL lab"),
    ("up", "STOP+KILL group"),
    ("exercise-3", "STOP lab"),
    ("run --json", "docker kill client"),
)


@pytest.fixture(scope="module")
def campaign(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    with Campaign(settings, tmp_path_factory.mktemp("runs"), SEED) as found:
        yield found


@pytest.mark.parametrize(("subject", "stroke"), ROUNDS)
def test_after_a_kill_the_next_play_passes_and_down_leaves_nothing(
    campaign: Campaign, subject: str, stroke: str
) -> None:
    struck = next(each for each in SUBJECTS if each.name == subject)
    how = next(each for each in STROKES if str(each) == stroke)
    assert campaign.round(ROUNDS.index((subject, stroke)), struck, how).wrong == []
