"""What people read is plain technical language: no personified kernels, no metaphors, one term for one thing."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from lab.settings import ROOT

BANNED: Final = {
    "en": (
        r"[Kk]nock(?:s|ed|ing)?\b",
        r"\bkernel (?:tells|says|asks|believes|knows)\b",
        r"\b(?:is|are|was) asked again\b",
        r"\basks again and again\b",
        r"\bghosts?\b",
        r"\bpatience\b",
        r"\bimpatient\b",
        r"\bbelieves?\b",
        r"\bwithout a word\b",
        r"\bin vain\b",
        r"\bfor ever\b",
        r"\bdies of\b",
        r"\bhears? of\b",
        r"\blast but one\b",
        r"\blooks on only\b",
        r"\bis as new\b",
        r"\bis no (?:run|capture|amount|column|answer|message)\b",
        r"\bthat eats\b",
        r"\bnobody speaks\b",
        r"\bmend(?:s|ed)? (?:it|the server)\b",
        r"\bbad will\b",
        r"\bdearer\b",
        r"\bforgets? (?:the|a|it|them)\b",
        r"\bwhom tcpdump\b",
        r"\bin the midst\b",
    ),
    "zh-CN": ("accept 队列", "计时器", "迷途", "敲门", "杳无音讯", "幽灵", "演出", "房间", "分组", "白问", "一声不响", "赶出去", "数出九条", "忘掉", "词汇表", "应付", "说什么都没用"),
}  # fmt: skip
ALIASES: Final = "aliases"
"""What a person may type is found whatever it is called."""
CODE: Final = re.compile(r"`[^`]*`|\]\([^)]*\)|<!--.*?-->", re.DOTALL)


def strings(table: Any) -> Iterator[str]:
    if isinstance(table, str):
        yield table
    elif isinstance(table, list):
        for each in table:
            yield from strings(each)
    elif isinstance(table, dict):
        for name, each in table.items():
            if name != ALIASES:
                yield from strings(each)


def files(language: str) -> list[Path]:
    readme = "README.md" if language == "en" else f"README.{language}.md"
    pages = [ROOT / readme, *(ROOT / "exercises").rglob(readme), *(ROOT / "images").rglob(readme)]
    return [
        *pages,
        *(ROOT / "lab" / "text").glob(f"*.{language}.toml"),
        *(ROOT / "exercises").rglob(f"*.{language}.toml"),
    ]


def found(text: str, language: str) -> list[str]:
    return [match[0] for pattern in BANNED[language] for match in re.finditer(pattern, CODE.sub("", text))]


def test_the_patterns_find_what_they_are_for() -> None:
    assert found("the fourth client knocks in vain; the kernel tells it without a word", "en") == [
        "knocks", "kernel tells", "without a word", "in vain",
    ]  # fmt: skip
    assert found("一个连接在 accept 队列里", "zh-CN") == ["accept 队列"]
    assert found("`knock` and LAB_PATIENCE", "en") == []


@pytest.mark.parametrize(
    ("path", "language"),
    [(path, language) for language in BANNED for path in files(language)],
    ids=lambda value: value.relative_to(ROOT).as_posix() if isinstance(value, Path) else value,
)
def test_no_page_says_it_otherwise(path: Path, language: str) -> None:
    text = path.read_text(encoding="utf-8")
    said = strings(tomllib.loads(text)) if path.suffix == ".toml" else [text]
    odd = {each: words for each in said if (words := found(each, language))}
    assert odd == {}
