"""Segments that passed from one capture to the other."""

from __future__ import annotations

from lab.recording.play import Action
from lab.timeline.connections import join, passages
from tests.unit.judge.builders import BEGUN, MS, OPEN, SERVER, A, B, Frame, Talk, capture, evidence, party
from tests.unit.timeline.builders import Wire, run


def test_departures_and_arrivals_are_paired() -> None:
    (joined,) = join(run(*OPEN))
    assert [(each.sent is not None, each.arrived is not None) for each in passages(joined)] == [(True, True)] * 3


def test_a_repeated_segment_is_paired_with_the_sending_that_arrived() -> None:
    first = Talk().frames("> S")
    second = [Frame(first[0].time_ns + 1_000_000_000, first[0].data)]
    arrival = [Frame(second[0].time_ns + 3000, first[0].data)]
    client, server = capture("client", frames=[*first, *second]), capture("server", frames=arrival)
    (joined,) = join(evidence(captures=(client, server)))
    assert [each.arrived is not None for each in passages(joined)] == [False, True]
    assert [each.again for each in passages(joined)] == [False, True]


def test_two_sendings_that_both_arrived_are_paired_in_their_order() -> None:
    first = Talk().frames("> S")
    sent = [first[0], Frame(first[0].time_ns + 1_000_000_000, first[0].data)]
    come = [Frame(each.time_ns + 3000, each.data) for each in sent]
    (joined,) = join(evidence(captures=(capture("client", frames=sent), capture("server", frames=come))))
    found = [(each.sent.number, each.arrived.number) for each in passages(joined) if each.sent and each.arrived]
    assert found == [(1, 1), (2, 2)]


def test_an_arrival_is_not_paired_with_what_left_only_just_after_it() -> None:
    first = Talk().frames("> S")
    sent = [first[0], Frame(first[0].time_ns + 12_000, first[0].data)]
    come = [Frame(each.time_ns + 4000, each.data) for each in sent]
    (joined,) = join(evidence(captures=(capture("client", frames=sent), capture("server", frames=come))))
    found = [(each.sent.number, each.arrived.number) for each in passages(joined) if each.sent and each.arrived]
    assert found == [(1, 1), (2, 2)]


def test_a_stamp_that_is_a_little_early_does_not_part_a_segment_from_its_arrival() -> None:
    sent = Talk().frames("> S")
    come = [Frame(sent[0].time_ns - 4000, sent[0].data)]
    (joined,) = join(evidence(captures=(capture("client", frames=sent), capture("server", frames=come))))
    assert [(each.sent is not None, each.arrived is not None) for each in passages(joined)] == [(True, True)]


def test_one_capture_alone_does() -> None:
    record = Wire().captures(*OPEN)[1]
    (joined,) = join(evidence(captures=(record,)))
    assert [each.sent is None or each.arrived is None for each in passages(joined)] == [True] * 3


def test_a_port_that_was_given_out_again_is_the_client_s_that_began_then() -> None:
    first, again = Talk().frames(*OPEN), Talk(begun_ns=BEGUN + 500 * MS, next={">": 77, "<": 99}).frames(*OPEN)
    record = capture("server", frames=[*first, *again])
    acts = (
        Action("connects", BEGUN + 9 * MS, "b", "connect", ""),
        Action("connects", BEGUN + 499 * MS, "a", "connect", ""),
    )
    parties = (
        party("b", "client", 18, "prompt", local=A, remote=SERVER),
        party("a", "client", 17, "prompt", local=A, remote=SERVER),
    )
    names = [joined.name for joined in join(evidence(captures=(record,), parties=parties, actions=acts))]
    assert names == ["b", "a"]


def test_a_refused_client_whose_port_nobody_knew_has_the_one_connection_that_is_no_other_s() -> None:
    record = capture(
        "server", frames=[*Talk().frames(*OPEN), *Talk(client=B, begun_ns=BEGUN + 500 * MS).frames("> S", "< R.")]
    )
    parties = (
        party("a", "client", 17, "prompt", local=A, remote=SERVER),
        party("late", "client", 18, "prompt", remote=SERVER),
    )
    assert [joined.name for joined in join(evidence(captures=(record,), parties=parties))] == ["a", "late"]
