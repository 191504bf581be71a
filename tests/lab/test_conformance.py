"""The echo family in every case, and each case with a wrong server that it catches."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

import pytest

from lab.conformance import CASES, FAMILY, FORBIDDEN, Outcome, Trial
from lab.examining import examine
from lab.hosts.connection import open_hosts
from lab.hosts.host import Host
from lab.settings import HOSTS, ROOT, Settings
from lab.text.catalog import LANGUAGES, messages
from tests.wrong.conformance import CAUGHT

pytestmark = pytest.mark.lab

MEGABYTES: Final = 8
"""For wrong servers: enough to stall."""


@pytest.fixture(scope="module")
def hosts(hosts_up: Settings) -> Iterator[Mapping[str, Host]]:
    with open_hosts(hosts_up, {host: {} for host in HOSTS}) as found:
        yield found


@pytest.fixture(scope="module", params=FAMILY)
def trials(request: pytest.FixtureRequest, hosts: Mapping[str, Host]) -> Mapping[str, Trial]:
    return {trial.case: trial for trial in examine(hosts, request.param)}


def test_a_server_passes_every_case_that_its_nature_allows(trials: Mapping[str, Trial]) -> None:
    failed = {case: trial.why for case, trial in trials.items() if trial.outcome is Outcome.FAIL}
    (server,) = {trial.server for trial in trials.values()}
    forbidden = {case for case, trial in trials.items() if trial.outcome is Outcome.FORBIDDEN}
    assert (failed, set(trials), forbidden) == ({}, set(CASES), set(FORBIDDEN.get(server, {})))


def test_the_large_echo_begins_with_a_send_queue_that_stands_still(trials: Mapping[str, Trial]) -> None:
    assert (trials["large"].send_q or 0) > 0


@pytest.mark.parametrize(("case", "server"), CAUGHT)
def test_a_case_catches_a_wrong_server(hosts: Mapping[str, Host], case: str, server: str) -> None:
    (trial,) = examine(hosts, server, [case], seconds=1, megabytes=MEGABYTES)
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
