"""Commands that only read: list, explain, hand."""

from __future__ import annotations

from lab.errors import EXIT_PASS, UsageError
from lab.settings import Settings
from lab.shelf import exercise_folders
from lab.text.catalog import load_catalog


def list_exercises(settings: Settings) -> int:
    """Print a line per exercise; it begins with its number."""
    for number, folder in exercise_folders().items():
        texts = load_catalog(folder, "text", settings.language)
        print(f"{number:<3} {texts.get('title')} — {texts.get('summary')}")
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

    from lab.exercise import load_exercise  # noqa: PLC0415
    from lab.report.by_hand import by_hand_page  # noqa: PLC0415
    from lab.report.readme import README, refreshed  # noqa: PLC0415

    exercise = load_exercise(number)
    if not readme:
        Console().print(by_hand_page(exercise, settings.addresses, settings.language))
        return EXIT_PASS
    for language, name in README.items():
        path = exercise.folder / name
        path.write_text(refreshed(path.read_text(encoding="utf-8"), exercise, language), encoding="utf-8")
        print(path)
    return EXIT_PASS
