"""Whose conversation it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.recording.play import Action
from tests.records import changed
from tests.unit.judge.builders import BEGUN, CLIENT_FIRST, MS, OPEN, SERVER, SERVER_FIRST, A, Talk, capture, evidence

LATER = BEGUN + 500 * MS


@pytest.mark.parametrize(("client", "begun_ns"), [("a", BEGUN + 10 * MS), ("b", LATER)])
def test_of_two_clients_that_got_the_same_port_each_has_its_own_conversation(client: str, begun_ns: int) -> None:
    frames = [
        *Talk(begun_ns=BEGUN + 10 * MS).frames(*OPEN, *SERVER_FIRST),
        *Talk(begun_ns=LATER, next={">": 70_000, "<": 90_000}).frames(*OPEN, *CLIENT_FIRST),
    ]
    run = evidence(
        captures=(capture("server", frames=frames),),
        actions=(
            # A start is noted a little after it: the SYN may come before.
            Action("connects", BEGUN + 11 * MS, "a", "connect", "prompt 192.168.1.102 8000"),
            Action("connects", LATER + MS, "b", "connect", "prompt 192.168.1.102 8000"),
        ),
    )
    parties = tuple(replace(party, local=A) if party.remote == SERVER else party for party in run.play.parties)
    found = changed(run, parties=parties).conversation(client)
    assert found is not None
    assert found.segments[0].time_ns == begun_ns


def test_a_client_whose_conversation_is_not_there_has_none() -> None:
    assert evidence().conversation("b") is None
