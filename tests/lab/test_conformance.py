"""The echo family in every case, and each case with a wrong server that it catches."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from lab.conformance import CASES, FAMILY, FORBIDDEN, Outcome, Trial
from lab.examining import examine
from lab.exercise import load_exercise
from lab.hosts.compose import bring_up
from lab.hosts.connection import open_hosts
from lab.hosts.host import Host
from lab.settings import HOSTS, ROOT, Settings
from lab.text.catalog import LANGUAGES, messages
from tests.lab.manylabs import Done, Job, Labs
from tests.wrong.conformance import CAUGHT

pytestmark = pytest.mark.lab

MEGABYTES: Final = 8
"""For wrong servers: enough to stall."""


@pytest.fixture(scope="module")
def hosts(hosts_up: Settings) -> Iterator[Mapping[str, Host]]:
    with open_hosts(hosts_up, {host: {} for host in HOSTS}) as found:
        yield found


def jobs(items: Sequence[pytest.Function], _runs: Path) -> Mapping[Hashable, Job]:
    """Return the trials that the chosen tests ask for: of each server of the family, and of each wrong one."""
    asked = [item.callspec.params for item in items if hasattr(item, "callspec")]
    family = {each["trials"] for each in asked if "trials" in each}
    caught = {(each["case"], each["server"]) for each in asked if "case" in each}
    return {("family", server): partial(try_out, server, list(CASES), {}) for server in FAMILY if server in family} | {
        ("caught", case, server): partial(try_out, server, [case], {"seconds": 1, "megabytes": MEGABYTES})
        for case, server in CAUGHT
        if (case, server) in caught
    }


def try_out(server: str, cases: Sequence[str], options: Mapping[str, int], labs: Labs) -> Sequence[Trial]:
    """Put one server through cases, on a lab as `make up` makes it."""
    with labs.one(load_exercise(3)) as settings:
        bring_up(settings, {host: {} for host in HOSTS})
        with open_hosts(settings, {host: {} for host in HOSTS}) as hosts:
            return tuple(examine(hosts, server, cases, **options))


@pytest.fixture(params=FAMILY)
def trials(request: pytest.FixtureRequest, done: Done) -> Mapping[str, Trial]:
    return {trial.case: trial for trial in done["family", request.param].result()}


def test_a_server_passes_every_case_that_its_nature_allows(trials: Mapping[str, Trial]) -> None:
    failed = {case: trial.why for case, trial in trials.items() if trial.outcome is Outcome.FAIL}
    (server,) = {trial.server for trial in trials.values()}
    forbidden = {case for case, trial in trials.items() if trial.outcome is Outcome.FORBIDDEN}
    assert (failed, set(trials), forbidden) == ({}, set(CASES), set(FORBIDDEN.get(server, {})))


def test_the_large_echo_begins_with_a_send_queue_that_stands_still(trials: Mapping[str, Trial]) -> None:
    assert (trials["large"].send_q or 0) > 0


@pytest.mark.parametrize(("case", "server"), CAUGHT)
def test_a_case_catches_a_wrong_server(done: Done, case: str, server: str) -> None:
    (trial,) = done["caught", case, server].result()
    assert (trial.outcome, bool(re.fullmatch(CAUGHT[case, server], trial.why))) == (Outcome.FAIL, True), trial


def test_each_case_catches_somebody() -> None:
    assert {case for case, _ in CAUGHT} == set(CASES)


def test_the_client_has_these_cases(hosts: Mapping[str, Host]) -> None:
    assert ", ".join(CASES) in " ".join(hosts["client"].run("conform", "--help").split())


def test_what_a_models_nature_forbids_is_indeed_beyond_it(
    hosts: Mapping[str, Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.examining.FORBIDDEN", {})
    for server, cases in FORBIDDEN.items():
        (trial,) = examine(hosts, server, list(cases), seconds=1)
        assert trial.outcome is Outcome.FAIL, trial


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_case_and_every_reason_has_words(language: str) -> None:
    reasons = {reason for cases in FORBIDDEN.values() for reason in cases.values()}
    assert set(messages(language).table("conform.cases")) == set(CASES)
    assert set(messages(language).table("conform.reasons")) == reasons


def test_every_wrong_member_of_the_family_names_the_right_one() -> None:
    for _, server in CAUGHT:
        text = (ROOT / "images" / "servers" / "broken" / f"{server}.py").read_text()
        (right,) = re.findall(r"The right one: images/servers/(\w+)\.py", text)
        assert right in FAMILY
        assert text.startswith('#!/usr/bin/python3\n"""Broken on purpose: ')
        before = (ROOT / "images" / "servers" / f"{right}.py").read_text().splitlines()
        added = [line for line in text.partition('"""\n')[2].splitlines() if line not in before]
        assert len(added) <= 8
        assert re.search(r"the mistake", text, re.IGNORECASE)
