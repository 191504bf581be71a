r"""Where text of others becomes text of ours: whatever programs, files, captures and the engine say.

Such text may move a terminal's cursor, turn the direction of writing or end a line. `shown` is the one rule for that,
and every form that is printed or written applies it: a character that is not printable stands as a backslash and its
code (`\x1b`, `\n`, `\u202e`), a byte that is no character as `\xff`. All others stand as they are, the backslash too.
"""

from __future__ import annotations

import re
from typing import Final

TAKEN: Final = "surrogateescape"
"""How bytes become text without loss until they are shown (PEP 383); `shown` knows them again."""

_BYTE: Final = range(0xDC80, 0xDD00)
# Printable ASCII and the whole blocks of Chinese, without asking for each character.
_HARMLESS: Final = re.compile(r"[ -~\u4e00-\u9fff]*")
_IN_JSON: Final = re.compile(r"[^\n -~\u4e00-\u9fff]")
_NOT_ASCII: Final = re.compile(r"[^\n -~]")


def shown(text: str) -> str:
    r"""Return the text on one line, every character of it printable.

    >>> print(shown("a\x1b[2Jb\n\x9b\u202e中\\ é"))
    a\x1b[2Jb\n\x9b\u202e中\ é
    >>> print(shown(b"\xff\xe4".decode(errors=TAKEN)))
    \xff\xe4
    """
    if _HARMLESS.fullmatch(text):
        return text
    return "".join(char if _stands(char) else _code(char) for char in text)


def shown_lines(text: str) -> str:
    """Return a text of several lines so that it keeps its lines, and nothing else that is not printable."""
    return "\n".join(map(shown, text.split("\n")))


def shown_json(document: str) -> str:
    r"""Return JSON that holds the same, with what is not printable in JSON's own escapes.

    >>> print(shown_json('{"a": "\x9b\u202e中"}'))
    {"a": "\u009b\u202e中"}
    """
    return _IN_JSON.sub(lambda found: found[0] if _stands(found[0]) else _in_json(found[0]), document)


def ascii_json(document: str) -> str:
    """Return JSON that holds the same, in ASCII."""
    return _NOT_ASCII.sub(lambda found: _in_json(found[0]), document)


def _stands(char: str) -> bool:
    # Blanks of other widths are none of Python's printable characters, and harmless.
    return char.isprintable() or char in "\u00a0\u3000"


def _code(char: str) -> str:
    code = ord(char)
    return f"\\x{code - 0xDC00:02x}" if code in _BYTE else char.encode("unicode_escape").decode()


def _in_json(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
