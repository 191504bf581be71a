"""Ask the reader for a prediction before showing what happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TextIO

from rich.cells import cell_len
from rich.console import Console

from lab.report.fold import fold
from lab.report.ink import Line, Role, Span, indented, line
from lab.report.keyboard import read_line
from lab.report.style import emit, page_width
from lab.text.catalog import messages

LETTERS: Final = "abcdefgh"
_MARGIN: Final = 6
_GAP: Final = "   "
_TRIES: Final = 2


def wants_questions(environment: Mapping[str, str], stdin: TextIO, stdout: TextIO) -> bool:
    """Whether to ask: not with ASK=0, not in CI, and only when both ends are a terminal."""
    if environment.get("ASK", "").strip().lower() in {"0", "no", "false", "off"}:
        return False
    if environment.get("CI", "").strip().lower() not in {"", "0", "false"}:
        return False
    return stdin.isatty() and stdout.isatty()


class Asker:
    """Asks one question after another, until the reader ends the input (Ctrl-D)."""

    def __init__(self, stdin: TextIO, console: Console, language: str) -> None:
        self._stdin = stdin
        self._console = console
        self._language = language
        self._told = False
        self.over = False
        """The reader wants no more questions."""

    def ask(self, question: str, choices: Sequence[str]) -> str | None:
        """Return the letter chosen; None when skipped. Ctrl-C passes through as KeyboardInterrupt."""
        if self.over or not choices:
            return None
        width = page_width(self._console)
        for one in question_lines(question, choices, width, self._hint()):
            emit(self._console, one)
        letters = LETTERS[: len(choices)]
        for attempt in range(_TRIES):
            emit(self._console, line(" " * _MARGIN, Span("› ", Role.ASK)), end="")
            self._console.file.flush()
            said = read_line(self._stdin)
            if not said:
                self.over = True
                emit(self._console, ())
                return None
            answer = said.strip().lower().rstrip(").")
            if answer in letters:
                return answer or None
            if attempt + 1 < _TRIES:
                kindly = messages(self._language).get("report.ask.kindly", letters=", ".join(letters))
                emit(self._console, line(" " * _MARGIN, Span(kindly, Role.DIM)))
        return None

    def _hint(self) -> str:
        """Return how to skip, the first time."""
        told, self._told = self._told, True
        return "" if told else messages(self._language).get("report.ask.keys")


def ask(question: str, choices: Sequence[str], stdin: TextIO, console: Console, language: str = "en") -> str | None:
    """Ask one question; None when it is skipped or the input has ended."""
    return Asker(stdin, console, language).ask(question, choices)


def question_lines(question: str, choices: Sequence[str], width: int, hint: str = "") -> Iterator[Line]:
    """Yield the question with its choices beside it when they fit on one line, else below it."""
    offered = [f"{letter}) {choice}" for letter, choice in zip(LETTERS, choices, strict=False)]
    beside = _GAP.join(offered)
    mark = Span("   ?  ", Role.ASK)
    if _MARGIN + cell_len(question) + len(_GAP) + cell_len(beside) <= width:
        yield line(mark, question, _GAP, Span(beside, Role.ASK))
    else:
        first, *rest = fold(question, width - _MARGIN)
        yield line(mark, first)
        yield from indented([line(part) for part in rest], _MARGIN)
        fits = _MARGIN + cell_len(beside) <= width
        yield from indented([line(Span(part, Role.ASK)) for part in ([beside] if fits else offered)], _MARGIN)
    if hint:
        yield line(" " * _MARGIN, Span(hint, Role.DIM))
