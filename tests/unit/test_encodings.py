"""A terminal whose encoding has no Chinese and no lines to draw with gets something readable from every command."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from lab.cli import main
from lab.settings import ROOT

RUN: Final = str(ROOT / "tests" / "fixtures" / "runs" / "ex03")
COMMANDS: Final = (
    ["list"], ["--help"], ["run", "--help"], ["explain"], ["explain", "ESTAB"], ["explain", "no such word"], ["hand", "3"],
    ["judge", RUN], ["report", RUN, "--timeline"], ["run", "99"], ["run", "一"], ["report", "不在"], ["claims"], ["claims", "--markdown"],
)  # fmt: skip
ENCODINGS: Final = ("ascii", "latin-1", "gbk")
Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Say:
    """Run a command as if the terminal had that encoding; return its exit code, and what it printed on each stream."""

    def run(encoding: str, language: str, *arguments: str) -> tuple[int, str, str]:
        streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
        with monkeypatch.context() as patch:
            patch.setenv("LAB_LANG", language)
            patch.setenv("LAB_RUNS", str(tmp_path))
            patch.setattr(sys, "stdout", streams[0])
            patch.setattr(sys, "stderr", streams[1])
            try:
                code = main(arguments)
            except SystemExit as end:
                code = int(end.code or 0)
            for stream in streams:
                stream.flush()
        out, err = (stream.buffer.getvalue().decode(encoding) for stream in streams)
        return code, out, err

    return run


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_every_command_says_as_much_as_in_unicode(say: Say, encoding: str, arguments: list[str]) -> None:
    for language in ("en", "zh-CN"):
        code, out, err = say(encoding, language, *arguments)
        spoken = language if encoding in {"gbk", "utf-8"} else "en"
        expected_code, expected, complaint = say("utf-8", spoken, *arguments)
        assert code == expected_code
        assert out.count("\n") == expected.count("\n")
        assert err.count("\n") == complaint.count("\n")
        assert "?" * 3 not in out + err
        assert len(out.split()) >= 0.7 * len(expected.split())


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_json_can_be_read_in_any_encoding(say: Say, encoding: str) -> None:
    language = "zh-CN" if encoding == "gbk" else "en"
    expected = json.loads(say("utf-8", language, "judge", RUN, "--json")[1])
    assert json.loads(say(encoding, language, "judge", RUN, "--json")[1]) == expected


@pytest.mark.parametrize(
    "variables",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LAB_LANG": "zh"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1", "LAB_LANG": "zh_CN.UTF-8"},
    ],
    ids=str,
)
def test_a_locale_without_an_encoding_is_no_traceback(variables: dict[str, str], tmp_path: Path) -> None:
    lab = [sys.executable, "-m", "lab.cli"]
    environment = {"PATH": os.environ["PATH"], "LAB_RUNS": str(tmp_path / "运行"), **variables}
    for arguments in (["list"], ["judge", RUN], ["run", "一"], ["report", "\udcff"]):
        done = subprocess.run([*lab, *arguments], check=False, cwd=ROOT, env=environment, capture_output=True)
        said = done.stdout.decode("latin-1") + done.stderr.decode("latin-1")
        assert "Traceback" not in said
        assert done.returncode in (0, 1, 2)
        assert said.strip()
