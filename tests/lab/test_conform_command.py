"""The command `lab conform`: its table in both languages, its JSON, its exit code."""

from __future__ import annotations

import json

import pytest

from tests.lab.conftest import RunLab

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("hosts_up")]


def test_the_command_prints_the_table_in_both_languages_and_its_exit_code_is_the_verdict(run_lab: RunLab) -> None:
    passed = run_lab("conform", "serve_processes", "--case", "many", "--case", "split")
    assert (passed.returncode, passed.stderr) == (0, "")
    assert "serve_processes  ✓     –" in passed.stdout
    failed = run_lab("conform", "splits_chars", "--case", "utf8", env={"LAB_LANG": "zh-CN"})
    assert (failed.returncode, "✗ splits_chars, utf8" in failed.stdout, "汉字" in failed.stdout) == (1, True, True)
    document = json.loads(run_lab("conform", "splits_chars", "--case", "utf8", "--json").stdout)
    assert [trial["outcome"] for trial in document["trials"]] == ["fail"]


@pytest.mark.parametrize(("arguments", "says"), [(("nobody",), "nobody"), (("--case", "nothing"), "partial, split")])
def test_the_command_knows_its_servers_and_cases(run_lab: RunLab, arguments: tuple[str, ...], says: str) -> None:
    answer = run_lab("conform", *arguments)
    assert (answer.returncode, answer.stdout, says in answer.stderr) == (2, "", True)
