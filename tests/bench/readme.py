"""Pure but for two files: put the benchmark's table between its markers in the READMEs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from lab.settings import ROOT

BEGIN: Final = "<!-- bench -->"
END: Final = "<!-- /bench -->"
READMES: Final = {"en": ROOT / "README.md", "zh-CN": ROOT / "README.zh-CN.md"}


class NoMarkersError(Exception):
    """A README that is not there, or does not hold each marker once and in order: its path."""


def renewed(page: str, table: str, where: str) -> str:
    """Return the page with the table between the markers; NoMarkersError names `where` when they are not there."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in before + after:
        raise NoMarkersError(where)
    return f"{before}{BEGIN}\n{table.strip()}\n{END}{after}"


def check(path: Path) -> None:
    """Raise NoMarkersError when the table has no place there: said before an hour of measuring, not after."""
    renewed(_read(path), "", path.name)


def renew(path: Path, table: str) -> None:
    """Write the table into a README."""
    path.write_text(renewed(_read(path), table, path.name), encoding="utf-8")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        raise NoMarkersError(path.name) from None
