"""Lines to type by hand, with the addresses filled in and the terminal each belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lab.exercise import Type
from lab.report.words import Words

_NFT: Final = ("table", "add", "delete", "flush", "list", "quit")
"""What a line begins with that is typed into `nft -i`, and not into the shell."""
_KEYS: Final = {"^C": "Ctrl-C", "^D": "Ctrl-D", "^Z": "Ctrl-Z", "": "Enter"}


@dataclass(frozen=True, slots=True)
class Typed:
    """A line for a terminal: `prompt` is `$` (root: `#`) before a command, `>` before a program's input, or blank."""

    terminal: str
    prompt: str
    text: str

    @property
    def label(self) -> str:
        """The terminal and its prompt: `server$`, `client>`."""
        return f"{self.terminal}{self.prompt}"


def typed(lines: Sequence[Type], words: Words) -> tuple[Typed, ...]:
    """Return the lines of a step as a person types them."""
    return tuple(_typed(one, words) for one in lines)


def _typed(one: Type, words: Words) -> Typed:
    terminal = words.lab(f"terminal.{one.terminal}")
    if one.line in _KEYS:
        return Typed(terminal, "", _KEYS[one.line])
    if one.terminal == "croot" and one.line.partition(" ")[0] in _NFT:
        return Typed(terminal, " nft>", words.filled(one.line))
    if one.terminal in ("root", "croot"):
        return Typed(terminal, "#", words.filled(one.line))
    # Every command of the lab has arguments; a single word is said to the program that runs there.
    return Typed(terminal, "$" if " " in one.line else ">", words.filled(one.line))
