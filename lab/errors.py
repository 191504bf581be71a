"""The lab's errors: each says what happened, where, and what to do, in the reader's language."""

from __future__ import annotations

from typing import ClassVar, Final

from lab.foreign import shown
from lab.text.catalog import messages

EXIT_PASS: Final = 0
EXIT_FAIL: Final = 1
EXIT_USAGE: Final = 2
EXIT_MACHINE: Final = 3
EXIT_INCONCLUSIVE: Final = 4
EXIT_INTERRUPTED: Final = 130


class LabError(Exception):
    """Base of every error that a person sees.

    `code` finds the texts `errors.<code>.what` and `errors.<code>.remedy` in lab/text; `params` fill their fields.
    """

    exit_code: ClassVar[int] = EXIT_MACHINE

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code, params)
        self.code = code
        self.params = params

    def what(self, language: str = "en") -> str:
        """Return what happened and where, one line."""
        return self._text("what", language)

    def remedy(self, language: str = "en") -> str:
        """Return what to do about it, one line."""
        return self._text("remedy", language)

    def _text(self, part: str, language: str) -> str:
        filled = messages(language).get(f"errors.{self.code}.{part}", **self.params) if self.params else None
        text = filled or messages(language).get(f"errors.{self.code}.{part}")
        return shown(" ".join(text.split()))

    def __str__(self) -> str:
        return f"{self.what()} {self.remedy()}"


class UsageError(LabError):
    """What was asked for makes no sense: wrong arguments, an unknown exercise, a malformed subnet."""

    exit_code = EXIT_USAGE


class MachineError(LabError):
    """This machine cannot do it: no engine, no image, an address or a port taken, a full disk."""

    exit_code = EXIT_MACHINE


class EvidenceError(LabError):
    """The evidence does not decide: a truncated capture, a record that is damaged, a probe that died."""

    exit_code = EXIT_INCONCLUSIVE


class InterruptError(LabError):
    """A person or a signal ended it before it had a result."""

    exit_code = EXIT_INTERRUPTED
