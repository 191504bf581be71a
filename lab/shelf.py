"""Where the exercises stand: their folders by number and the files in them, without importing any of them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from lab.errors import UsageError
from lab.text.catalog import Catalog, load_catalog

EXERCISES: Final = Path(__file__).parent.parent / "exercises"
FOLDER: Final = re.compile(r"ex(\d\d)_(\w+)")
CODE: Final = "exercise.py"
README: Final = {"en": "README.md", "zh-CN": "README.zh-CN.md"}
"""The README by language: of an exercise, and of the lab."""
README_PARTS: Final = ("steps", "by-hand")
"""The parts of an exercise's README that are made from the exercise."""


def exercise_folders(root: Path = EXERCISES) -> Mapping[int, Path]:
    """Return the exercises' folders by number, in order."""
    found = {}
    for folder in sorted(root.iterdir()):
        if (match := FOLDER.fullmatch(folder.name)) and (folder / CODE).is_file():
            found[int(match[1])] = folder
    return found


def exercise_folder(number: int, root: Path = EXERCISES) -> Path:
    """Return the folder of the exercise of that number; UsageError when there is none."""
    folders = exercise_folders(root)
    if number not in folders:
        raise UsageError("unknown-exercise", number=number, known=", ".join(str(n) for n in folders))
    return folders[number]


def marks(part: str) -> tuple[str, str]:
    """Return the lines between which a part of a README stands."""
    return f"<!-- {part}: begin -->", f"<!-- {part}: end -->"


def text_file(folder: Path, language: str) -> Path:
    """Return where an exercise's texts stand."""
    return folder / f"text.{language}.toml"


def read_texts(folder: Path, language: str) -> Catalog:
    """Return an exercise's texts; UsageError, with file and line, when they are not there or cannot be read."""
    path = text_file(folder, language)
    try:
        return load_catalog(folder, "text", language)
    except OSError as error:
        raise UsageError("texts-unreadable", where=path, reason=error.strerror) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        line = found[1] if (found := re.search(r"line (\d+)", str(error))) else "1"
        raise UsageError("texts-unreadable", where=f"{path}:{line}", reason=str(error)) from None
