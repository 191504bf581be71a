"""Where something stands in an exercise's files, so that a mistake is named with its file and line."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Final

from lab.settings import ROOT

_HEADER: Final = re.compile(r"\s*\[(?P<key>[^\[\]]+)\]")
_KEY: Final = re.compile(r"\s*(?P<key>[A-Za-z0-9_.\"-]+)\s*=")


class Source:
    """An exercise's code."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def _text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def _calls(self) -> list[ast.Call]:
        return [node for node in ast.walk(ast.parse(self._text)) if isinstance(node, ast.Call)]

    @property
    def first(self) -> str:
        """The place of the file's first line."""
        return place(self.path, 1)

    def last_of(self, kind: str, name: str) -> str:
        """Return the place of the last `Step` or `Claim` of that name, or of the last expectation of that `id`."""
        given = (_keyword(call, kind) if kind == "id" else _first(call) for call in self._calls)
        lines = [
            call.lineno
            for call, value in zip(self._calls, given, strict=True)
            if value == name and kind in ("id", _named(call))
        ]
        return place(self.path, max(lines, default=1))

    def step(self, step: str, value: str = "") -> str:
        """Return the place of `value` in the step of that id, of the step itself where it does not stand there."""
        return self._within([call for call in self._calls if _named(call) == "Step" and _first(call) == step], value)

    def claim(self, claim: str, value: str = "") -> str:
        """Return the place of `value` in the claim of that number."""
        return self._within([call for call in self._calls if _named(call) == "Claim" and _first(call) == claim], value)

    def expectation(self, expectation: str, value: str = "") -> str:
        """Return the place of `value` in the expectation of that id."""
        found = [
            call
            for call in self._calls
            if expectation in (_keyword(call, "id"), _first(call)) and _named(call) != "Step"
        ]
        return self._within(found, value)

    def assignment(self, name: str) -> str:
        """Return the place where the module gives `name` a value, the first line where it does not."""
        lines = self._text.splitlines()
        found = (n for n, line in enumerate(lines, start=1) if re.match(rf"(?:def )?{name}\b", line))
        return place(self.path, next(found, 1))

    def raised(self, trace: TracebackType | None, line: str = "") -> str | None:
        """Return the place in this file where an error was raised: of the text `line` from there on, if it is given."""
        number = None
        while trace is not None:
            if Path(trace.tb_frame.f_code.co_filename) == self.path:
                number = trace.tb_lineno
            trace = trace.tb_next
        if number is None:
            return None
        lines = enumerate(self._text.splitlines(), start=1)
        return place(self.path, next((n for n, text in lines if line and n >= number and line in text), number))

    def _within(self, calls: list[ast.Call], value: str) -> str:
        """Return the place of a text in one of these calls, of the first call else, of the text anywhere else."""
        found = (_line_in(node, value) for call in calls for node in ast.walk(call) if value and _says(node, value))
        if (number := next(found, None)) is not None:
            return place(self.path, number)
        if calls:
            return place(self.path, calls[0].lineno)
        anywhere = (n for n, line in enumerate(self._text.splitlines(), start=1) if value and value in line)
        return place(self.path, next(anywhere, 1))


def place(path: Path, line: int) -> str:
    """Return a file and a line as they are printed: `exercises/ex03_handshake_teardown/exercise.py:12`."""
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    return f"{shown}:{line}"


def place_of_text(path: Path, key: str) -> str:
    """Return the place of a text in a TOML file by its dotted id, of the table it belongs to where it is missing."""
    best, line = "", 1
    for number, found in _keys(path):
        if (key == found or key.startswith(f"{found}.")) and len(found) > len(best):
            best, line = found, number
    return place(path, line)


def _keys(path: Path) -> Iterator[tuple[int, str]]:
    table = ""
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if header := _HEADER.match(text):
            table = header["key"].replace('"', "").strip()
            yield number, table
        elif key := _KEY.match(text):
            yield number, f"{table}.{key['key']}".replace('"', "").removeprefix(".")


def _named(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _first(call: ast.Call) -> object:
    return call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None


def _keyword(call: ast.Call, name: str) -> object:
    values = (each.value for each in call.keywords if each.arg == name)
    return next((value.value for value in values if isinstance(value, ast.Constant)), None)


def _says(node: ast.AST, value: str) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and _found(node.value, value) is not None


def _line_in(node: ast.AST, value: str) -> int:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return 1
    at = _found(node.value, value) or 0
    return node.lineno + node.value[:at].count("\n")


def _found(text: str, value: str) -> int | None:
    """Return where a name stands in a text, whole: `a` does not stand in `server`."""
    found = re.search(rf"(?<![\w-]){re.escape(value)}(?![\w-])", text)
    return None if found is None else found.start()
