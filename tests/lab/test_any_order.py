"""Every exercise passes in any order, and leaves nothing behind for the next."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from lab.exercise import judge
from lab.hosts.compose import bring_up
from lab.hosts.engine import engine
from lab.judge.judging import say
from lab.judge.verdict import Verdict
from lab.loading import load_exercise
from lab.recording.layout import EVIDENCE_FILE
from lab.recording.store import load
from lab.settings import HOSTS, RECORDER, Settings
from lab.shelf import exercise_folders
from lab.timeline.build import build_timeline
from tests.damage import UNREAD, files_of, passed_on_nothing
from tests.lab.manylabs import Answer, Done, Job, Labs
from tests.lab.queues import compared
from tests.places import misplaced
from tests.wrong.base import forged_of, numbers

pytestmark = pytest.mark.lab

NUMBERS: Final = list(exercise_folders())
SEED: Final = os.environ.get("ORDER_SEED") or str(random.SystemRandom().randrange(10**6))
"""ORDER_SEED=… plays in the order of an earlier test again: each failure names it."""

# Runs in a host as root: its sockets, tables, programs and files, but for what looks. Standard library only.
LOOK: Final = r"""
import json, os, subprocess, sys
def lines(*argv):
    return subprocess.run(argv, capture_output=True, text=True).stdout.splitlines()
mine, programs = {os.getpid(), os.getppid()}, []
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        name = open(f"/proc/{pid}/comm").read().strip()
    except OSError:
        continue
    if int(pid) not in mine and not name.startswith(("runc:", "test")):  # the engine asks whether the host is ready
        programs.append(name)
files = [os.path.join(at, name) for root in ("/tmp", "/run", "/dev/shm") for at, _, names in os.walk(root) for name in names]
rows = [row for row in lines("ss", "-Htan", "src", sys.argv[1]) if row.strip()]
print(json.dumps({"rows": rows, "tables": sorted(lines("nft", "list", "tables")), "programs": sorted(programs),
                  "files": sorted(files)}))
"""

Left = Mapping[str, Mapping[str, Sequence[str]]]
"""What is in each host: rows of `ss`, tables of nft, programs, files."""


@dataclass(frozen=True)
class Turn:
    """What an exercise did in its turn, after which other, and what it left."""

    before: str
    answer: Answer
    left: Left
    folder: Path


def shuffled() -> list[int]:
    order = list(NUMBERS)
    random.Random(SEED).shuffle(order)
    return order


@dataclass(frozen=True)
class Order:
    """What is in a host that nothing was played on, and each exercise's turn."""

    clean: Left
    turns: Mapping[int, Turn]


def jobs(_items: Sequence[pytest.Function], runs: Path) -> Mapping[Hashable, Job]:
    """Return the one long job: every exercise once, on one lab, in an order that is another one each time."""
    return {"any order": partial(play_all, runs)}


def play_all(runs: Path, labs: Labs) -> Order:
    with labs.one(load_exercise(NUMBERS[0])) as settings:
        bring_up(settings, {host: {} for host in HOSTS})
        assert labs.on(settings, "reset").code == 0
        found = Order(look(settings), turns := {})
        before = "nothing"
        for number in shuffled():
            answer = labs.on(settings, "run", str(number), "--json", "--build", LAB_RUNS=str(runs))
            turns[number] = Turn(before, answer, look(settings), runs / f"ex{number:02}" / "latest")
            before = f"exercise {number}"
    return found


@pytest.fixture
def turns(done: Done) -> Mapping[int, Turn]:
    found: Order = done["any order"].result()
    return found.turns


def look(settings: Settings) -> Left:
    """Look into every host of the lab."""
    with engine() as client:
        containers = client.containers.list(filters={"label": f"socketlab={settings.name}"})
        hosts = [str(each.name).removeprefix(f"{settings.name}-") for each in containers]
    return {host: json.loads(inside(settings, host)) for host in sorted(hosts) if host != RECORDER}


def inside(settings: Settings, host: str) -> str:
    command = ["python3", "-I", "-S", "-c", LOOK, settings.addresses[host]]
    container = settings.container(host)
    done = subprocess.run(["docker", "exec", container, *command], check=True, capture_output=True, text=True)
    return done.stdout


@pytest.mark.parametrize("number", NUMBERS)
def test_an_exercise_passes_whatever_was_played_before(turns: Mapping[int, Turn], number: int) -> None:
    turn = turns[number]
    told = f"after {turn.before}, ORDER_SEED={SEED}: {turn.answer.stderr}"
    assert turn.answer.code == 0, told + not_passed(turn)
    document = json.loads(turn.answer.stdout)
    assert (document["verdict"], document["rules"]) == ("pass", True), told


def not_passed(turn: Turn) -> str:
    if not turn.answer.stdout:
        return ""
    results: list[dict[str, Any]] = json.loads(turn.answer.stdout)["results"]
    return "\n".join(f"{one['id']}: {one['observed']}" for one in results if one["verdict"] != "pass")


@pytest.mark.parametrize("number", NUMBERS)
def test_an_exercise_rules_on_each_of_its_claims(turns: Mapping[int, Turn], number: int) -> None:
    claims = json.loads(turns[number].answer.stdout)["claims"]
    undecided = {one["id"] for one in claims if one["ruling"] in {"inconclusive", "the lab itself is wrong"}}
    assert undecided == set(), f"ORDER_SEED={SEED}"


@pytest.mark.parametrize("number", NUMBERS)
def test_an_exercise_shows_each_of_its_claims_at_places_that_hold_what_they_should(
    turns: Mapping[int, Turn], number: int
) -> None:
    folder = turns[number].folder
    evidence = load(folder)
    assert misplaced(judge(load_exercise(number), evidence), evidence, folder) == [], f"ORDER_SEED={SEED}"


@pytest.mark.parametrize("number", NUMBERS)
def test_the_kernel_told_all_and_queues_are_as_ss_showed_them(turns: Mapping[int, Turn], number: int) -> None:
    evidence = load(turns[number].folder)
    assert evidence.recording.unrecorded == ""
    assert evidence.recording.kernel is not None
    assert evidence.recording.kernel.trace.lost_states == 0
    if evidence.recording.kernel.trace.lost_calls:  # on a busy machine; queues are counted by calls
        assert "lost-calls" in build_timeline(evidence.recording, evidence.play).lacks
        return
    assert evidence.recording.kernel.complete
    differing, rows = compared(evidence)
    assert differing == [], f"ORDER_SEED={SEED}"
    assert rows > 0


@pytest.mark.parametrize("number", NUMBERS)
def test_each_file_that_is_judged_by_has_its_digest(turns: Mapping[int, Turn], number: int) -> None:
    folder = turns[number].folder
    document = json.loads((folder / EVIDENCE_FILE).read_text(encoding="utf-8"))
    assert {*document["files"]} == {*files_of(folder)} - {*UNREAD, EVIDENCE_FILE}, (
        "see tests/unit/evidence/test_damage.py"
    )


@pytest.mark.parametrize("number", NUMBERS)
def test_no_expectation_passes_on_an_empty_record(turns: Mapping[int, Turn], number: int) -> None:
    assert passed_on_nothing(load_exercise(number), load(turns[number].folder)) == []


@pytest.mark.parametrize("number", NUMBERS)
def test_an_exercise_leaves_nothing_behind(done: Done, number: int) -> None:
    order: Order = done["any order"].result()
    for host, left in order.turns[number].left.items():
        known = order.clean.get(host, order.clean[HOSTS[0]])
        more = {kind: [each for each in found if each not in known[kind]] for kind, found in left.items()}
        assert more == {kind: [] for kind in left}, f"{host} after exercise {number}, ORDER_SEED={SEED}"


@pytest.mark.parametrize(
    ("number", "expectation"), [(number, each) for number in numbers() for each in forged_of(number)]
)
def test_what_no_program_can_make_fail_fails_on_a_forged_record(
    turns: Mapping[int, Turn], number: int, expectation: str
) -> None:
    forged = forged_of(number)[expectation]
    judgement = judge(load_exercise(number), forged.tamper(load(turns[number].folder)))
    failed = {each.id: each for each in judgement.results if each.verdict is Verdict.FAIL}
    assert set(failed) - set(forged.may) == {expectation}
    assert re.search(forged.seen.says, say(failed[expectation].observed, "en")), failed[expectation]
