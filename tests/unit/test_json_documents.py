"""`--json` prints one document with every exit code: a result, or why there is none."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from unittest import mock

import pytest

from lab import cli
from lab.cli import main
from lab.commands import claims, runs, series
from lab.commands.documents import asks_json, write_document
from lab.errors import EvidenceError, LabError, MachineError
from lab.report import error
from lab.report.series import SCHEMA_FILE as SERIES_SCHEMA
from lab.settings import ROOT
from tests.schema import violations

Say = Callable[..., tuple[int, str, str]]
SCHEMA: Final[Mapping[str, Any]] = json.loads(error.SCHEMA_FILE.read_text(encoding="utf-8"))
ABSENT: Final = {"DOCKER_HOST": "tcp://127.0.0.1:1", "PATH": "/nonexistent", "DOCKER_CONTEXT": ""}
"""No engine, and no command `docker`. By TCP: the SDK forgets to close a Unix socket that nobody listens at."""

NOT_THERE: Final = ("engine-absent", "engine-elsewhere")
"""Which of both is seen first is the engine's room's own matter."""


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Say:
    monkeypatch.setenv("LAB_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("LAB_NAME", "documents")

    def said(*arguments: str, language: str = "en", **variables: str) -> tuple[int, str, str]:
        for name, value in {"LAB_LANG": language, **variables}.items():
            monkeypatch.setenv(name, value)
        code = main(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return said


def why(code: int, out: str, err: str) -> dict[str, str]:
    """Return the error of the one document, which must keep its schema and say what stderr says."""
    document = json.loads(out)
    assert list(violations(document, SCHEMA)) == []
    assert document["exit_code"] == code
    told: dict[str, str] = document["error"]
    blank = "" if told["what"].endswith("。") else " "
    assert err.strip() == f"lab: {told['what']}{blank}{told['remedy']}"
    return told


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("run", "99", "--json"), "unknown-exercise"),
        (("run", "--json"), "usage"),
        (("run", "3", "--json", "--timeline"), "usage"),
        (("run", "--all", "--json", "--server", "echo"), "stand-in-for-all"),
        (("judge", "no/such/run", "--json"), "not-a-run"),
        (("judge", "--js", "no/such/run"), "not-a-run"),
        (("claims", "--json", "--markdown"), "usage"),
        (("doctor", "--json", "all"), "usage"),
        (("conform", "serves_nobody", "--json"), "unknown-server"),
        (("live", "--json", "server"), "usage"),
    ],
)
def test_wrong_usage(say: Say, arguments: tuple[str, ...], code: str, language: str) -> None:
    told = say(*arguments, language=language)
    assert told[0] == 2
    assert why(*told)["code"] == code


@pytest.mark.parametrize("command", [("run", "3"), ("judge", "3"), ("claims",), ("doctor",), ("live",), ("conform",)])
def test_a_setting_that_makes_no_sense(say: Say, command: tuple[str, ...]) -> None:
    told = say(*command, "--json", LAB_SUBNET="somewhere")
    assert told[0] == 2
    assert why(*told)["code"] == "subnet-malformed"


@pytest.mark.parametrize("command", [("run", "3"), ("live",), ("conform",)])
def test_a_machine_that_cannot(say: Say, command: tuple[str, ...]) -> None:
    told = say(*command, "--json", **ABSENT)
    assert told[0] == 3
    assert why(*told)["code"] in NOT_THERE
    assert told[1].count("\n") == (1 if command == ("live",) else 11)  # a stream has a line for each


def test_a_machine_that_cannot_play_any_exercise(say: Say) -> None:
    told = say("run", "--all", "--json", **ABSENT)
    assert told[0] == 3
    assert why(*told)["code"] in NOT_THERE


def test_a_series_whose_lab_is_taken_says_so_in_its_document(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object, **__: object) -> None:
        raise MachineError("lab-busy", lab="documents", command="lab run 3", pid=1)

    monkeypatch.setattr(series, "_play_all", busy)
    monkeypatch.setattr(series, "look_around", mock.MagicMock())
    code, out, err = say("run", "--all", "--json")
    document = json.loads(out)
    assert list(violations(document, json.loads(SERIES_SCHEMA.read_text(encoding="utf-8")))) == []
    assert (code, document["exit_code"], document["error"]["code"]) == (3, 3, "lab-busy")
    assert document["error"]["what"] in err


def test_a_machine_without_an_engine_has_findings_all_the_same(say: Say) -> None:
    code, out, _ = say("doctor", "--json", **ABSENT)
    document = json.loads(out)
    assert (code, document["exit_code"], document["runs"]) == (3, 3, False)


@pytest.mark.parametrize(
    ("stopped", "code", "name"),
    [
        (EvidenceError("no-connection"), 4, "no-connection"),
        (MachineError("engine-lost", detail="gone"), 3, "engine-lost"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_what_ends_a_command_before_its_result(
    say: Say, monkeypatch: pytest.MonkeyPatch, stopped: BaseException, code: int, name: str
) -> None:
    def stop(*_: object) -> None:
        raise stopped

    monkeypatch.setattr(runs, "read_saved", stop)
    monkeypatch.setattr(claims, "exercise_folders", stop)
    for command in (("judge", "3"), ("claims",)):
        told = say(*command, "--json")
        assert told[0] == code
        assert why(*told)["code"] == name


@pytest.mark.parametrize("stopped", [EvidenceError("no-connection"), KeyboardInterrupt()])
def test_a_series_that_ends_before_its_time_has_one_document(
    say: Say, monkeypatch: pytest.MonkeyPatch, stopped: BaseException
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise stopped

    monkeypatch.setattr(series, "_play_all", stop)
    monkeypatch.setattr(series, "look_around", mock.MagicMock())
    code, out, _ = say("run", "--all", "--json")
    document = json.loads(out)
    assert document["exit_code"] == code
    assert code == (130 if isinstance(stopped, KeyboardInterrupt) else 4)


def test_who_is_interrupted_after_the_result_has_that_result(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    def judge_saved(*_: object, **__: object) -> int:
        write_document('{"exit_code": 1}\n', 1)
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "judge_saved", judge_saved)
    assert say("judge", "3", "--json") == (1, '{"exit_code": 1}\n', "")


def test_without_the_option_nothing_is_printed(say: Say) -> None:
    code, out, err = say("run", "99")
    assert (code, out) == (2, "")
    assert err.startswith("lab: ")


@pytest.mark.parametrize(
    ("arguments", "asks"),
    [(("run", "3", "--json"), True), (("run", "--j"), True), (("run", "--"), False), (("list", "json"), False)],
)
def test_json_is_asked_for_also_in_short(arguments: tuple[str, ...], *, asks: bool) -> None:
    assert asks_json(arguments) is asks


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_further_signal_does_not_cut_short_what_is_said_last(
    say: Say, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    def disturbed(told: LabError, language: str) -> None:
        signal.raise_signal(number)
        error.show_error(told, language)

    monkeypatch.setattr(cli, "show_error", disturbed)
    assert why(*say("run", "99", "--json"))["code"] == "unknown-exercise"
    assert signal.getsignal(signal.SIGINT) != signal.SIG_IGN


def test_what_interrupts_twice_is_said_once(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    def disturbed(told: LabError, language: str) -> None:
        signal.raise_signal(signal.SIGTERM)
        error.show_error(told, language)

    monkeypatch.setattr(cli, "run_command", interrupted)
    monkeypatch.setattr(cli, "show_error", disturbed)
    code, out, err = say("run", "3", "--json")
    assert (code, why(code, out, err)["code"]) == (130, "interrupted")


# Interrupts where a module is imported, within a string as where a dataclass is defined.
AT_IMPORT = """
import os, sys
class Finder:
    def find_spec(self, name, *_):
        if name == os.environ["WHERE"]:
            exec("import signal; signal.raise_signal(signal.SIGINT)\\nfor _ in range(9): pass")
sys.meta_path.insert(0, Finder())
"""


@pytest.mark.parametrize("where", ["lab.cli", "lab.settings", "lab.commands.claims"])
def test_an_interrupt_while_modules_are_imported_is_told_as_any_other(tmp_path: Path, where: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(AT_IMPORT)
    told = subprocess.run(
        [sys.executable, "-m", "lab", "claims", "--json"],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(tmp_path), "WHERE": where, "LAB_LANG": "en"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert why(told.returncode, told.stdout, told.stderr)["code"] == "interrupted"
    assert told.returncode == 130
