"""Find the words for an id in the reader's language."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

LANGUAGES: Final = ("en", "zh-CN")
_HERE: Final = Path(__file__).parent


class MissingTextError(KeyError):
    """A text id that a catalog does not hold: a defect of the lab, caught by the key-parity tests."""


def language_of(spelling: str) -> str | None:
    """Return the language that any spelling of it or of a locale means, None for none of ours; as lab/setup/say.sh.

    >>> [language_of(each) for each in ("zh", "zh_CN.UTF-8", "ZH-Hans", "en_GB", "POSIX", "de")]
    ['zh-CN', 'zh-CN', 'zh-CN', 'en', 'en', None]
    """
    name = re.split(r"[.@]", spelling, maxsplit=1)[0].lower()
    if name in {"c", "posix"}:
        return "en"
    begin = re.split(r"[-_]", name, maxsplit=1)[0]
    return next((known for known in LANGUAGES if known.partition("-")[0] == begin), None)


def choose_language(environment: Mapping[str, str]) -> str:
    """Return the reader's language: LAB_LANG when given, else the locale, else English.

    An unknown LAB_LANG counts as none here; `lab.settings` refuses it.
    """
    # POSIX: LC_ALL wins over LC_MESSAGES, which wins over LANG.
    locale = next(filter(None, map(environment.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return language_of(environment.get("LAB_LANG") or "") or language_of(locale) or "en"


class Catalog:
    """The texts of one TOML file per language, looked up by a dotted id such as `errors.unknown-exercise.what`."""

    def __init__(self, texts: Mapping[str, Any], origin: str) -> None:
        self._texts = texts
        self._origin = origin

    def __contains__(self, key: str) -> bool:
        return self._find(key) is not None

    def get(self, key: str, /, **params: object) -> str:
        """Return the text under `key`, with `{name}` fields filled in; MissingTextError when there is none."""
        found = self._find(key)
        if not isinstance(found, str):
            raise MissingTextError(f"{key} in {self._origin}")
        return found.format(**params) if params else found

    def maybe(self, key: str, /, **params: object) -> str | None:
        """Return the text under `key`, or None when the catalog has none."""
        return self.get(key, **params) if isinstance(self._find(key), str) else None

    def table(self, key: str) -> Mapping[str, Any]:
        """Return the table under `key` (empty when there is none)."""
        found = self._find(key)
        return found if isinstance(found, Mapping) else {}

    def _find(self, key: str) -> Any:  # noqa: ANN401 - a TOML value
        found: Any = self._texts
        for part in key.split("."):
            if not isinstance(found, Mapping) or part not in found:
                return None
            found = found[part]
        return found


def load_catalog(folder: Path, stem: str, language: str) -> Catalog:
    """Read `folder/stem.<language>.toml` into a catalog."""
    path = folder / f"{stem}.{language}.toml"
    return Catalog(tomllib.loads(path.read_text(encoding="utf-8")), path.name)


@functools.cache
def messages(language: str) -> Catalog:
    """Return the lab's own messages (`errors.*`, `cli.*`, `report.*`, `judge.*`, `doctor.*`)."""
    merged: dict[str, Any] = {}
    for path in sorted(_HERE.glob(f"*.{language}.toml")):
        if path.name.startswith("glossary."):
            continue  # a book of its own (lab.text.glossary), as long as all others together
        _merge(merged, tomllib.loads(path.read_text(encoding="utf-8")))
    return Catalog(merged, f"lab/text/*.{language}.toml")


def _merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, Mapping):
            _merge(into.setdefault(key, {}), value)
        else:
            into[key] = value
