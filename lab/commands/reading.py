"""Commands that only read: list, explain, hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.errors import EXIT_PASS, UsageError
from lab.settings import ROOT, Settings
from lab.shelf import README, exercise_folders, read_texts

if TYPE_CHECKING:
    from lab.exercise import Exercise


def list_exercises(settings: Settings) -> int:
    """Print a line per exercise; it begins with its number."""
    for number, folder in exercise_folders().items():
        texts = read_texts(folder, settings.language)
        print(f"{number:<3} {texts.maybe('title') or folder.name} — {texts.maybe('summary') or ''}")
    return EXIT_PASS


def explain(settings: Settings, word: str) -> int:
    """Explain a state, a column, a flag letter or a term; without a word print the legend."""
    from rich.console import Console  # noqa: PLC0415 - each command loads what it alone needs

    from lab.report.legend import explain_page, legend_page  # noqa: PLC0415
    from lab.text.glossary import load_glossary  # noqa: PLC0415

    if not word:
        Console(highlight=False).print(legend_page(settings.language))
        return EXIT_PASS
    glossary = load_glossary(settings.language)
    term = glossary.find(word)
    if term is None:
        near = glossary.near(word)
        raise UsageError("unknown-word" if not near else "unknown-word-near", word=word, near=", ".join(near))
    Console().print(explain_page(term, glossary))
    return EXIT_PASS


def by_hand(settings: Settings, number: int, *, readme: bool) -> int:
    """Print the exact lines to type by hand, and what one should then see; or put them into the READMEs."""
    from rich.console import Console  # noqa: PLC0415

    from lab.loading import load_exercise  # noqa: PLC0415
    from lab.report.by_hand import by_hand_page  # noqa: PLC0415

    exercise = load_exercise(number)
    if not readme:
        Console().print(by_hand_page(exercise, settings.addresses, settings.language))
        return EXIT_PASS
    refresh_readmes(exercise)
    return EXIT_PASS


def refresh_readmes(exercise: Exercise) -> None:
    """Make the made parts of the exercise's READMEs anew, and its row in the lab's own; print each file."""
    from lab.report.readme import listed, refreshed  # noqa: PLC0415

    for language, name in README.items():
        for path, renew in ((exercise.folder / name, refreshed), (ROOT / name, listed)):
            text = path.read_text(encoding="utf-8")
            path.write_text(renew(text, exercise, language), encoding="utf-8")
            print(path)
