"""Where the exercises stand: their folders by number, without importing any of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from lab.errors import UsageError

EXERCISES: Final = Path(__file__).parent.parent / "exercises"
FOLDER: Final = re.compile(r"ex(\d\d)_(\w+)")


def exercise_folders(root: Path = EXERCISES) -> Mapping[int, Path]:
    """Return the exercises' folders by number, in order."""
    found = {}
    for folder in sorted(root.iterdir()):
        if (match := FOLDER.fullmatch(folder.name)) and (folder / "exercise.py").is_file():
            found[int(match[1])] = folder
    return found


def exercise_folder(number: int, root: Path = EXERCISES) -> Path:
    """Return the folder of the exercise of that number; UsageError when there is none."""
    folders = exercise_folders(root)
    if number not in folders:
        raise UsageError("unknown-exercise", number=number, known=", ".join(str(n) for n in folders))
    return folders[number]
