"""Every error that the lab raises has its words, in every language, with fields that it is given; no words are left over."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import string
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import lab
from lab.errors import EXIT_INCONCLUSIVE, EXIT_MACHINE, EXIT_USAGE, EvidenceError, LabError, MachineError, UsageError
from lab.report.error import error_line
from lab.settings import ROOT
from lab.text.catalog import LANGUAGES, messages

TEXTS = ROOT / "lab" / "text"
SOURCES = sorted((ROOT / "lab").rglob("*.py"))


def error_classes() -> set[str]:
    for module in pkgutil.walk_packages(lab.__path__, "lab."):
        importlib.import_module(module.name)
    found, new = {LabError}, {LabError}
    while new:
        new = {below for above in new for below in above.__subclasses__()} - found
        found |= new
    return {each.__name__ for each in found}


@dataclass(frozen=True)
class Raised:
    """A place that makes an error: its codes, and the fields it gives; None where they cannot be read off."""

    place: str
    codes: tuple[str, ...]
    fields: frozenset[str] | None

    def __str__(self) -> str:
        return f"{self.place} {'/'.join(self.codes)}"


def raised() -> Iterator[Raised]:
    classes = error_classes()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in classes and node.args:
                names = [keyword.arg for keyword in node.keywords]
                fields = None if None in names else frozenset(name for name in names if name)
                yield Raised(f"{path.relative_to(ROOT)}:{node.lineno}", tuple(literals(node.args[0])), fields)


def literals(node: ast.expr) -> list[str]:
    if isinstance(node, ast.IfExp):
        return [*literals(node.body), *literals(node.orelse)]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


RAISED = list(raised())
LITERAL = [each for each in RAISED if each.codes]


def fields_of(text: str) -> set[str]:
    return {name.partition(".")[0] for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def leaves(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def test_the_errors_are_found() -> None:
    assert len(LITERAL) > 70
    assert {"unknown-exercise", "host-busy", "engine-absent"} <= {code for each in LITERAL for code in each.codes}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("place", LITERAL, ids=str)
def test_an_error_has_its_words_and_their_fields(place: Raised, language: str) -> None:
    for code in place.codes:
        texts = messages(language).table(f"errors.{code}")
        assert set(texts) == {"what", "remedy"}, f"{place.place}: {code}"
        for part, text in texts.items():
            assert text.strip(), f"{code}.{part}"
            if place.fields is not None:
                assert fields_of(text) <= place.fields, f"{place.place}: {code}.{part}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_words_are_left_without_an_error(language: str) -> None:
    strings = {
        node.value
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }

    assert sorted(set(messages(language).table("errors")) - strings) == []


def text_files() -> list[tuple[Path, str]]:
    english = [*TEXTS.glob("*.en.toml"), *(ROOT / "exercises").glob("*/*.en.toml")]
    return [(path, language) for path in sorted(english) for language in LANGUAGES if language != "en"]


@pytest.mark.parametrize(("path", "language"), text_files(), ids=lambda value: getattr(value, "name", value))
def test_every_language_has_the_same_texts_with_the_same_fields(path: Path, language: str) -> None:
    other = path.with_name(path.name.replace(".en.", f".{language}."))
    english = dict(leaves(tomllib.loads(path.read_text(encoding="utf-8"))))
    translated = dict(leaves(tomllib.loads(other.read_text(encoding="utf-8"))))

    assert sorted(translated) == sorted(english)
    for key, text in english.items():
        assert type(translated[key]) is type(text), key
        if isinstance(text, str):
            assert fields_of(translated[key]) == fields_of(text), key
            assert bool(translated[key].strip()) == bool(text.strip()), key


def test_no_language_has_a_file_of_its_own() -> None:
    names = {language: {path.name.split(".")[0] for path in TEXTS.glob(f"*.{language}.toml")} for language in LANGUAGES}

    assert len(set(map(frozenset, names.values()))) == 1
    assert len(list(TEXTS.glob("*.toml"))) == len(LANGUAGES) * len(names["en"])


def test_no_two_files_hold_the_same_text() -> None:
    for language in LANGUAGES:
        seen: dict[str, str] = {}
        for path in sorted(TEXTS.glob(f"*.{language}.toml")):
            for key, _ in leaves(tomllib.loads(path.read_text(encoding="utf-8"))):
                assert key not in seen, f"{key} is in {path.name} and in {seen[key]}"
                seen[key] = path.name


@pytest.mark.parametrize(
    ("error", "code"), [(UsageError, EXIT_USAGE), (MachineError, EXIT_MACHINE), (EvidenceError, EXIT_INCONCLUSIVE)]
)
def test_each_kind_of_error_has_its_exit_code(error: type[LabError], code: int) -> None:
    assert error("host-busy", host="h", container="c").exit_code == code
    assert (EXIT_USAGE, EXIT_MACHINE, EXIT_INCONCLUSIVE) == (2, 3, 4)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_error_is_one_line_whatever_it_is_given(language: str) -> None:
    line = error_line(UsageError("not-a-run", path="a\nb\r{c}", file="{}"), language)

    assert "\n" not in line
    assert "\r" not in line
    assert "{c}" in line
    assert line.startswith("lab: ")
