"""What makes a wrong program a right one: the lines to take away and those to put, without headers and docstrings."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

from rich.cells import cell_len

from lab.report.fold import fold_printed
from lab.report.ink import Line, Role, Span, cells, line
from lab.settings import ROOT

_ROOMS: Final = ("servers", "servers/broken", "clients", "clients/broken")
_DOCUMENTED: Final = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_CONTEXT: Final = 1
_GAP: Final = 3
_MISTAKE: Final = re.compile(r"the mistake", re.IGNORECASE)
_FOR_TOOLS: Final = re.compile(r"# (?:type: ignore|noqa)\S*\s*")
_BLOCK: Final = re.compile(r"(?:async )?(?:def|class)\b")


class Sign(StrEnum):
    """What is to be done with a line; `BETWEEN` stands for lines that are left out."""

    TAKE = "-"
    PUT = "+"
    KEEP = " "
    BETWEEN = "…"


_ROLES: Final = {Sign.TAKE: Role.GONE, Sign.PUT: Role.NEW, Sign.KEEP: Role.DIM, Sign.BETWEEN: Role.DIM}


class Change(NamedTuple):
    """A line of the difference, and the comment at its end."""

    sign: Sign
    code: str
    comment: str = ""


class _Source(NamedTuple):
    """A line of a program; the comment at its end says nothing of what it does, unless it marks the mistake."""

    code: str
    comment: str

    @property
    def key(self) -> str:
        return f"{self.code}  {self.comment}" if _MISTAKE.search(self.comment) else self.code


def program(name: str, images: Path = ROOT / "images") -> str | None:
    """Return the text of a server or client by its name, a broken one too; None when there is no such program."""
    found = (images / room / f"{name}.py" for room in _ROOMS)
    return next((path.read_text(encoding="utf-8") for path in found if path.is_file()), None)


def changes(wrong: str, right: str) -> tuple[Change, ...]:
    """Return the difference between two programs, a line of what stays around it; empty when they do the same."""
    before, after = _lines(wrong), _lines(right)
    matcher = SequenceMatcher(None, [one.key for one in before], [one.key for one in after], autojunk=False)
    shown: list[Change] = []
    upto = 0
    for group in matcher.get_grouped_opcodes(_CONTEXT):
        between, upto = after[upto : group[0][3]], group[-1][4]
        if shown:  # a single line takes no more room than the mark that it is left out
            shown.append(Change(Sign.KEEP, *between[0]) if len(between) == 1 else Change(Sign.BETWEEN, ""))
        shown += [one for one in _heading(after, group[0][3]) if one not in shown]
        for tag, begin, end, begin_right, end_right in group:
            if tag == "equal":
                shown += [Change(Sign.KEEP, *one) for one in after[begin_right:end_right]]
                continue
            shown += [Change(Sign.TAKE, *one) for one in before[begin:end]]
            shown += [Change(Sign.PUT, *one) for one in after[begin_right:end_right]]
        if shown[-1].sign is Sign.KEEP and not shown[-1].code.startswith(" "):
            shown.pop()  # what comes after the function says nothing of it
    return tuple(shown)


def draw(wrong: str, right: str, difference: Sequence[Change], words: tuple[str, str], width: int) -> Iterator[Line]:
    """Yield the two programs' names with the words for - and +, then the lines; no line is wider than `width`.

    Where a line is too long, the comment at its end stands above it.
    """
    names = line(Span(wrong, Role.COMMAND), " → ", Span(right, Role.COMMAND))
    key = line(*_key(Sign.TAKE, words[0]), " " * _GAP, *_key(Sign.PUT, words[1]))
    beside = (*names, Span(" " * _GAP), *key)
    yield from [beside] if cells(beside) <= width else [names, key]
    for change in difference:
        role = _ROLES[change.sign]
        for text in _folded(change, width - 2):
            yield line(Span(f"{change.sign} {text}".rstrip(), role))


def _key(sign: Sign, word: str) -> tuple[Span, Span]:
    return Span(sign.value, _ROLES[sign]), Span(f" {word}", Role.DIM)


def _folded(change: Change, width: int) -> list[str]:
    whole = f"{change.code}  {change.comment}" if change.comment else change.code
    if cell_len(whole) <= width:
        return [whole]
    margin = change.code[: len(change.code) - len(change.code.lstrip())]
    above = [margin + change.comment] if change.comment and change.sign is not Sign.KEEP else []
    return [text for part in (*above, change.code) for text in _within(part, margin, width)]


def _within(text: str, margin: str, width: int) -> list[str]:
    """Fold a line; a comment that goes on is a comment still."""
    first, *rest = fold_printed(text, width)
    again = margin + ("# " if text.lstrip().startswith("#") else "    ")
    return [first, *(again + part.strip() for part in rest)]


def _heading(lines: Sequence[_Source], at: int) -> list[Change]:
    """Return the line of the function that the line `at` stands in, unless that line is shown anyway."""
    above = (lines[n] for n in range(at, -1, -1) if _BLOCK.match(lines[n].code))
    found = next(above, None)
    if found is None or found is lines[at]:
        return []
    return [Change(Sign.KEEP, *found)]


def _lines(text: str) -> list[_Source]:
    """Return a program's lines but for the first (`#!`), its docstrings and those left empty."""
    hidden = {1} if text.startswith("#!") else set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node):
            hidden |= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    comments = {token.start[0]: token.start[1] for token in tokens if token.type == tokenize.COMMENT}
    shown = ((n, one) for n, one in enumerate(text.splitlines(), start=1) if n not in hidden and one.strip())
    return [_source(one, comments.get(n)) for n, one in shown]


def _source(text: str, comment_at: int | None) -> _Source:
    if comment_at is None or not text[:comment_at].strip():
        return _Source(text, "")  # a comment on a line of its own is told like any other line
    return _Source(text[:comment_at].rstrip(), _FOR_TOOLS.sub("", text[comment_at:]))
