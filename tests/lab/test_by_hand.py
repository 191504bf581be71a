"""The by-hand path, typed: the very lines of each exercise, in real terminals on real hosts."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from lab.exercise import Exercise, Type
from lab.hosts.compose import bring_up
from lab.loading import load_exercise
from lab.report.by_hand import OPENS
from lab.settings import HOSTS, KNOWN_HOSTS, Settings
from lab.shelf import exercise_folders
from tests.lab.conftest import RunLab
from tests.lab.manylabs import Done, Job, Labs
from tests.support import variables
from tests.terminal import KEYS, SECONDS, Terminal

# A program that ends by itself at ^C leaves no newline behind.
PROMPT: Final = rf"(?:(?m:^)|(?<=\^C))(?:(?:{'|'.join(KNOWN_HOSTS)})[$#]|nft>) "
ENDINGS: Final = (*KEYS, "exit", "exitall")
"""What ends, or stops, the program in a terminal's foreground."""
NUMBERS: Final = [n for n in exercise_folders() if any(step.type for step in load_exercise(n).steps)]
LOOKS: Final = ("ss ", "nstat ", "grep State ")
"""Commands that take one look; a person looks again when it was too early."""


def shell_of(terminal: str) -> list[str]:
    """Return the arguments of `lab` behind the make target that opens a terminal."""
    _, target, *root = OPENS[terminal].split()
    return ["shell", target.removeprefix("shell-"), *(["--root"] if root else [])]


@contextlib.contextmanager
def terminals(names: set[str], settings: Settings | None = None) -> Iterator[dict[str, Terminal]]:
    """Open terminals on the hosts of a lab, the one under test unless another is given."""
    environment = {**os.environ, **(variables(settings) if settings else {})}
    with contextlib.ExitStack() as stack:
        opened = {
            name: stack.enter_context(
                Terminal([sys.executable, "-m", "lab.cli", *shell_of(name)], environment, name=name)
            )
            for name in sorted(names)
        }
        for terminal in opened.values():
            terminal.wait(PROMPT)
        yield opened


def type_line(terminal: Terminal, one: Type, addresses: Mapping[str, str]) -> None:
    line, sees = filled(one.line, addresses), filled(one.sees, addresses)
    if one.after:
        terminal.wait(filled(one.after, addresses), terminal.since)
    command = " " in line
    if command:
        terminal.wait(PROMPT, terminal.since)
    since = terminal.type(line)
    if sees and line.startswith(LOOKS):
        look_again(terminal, line, sees, since)
    elif sees:
        terminal.wait(sees, since)
    if (command and not sees) or line in ENDINGS:
        terminal.wait(PROMPT, since)


def look_again(terminal: Terminal, line: str, sees: str, since: int) -> None:
    """Wait for what a look should show; the kernel or a program may need a moment to get there."""
    deadline = time.monotonic() + SECONDS
    terminal.wait(PROMPT, since)
    while terminal.find(sees, since, 0) is None:
        assert time.monotonic() < deadline, f"{terminal.name}: no {sees!r} after {line!r}:\n{terminal.text[since:]}"
        since = terminal.type(line)
        terminal.wait(PROMPT, since)


def filled(text: str, addresses: Mapping[str, str]) -> str:
    for host, address in addresses.items():
        text = text.replace(f"{{{host}}}", address)
    return text


def jobs(items: Sequence[pytest.Function], _runs: Path) -> Mapping[Hashable, Job]:
    """Return what the chosen tests want done by hand."""
    asked = {item.callspec.params.get("number") for item in items if hasattr(item, "callspec")}
    return {("by hand", number): partial(do_by_hand, load_exercise(number)) for number in NUMBERS if number in asked}


def do_by_hand(exercise: Exercise, labs: Labs) -> None:
    """Type each line of an exercise in its terminal, on a lab as `make up` makes it: with the kernel's own settings."""
    lines = [one for step in exercise.steps for one in step.type]
    with labs.one(exercise) as settings:
        bring_up(settings, {host: {} for host in (*HOSTS, *exercise.lab.hosts)})
        assert labs.on(settings, "reset").code == 0
        try:
            with terminals({one.terminal for one in lines}, settings) as opened:
                for one in lines:
                    type_line(opened[one.terminal], one, settings.addresses)
        finally:
            assert labs.on(settings, "reset").code == 0


@pytest.mark.parametrize("number", NUMBERS)
def test_each_line_does_what_the_page_says(done: Done, number: int) -> None:
    done["by hand", number].result()


@pytest.mark.usefixtures("hosts_up")
def test_a_shell_is_a_good_place_to_type() -> None:
    with terminals({"server"}) as opened:
        shell = opened["server"]
        assert shell.text == "server$ ", "no message before the prompt"
        since = shell.type("echo $LANG; id -un; pwd")
        end = shell.wait(PROMPT, since)
        assert shell.text[since:end] == "C.UTF-8\nlab\n/tmp\nserver$ "
        since = shell.type("for each in prompt serve_blocking rounds crowd ss pkill nstat; do type -P $each; done")
        end = shell.wait(PROMPT, since)
        found = shell.text[since:end].splitlines()[:-1]
        assert [os.path.basename(path) for path in found] == [  # noqa: PTH119 - paths of the host
            "prompt", "serve_blocking", "rounds", "crowd", "ss", "pkill", "nstat",
        ]  # fmt: skip
        shell.type("exit 7")
        assert shell.end() == 7


@pytest.mark.usefixtures("hosts_up")
def test_root_has_a_shell_for_tcpdump() -> None:
    with terminals({"root"}) as opened:
        shell = opened["root"]
        assert shell.text == "server# "
        since = shell.type("tcpdump -i eth0 -n port 8000")
        shell.wait("listening on eth0", since)
        shell.type("^C")
        shell.wait("0 packets dropped by kernel", since)


def test_what_runs_in_a_shell_ends_with_it(hosts_up: Settings, run_lab: RunLab) -> None:
    assert run_lab("reset").returncode == 0
    with terminals({"server", "watcher"}) as opened:
        shell, watcher = opened["server"], opened["watcher"]
        shell.wait("waiting on", shell.type(f"serve_blocking {hosts_up.addresses['server']} 8000"))
        shell.wait("Stopped", shell.type("^Z"))
        shell.type("sleep 600 &")
        shell.hang_up()
        look_again(watcher, "pgrep -c -f 'serve_blocking|sleep 600'", r"(?m:^)0\n", watcher.type("true"))


def test_a_shell_brings_the_lab_up_first(hosts_up: Settings, run_lab: RunLab) -> None:
    assert run_lab("down").returncode == 0
    with Terminal([sys.executable, "-m", "lab.cli", "shell", "client"]) as shell:
        shell.wait(r"client\$ $", seconds=60)
    assert run_lab("status").returncode == 0, f"{hosts_up.name} is up"
