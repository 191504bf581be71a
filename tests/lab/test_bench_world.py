"""The benchmark leaves of a lab what it found: all of its containers, or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from lab.hosts.cleanup import remove_lab
from lab.hosts.compose import bring_up
from lab.hosts.engine import LABEL, engine
from lab.settings import HOSTS, RECORDER, Settings
from tests.bench.world import world
from tests.support import another_lab

pytestmark = pytest.mark.lab


@pytest.fixture
def lab(settings: Settings) -> Iterator[Settings]:
    """Return a lab beside the one under test, of which nothing is up."""
    other = another_lab(settings, "bench")
    yield other
    remove_lab(other)


def up(lab: Settings) -> set[str]:
    with engine() as client:
        found = client.containers.list(filters={"label": f"{LABEL}={lab.name}"})
    return {str(each.name) for each in found}


@pytest.mark.parametrize("hosts", [(*HOSTS, RECORDER), (*HOSTS, RECORDER, "server2"), HOSTS, ("server",), ()])
def test_a_lab_is_put_back_as_it_was_found(lab: Settings, hosts: Sequence[str]) -> None:
    if hosts:
        bring_up(lab, {host: {} for host in hosts})
    before = up(lab)
    with world(lab) as here:
        here.down()
        here.up()
    assert up(lab) == before == {lab.container(host) for host in hosts}
