"""Predictions on a real terminal: asked before each step, answered, skipped, ended, interrupted; never where nobody sits."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from lab.exercise import Step
from lab.loading import load_exercise
from lab.settings import HOSTS, Settings
from tests.lab.conftest import RunLab
from tests.support import eventually, run
from tests.terminal import Terminal

ASKED: Final = "› "
PASS: Final = {"en": "PASS   all", "zh-CN": "通过   "}


@pytest.fixture
def steps() -> list[Step]:
    return [step for step in load_exercise(3).steps if step.answer]


def learner(runs: Path, language: str = "en", **variables: str) -> Terminal:
    """Open a terminal as at home: no CI, ASK unset."""
    kept = {name: value for name, value in os.environ.items() if name not in {"ASK", "CI"}}
    environment: Mapping[str, str] = kept | {"LAB_LANG": language, "LAB_RUNS": str(runs)} | variables
    return Terminal([sys.executable, "-m", "lab.cli", "run", "3"], environment, columns=100)


def asked(terminal: Terminal, since: int) -> int:
    return terminal.wait(ASKED, since)


def test_every_step_asks_before_it_shows_and_tells_who_was_right(
    hosts_up: Settings, steps: list[Step], tmp_path: Path
) -> None:
    texts = load_exercise(3).texts("en")
    with learner(tmp_path) as terminal:
        place = 0
        for step in steps:
            end = asked(terminal, place)
            shown = " ".join(terminal.text[place:end].split())
            assert texts.get(f"steps.{step.id}.question") in shown
            assert texts.get(f"steps.{step.id}.because") not in shown, "the answer comes after the question"
            answer = step.answer or ""
            place = terminal.wait(f"You said {answer}: right\\.", terminal.type(answer))
        assert terminal.end() == 0
    assert terminal.text.count(ASKED) == len(steps), hosts_up.name
    assert PASS["en"] in terminal.text


@pytest.mark.parametrize(
    ("language", "wrong", "kindly"),
    [
        ("en", "You said {said}: not this time, it is {answer}.", "One of a, b, c, please"),
        ("zh-CN", "你选了 {said}：这次不对，应为 {answer}。", "请输入 a, b, c 之一"),
    ],
)
def test_a_wrong_answer_a_stray_one_a_skipped_one_and_the_end_of_all_questions(
    hosts_up: Settings, steps: list[Step], tmp_path: Path, language: str, wrong: str, kindly: str
) -> None:
    first, second = steps[:2]
    said = next(letter for letter in "abc" if letter != first.answer)
    with learner(tmp_path, language) as terminal:
        place = asked(terminal, 0)
        place = terminal.wait(re.escape(wrong.format(said=said, answer=first.answer)), terminal.type(said))
        place = asked(terminal, place)
        place = terminal.wait(re.escape(kindly), terminal.type("what"))
        asked(terminal, place)
        place = terminal.type("")
        because = load_exercise(3).texts(language).get(f"steps.{second.id}.because")[:10]
        place = terminal.wait(re.escape(because), place)
        asked(terminal, place)
        terminal.type("^D")
        assert terminal.end() == 0, hosts_up.name
    assert terminal.text.count(ASKED) == 4, "nothing is asked after Ctrl-D"
    assert PASS[language] in terminal.text


def test_ctrl_c_at_a_question_ends_it_all(hosts_up: Settings, tmp_path: Path) -> None:
    with learner(tmp_path) as terminal:
        asked(terminal, 0)
        terminal.type("^C")
        assert terminal.end() == 130
    assert "lab: Interrupted." in terminal.text
    assert "Traceback" not in terminal.text
    assert [path.name for path in tmp_path.rglob("*unfinished*")] == []
    assert eventually(lambda: programs_on(hosts_up) == []), programs_on(hosts_up)


def programs_on(settings: Settings) -> list[str]:
    """Return what the lab or a learner still runs on the hosts."""
    found = []
    for host in HOSTS:
        listing = run("docker", "exec", settings.container(host), "ps", "-eo", "user=,args=")
        found += [line for line in listing.splitlines() if line.split()[0] != "root" or "/lab/agent" in line]
    return found


@pytest.mark.parametrize("variables", [{"ASK": "0"}, {"CI": "1"}])
def test_nothing_is_asked_where_it_was_forbidden(hosts_up: Settings, tmp_path: Path, variables: dict[str, str]) -> None:
    with learner(tmp_path, **variables) as terminal:
        assert terminal.end() == 0, hosts_up.name
    assert ASKED not in terminal.text
    assert PASS["en"] in terminal.text


def test_nothing_is_asked_without_a_terminal(hosts_up: Settings, run_lab: RunLab) -> None:
    answer = run_lab("run", "3", env={"ASK": "", "CI": ""})
    assert (answer.returncode, ASKED in answer.stdout) == (0, False), (hosts_up.name, answer.stderr)
