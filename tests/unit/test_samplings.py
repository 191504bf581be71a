"""A sampling is whole, or the play does not go on as if it were."""

from __future__ import annotations

from typing import Any, cast

import pytest

from lab.errors import EvidenceError
from lab.hosts.host import Host
from lab.play_recorder import PlayRecorder

SEEN: dict[str, Any] = {"begun_ns": 1, "ended_ns": 9, "polls": 3, "samples": [{"time_ns": 2, "text": "State\n"}]}


class Sampled:
    """A host whose agent ended a sampling for that reason."""

    def __init__(self, error: str | None) -> None:
        self.channel = self
        self._error = error

    def call(self, *_: object, **__: object) -> dict[str, Any]:
        return {**SEEN, "error": self._error}


def watched(error: str | None) -> PlayRecorder:
    recording = PlayRecorder({"server": cast("Host", Sampled(error))})
    with recording.watching("all", on="server"):
        pass
    return recording


def test_one_that_was_ended_is_kept() -> None:
    (sampling,) = watched(None).seen_samplings
    assert sampling.polls == 3


def test_one_that_ended_itself_is_no_evidence_of_what_it_has_not_seen() -> None:
    with pytest.raises(EvidenceError) as raised:
        watched("Killed")
    assert (raised.value.code, raised.value.params["detail"]) == ("probe-died", "Killed")
