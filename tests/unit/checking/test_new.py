"""`lab new` makes an exercise in a copy of the checkout: it passes every check, and lacks nothing but words."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from lab.errors import EXIT_PASS, EXIT_USAGE
from lab.settings import ROOT
from lab.text.catalog import LANGUAGES

PARTS: Final = ("lab", "exercises", "images", "tests")
FILES: Final = (
    "README.md",
    "README.zh-CN.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "compose.yaml",
    "pyproject.toml",
)
LEFT_OUT: Final = shutil.ignore_patterns("__pycache__", "fixtures", "golden")
TESTS: Final = (
    "tests/unit/test_exercises.py",
    "tests/unit/test_readme.py",
    "tests/unit/test_wrong_modules.py",
    "tests/unit/report/test_exercise_readmes.py",
)
OF_WORDS: Final = {
    "test_every_text_that_a_page_needs_is_there_and_not_empty",
    "test_a_question_has_choices_a_right_answer_and_a_reason",
    "test_every_line_to_type_has_a_terminal_and_says_what_one_should_see",
    "test_the_chinese_is_chinese",
    "test_every_exercise_is_listed_in_its_own_words",
}
"""The tests that ask for words: no other may fail."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for part in PARTS:
        shutil.copytree(ROOT / part, tmp_path / part, ignore=LEFT_OUT)
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def ran(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(copy), "LAB_LANG": "en"}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)


def failed_tests(copy: Path) -> set[str]:
    done = ran(
        copy,
        "pytest",
        "-q",
        "--no-header",
        "-p",
        "no:cacheprovider",
        "-k",
        "13 or listed or shape or relative or map",
        *TESTS,
    )
    assert re.search(r"\d+ passed", done.stdout), done.stdout + done.stderr
    return set(re.findall(r"^FAILED \S+::(\w+)", done.stdout, flags=re.MULTILINE))


def filled(value: Any, word: str, number: int = 0) -> Any:
    """Return texts with words in each place, no two choices alike."""
    if isinstance(value, Mapping):
        return {name: filled(each, word, number) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, word, place) for place, each in enumerate(value, start=1)]
    return f"{word}{number or ''}"


def toml(table: Mapping[str, Any], prefix: str = "") -> str:
    flat = {name: value for name, value in table.items() if not isinstance(value, Mapping)}
    lines = [f"[{prefix}]"] if prefix and flat else []
    lines += [f"{name} = {value!r}" for name, value in flat.items()]
    inner = [toml(value, f"{prefix}.{name}".strip(".")) for name, value in table.items() if isinstance(value, Mapping)]
    return "\n".join([*lines, *inner]) + "\n"


def test_a_new_exercise_passes_every_check_and_lacks_nothing_but_words(copy: Path) -> None:
    made = ran(copy, "lab.cli", "new", "13", "half_close")
    assert made.returncode == EXIT_PASS, made.stderr
    folder = copy / "exercises" / "ex13_half_close"
    files = [folder / "exercise.py", copy / "tests" / "wrong" / "ex13.py"]
    for tool in (("ruff", "check"), ("ruff", "format", "--check"), ("mypy",)):
        checked = ran(copy, *tool, *map(str, files))
        assert checked.returncode == 0, checked.stdout + checked.stderr
    failed = failed_tests(copy)
    assert failed
    assert failed <= OF_WORDS

    for language, word in zip(LANGUAGES, ("word", "词"), strict=True):
        path = folder / f"text.{language}.toml"
        texts = tomllib.loads(path.read_text(encoding="utf-8"))
        missing = re.findall(
            rf"^  exercises/ex13_half_close/{path.name}:(\d+): (\S+)$", made.stdout, flags=re.MULTILINE
        )
        lines = path.read_text(encoding="utf-8").splitlines()
        assert missing
        assert all(lines[int(line) - 1].startswith(key.rpartition(".")[2]) for line, key in missing)
        path.write_text(toml(filled(texts, word)), encoding="utf-8")
    again = ran(copy, "lab.cli", "new", "13", "half_close")
    assert (again.returncode, "missing" in again.stdout) == (EXIT_PASS, False)
    assert failed_tests(copy) == set()


def test_a_number_that_is_taken_and_a_name_that_is_none_are_refused(copy: Path) -> None:
    for arguments in (("3", "half_close"), ("13", "Half-Close"), ("100", "half_close"), ("13", "../half")):
        refused = ran(copy, "lab.cli", "new", *arguments)
        assert refused.returncode == EXIT_USAGE, arguments
        assert re.fullmatch(r"lab: .*\n", refused.stderr), arguments
    assert not (copy / "exercises" / "ex13_half_close").exists()
