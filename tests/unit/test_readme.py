"""What the pages for people say is so: targets, links, commands, settings, exit codes, rooms, in both languages."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import errors
from lab.cli import main
from lab.settings import ROOT
from lab.shelf import exercise_folders
from lab.text.catalog import load_catalog

READMES = {"en": "README.md", "zh-CN": "README.zh-CN.md"}
PAGES = sorted(path.name for path in ROOT.glob("*.md"))
LESSONS = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("exercises/*/*.md"))
TARGET = re.compile(r"^([a-z0-9%-]+):.*## (.+) \| (.+)$", re.MULTILINE)
FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[([^\]]*)\]\(([^)\s]+)\)")
VARIABLE = re.compile(r"\bLAB_[A-Z_]+\b")


def page(name: str | Path) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def prose(name: str | Path) -> str:
    return FENCE.sub("", page(name))


def sections(name: str) -> list[str]:
    """Return the page's parts below each heading of the second level; the part before the first one comes first."""
    return re.split(r"^## ", prose(name), flags=re.MULTILINE)


def table(text: str) -> list[tuple[str, ...]]:
    """Return the rows of the tables in a text, without their headings."""
    rows = [tuple(cell.strip() for cell in line.strip("| ").split(" | ")) for line in text.splitlines() if "|" in line]
    begins = [number + 1 for number, row in enumerate(rows) if set("".join(row)) <= set("-|: ")]
    return rows[begins[0] :] if begins else []


def section_with(name: str, text: str) -> str:
    (found,) = [part for part in sections(name) if f"\n| {text} |" in part]
    return found


def targets(language: str) -> list[tuple[str, str]]:
    column = {"en": 1, "zh-CN": 2}[language]
    return [(f"`make {found[0].replace('%', 'N')}`", found[column]) for found in TARGET.findall(page("Makefile"))]


def command_lines(name: str) -> Iterator[list[str]]:
    """Yield the words of every command line in the shell blocks of a page, without variables before it."""
    for _, kind, block in FENCE.findall(page(name)):
        for line in block.splitlines() if kind == "sh" else ():
            words = shlex.split(line, comments=True)
            while words and re.match(r"[A-Z_]+=", words[0]):
                words = words[1:]
            if words:
                yield words


def anchors(path: Path) -> set[str]:
    """Return what links within a page may name: each heading in small letters, blanks as hyphens."""
    headings = re.findall(r"^#+ (.+)$", prose(path), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_target(word: str) -> bool:
    known = [name for name, *_ in TARGET.findall(page("Makefile"))]
    return word in known or word in [f"exercise-{number}" for number in exercise_folders()]


@pytest.mark.parametrize("language", READMES)
def test_the_readme_lists_every_target_as_the_makefile_describes_it(language: str) -> None:
    assert table(section_with(READMES[language], targets(language)[0][0])) == targets(language)


@pytest.mark.parametrize("name", PAGES + LESSONS)
def test_every_relative_link_leads_somewhere(name: str) -> None:
    broken = []
    for _, link in LINK.findall(prose(name)):
        if re.match(r"\w+://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("name", PAGES)
def test_every_command_in_a_block_exists(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words in command_lines(name):
        program, *arguments = words
        if program == "make":
            missing = [word for word in arguments if "=" not in word and not is_target(word)]
        elif program == ".venv/bin/lab":
            missing = unknown_to_lab(arguments, capsys)
        else:
            assert program in {".venv/bin/python", "python3", "bash"}, words
            missing = [word for word in arguments if "/" in word and not (ROOT / word).exists()]
        assert missing == [], words


def unknown_to_lab(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the options that the help of that command of `lab` does not name; the help itself fails without it."""
    command = [] if arguments[0].startswith("-") else arguments[:1]
    with pytest.raises(SystemExit, match=r"^0$"):
        main([*command, "--help"])
    known = capsys.readouterr().out
    return [word for word in arguments if word.startswith("--") and word not in known]


@pytest.mark.parametrize("language", READMES)
def test_inline_commands_exist_too(language: str) -> None:
    made = re.findall(r"`(?:[A-Z_]+=\S+ )*make ([a-z0-9-]+)`", prose(READMES[language]))
    assert "exercise-3" in made
    assert [target for target in made if not is_target(target)] == []


@pytest.mark.parametrize("name", PAGES)
def test_every_variable_named_is_read_by_the_code(name: str) -> None:
    sources = [ROOT / "Makefile", ROOT / "compose.yaml", *(ROOT / "lab").rglob("*.py"), *(ROOT / "lab").rglob("*.sh")]
    read = {word for path in sources for word in VARIABLE.findall(path.read_text(encoding="utf-8"))}
    assert set(VARIABLE.findall(page(name))) - read == set()


@pytest.mark.parametrize("language", READMES)
def test_every_setting_of_the_command_is_in_the_table(language: str) -> None:
    listed = [row[0].strip("`") for row in table(section_with(READMES[language], "`LAB_LANG`"))]
    settings = set(VARIABLE.findall((ROOT / "lab" / "settings.py").read_text(encoding="utf-8")))
    made = {"LAB_SERVER_ADDRESS", "LAB_CLIENT_ADDRESS", "LAB_BRIDGE"}  # the lab's own, for compose
    assert settings - made <= set(listed)
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("language", READMES)
def test_the_exit_codes_are_those_of_the_lab(language: str) -> None:
    codes = {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    assert [int(row[0]) for row in table(section_with(READMES[language], "130"))] == sorted(codes)


@pytest.mark.parametrize("language", READMES)
def test_the_map_names_every_room_and_only_what_is_there(language: str) -> None:
    rooms = [
        room for row in table(section_with(READMES[language], "`tests/`")) for room in re.findall(r"`([^`]+)`", row[0])
    ]
    assert [room for room in rooms if not (ROOT / room).exists()] == []
    folders = [path for path in (ROOT / "lab").iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert {f"lab/{folder.name}/" for folder in folders} <= set(rooms)


@pytest.mark.parametrize("language", READMES)
def test_every_exercise_is_listed_in_its_own_words(language: str) -> None:
    expected = []
    for number, folder in exercise_folders().items():
        texts = load_catalog(folder, "text", language)
        expected.append((str(number), f"`make exercise-{number}`", texts.get("title"), texts.get("summary")))
    listed = table(LINK.sub(r"\1", section_with(READMES[language], "0 | `make exercise-0`")))
    assert listed == expected


@pytest.mark.parametrize("name", READMES.values())
def test_the_benchmarks_have_one_place(name: str) -> None:
    assert re.findall(r"<!-- /?bench -->", page(name)) == ["<!-- bench -->", "<!-- /bench -->"]


def test_both_readmes_have_the_same_shape() -> None:
    english, chinese = (shape(name) for name in READMES.values())
    assert english == chinese


def shape(name: str) -> list[object]:
    """Return what both languages must have alike: headings, table rows, list items, commands, links to files."""
    lines = prose(name).splitlines()
    kinds = [found[1] for line in lines if (found := re.match(r"(#+|\||-) ", line))]
    links = [link for _, link in LINK.findall(prose(name)) if not re.match(r".*README|.*(page|timeline)\.", link)]
    return [kinds, list(command_lines(name)), sorted(links)]


def test_contributing_draws_the_rooms_as_import_linter_holds_them() -> None:
    config = tomllib.loads(page("pyproject.toml"))["tool"]["importlinter"]["contracts"][0]["layers"]
    assert config in [block.split("\n")[:-1] for _, _, block in FENCE.findall(page("CONTRIBUTING.md"))]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_names_no_absolute_path(name: str) -> None:
    assert re.findall(r"(?<![\w.~>)…/])/(?:home|root|work|usr|tmp|var|etc)/\S*", page(name)) == []


@pytest.mark.parametrize("path", sorted(ROOT.glob("exercises/*/page*.svg")), ids=lambda path: path.name)
def test_a_picture_in_the_repository_is_of_the_default_lab(path: Path) -> None:
    assert "192.168.1.102" in path.read_text(encoding="utf-8")
