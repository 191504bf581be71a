"""Make the files of a new exercise, and list the words that are still missing in it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any, Final

from lab.checking.source import place_of_text
from lab.commands.reading import refresh_readmes
from lab.errors import EXIT_PASS, UsageError
from lab.loading import load_exercise
from lab.settings import ROOT, Settings
from lab.shelf import CODE, EXERCISES, README, exercise_folders, text_file
from lab.text.catalog import LANGUAGES, messages

_SKELETON: Final = Path(__file__).parent / "skeleton"
_SLUG: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_MOST: Final = 99


def new(settings: Settings, number: int, slug: str) -> int:
    """Make exercise `number`, or go on with one of that name: print each file made, and each text without words.

    UsageError for a number that is taken, and for a name that cannot be a folder's.
    """
    if not 0 <= number <= _MOST or not _SLUG.fullmatch(slug):
        raise UsageError("exercise-name", number=number, slug=slug)
    folder = EXERCISES / f"ex{number:02}_{slug}"
    taken = exercise_folders().get(number)
    if taken is not None and taken != folder:
        raise UsageError("exercise-taken", number=number, folder=taken.name)
    folder.mkdir(exist_ok=True)
    for path, skeleton in _files(number, folder).items():
        if not path.exists():
            text = (_SKELETON / skeleton).read_text(encoding="utf-8")
            path.write_text(Template(text).substitute(number=number), encoding="utf-8")
            print(path.relative_to(ROOT))
    refresh_readmes(load_exercise(number))
    words = messages(settings.language)
    missing = list(missing_words(folder))
    if missing:
        print(words.get("cli.new.missing"))
        for line in missing:
            print(f"  {line}")
    print(words.get("cli.new.next", number=number))
    return EXIT_PASS


def _files(number: int, folder: Path) -> Mapping[Path, str]:
    """Return each file of an exercise, and the skeleton that it begins as."""
    return {
        folder / CODE: "exercise.py.in",
        **{text_file(folder, language): "text.toml.in" for language in LANGUAGES},
        **{folder / name: f"{name}.in" for name in README.values()},
        ROOT / "tests" / "wrong" / f"ex{number:02}.py": "wrong.py.in",
    }


def missing_words(folder: Path) -> Iterator[str]:
    """Yield the place and the id of every text of an exercise that is empty."""
    for language in LANGUAGES:
        path = text_file(folder, language)
        for key in _empty(tomllib.loads(path.read_text(encoding="utf-8"))):
            yield f"{place_of_text(path, key)}: {key}"


def _empty(table: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _empty(value, f"{prefix}{name}.")
        elif not all(text.strip() for text in (value if isinstance(value, list) else [value])):
            yield prefix + name
