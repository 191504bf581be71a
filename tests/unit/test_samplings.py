"""A sampling is whole, or the play does not go on as if it were."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from lab.errors import EvidenceError
from lab.hosts.channel import CrowdedError
from lab.hosts.host import Host
from lab.recording import Recording

SEEN: dict[str, Any] = {"begun_ns": 1, "ended_ns": 9, "polls": 3, "samples": [{"time_ns": 2, "text": "State\n"}]}


class Sampled:
    """A host whose agent ended a sampling for that reason; `look` is what one more look comes to."""

    def __init__(self, error: str | None, look: Callable[[], object]) -> None:
        self.channel = self
        self.look = look
        self._error = error

    def call(self, *_: object, **__: object) -> dict[str, Any]:
        return {**SEEN, "error": self._error}


def crowded() -> object:
    raise CrowdedError("host-crowded", host="server", program="bomb", operation="run")


def watched(error: str | None, look: Callable[[], object]) -> Recording:
    recording = Recording({"server": cast("Host", Sampled(error, look))})
    with recording.watching("all", on="server"):
        pass
    return recording


def test_one_that_was_ended_is_kept() -> None:
    (sampling,) = watched(None, crowded).samplings
    assert sampling.polls == 3


def test_one_that_ended_itself_is_no_evidence_of_what_it_has_not_seen() -> None:
    with pytest.raises(EvidenceError) as raised:
        watched("Killed", lambda: None)
    assert (raised.value.code, raised.value.params["detail"]) == ("probe-died", "Killed")


def test_one_that_a_program_left_no_process_for_is_that_programs_failure() -> None:
    with pytest.raises(CrowdedError) as raised:
        watched("ss: Resource temporarily unavailable", crowded)
    assert raised.value.params["program"] == "bomb"
