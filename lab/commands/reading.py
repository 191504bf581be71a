"""Commands that only read: list, explain, hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.errors import EXIT_PASS, UsageError
from lab.settings import ROOT, Settings
from lab.shelf import README, exercise_folders, read_texts

if TYPE_CHECKING:
    from lab.exercise import Exercise


def list_exercises(settings: Settings) -> int:
    """Print each exercise's title and summary; its number stands before them."""
    from lab.report.contents import contents_lines  # noqa: PLC0415 - each command loads what it alone needs
    from lab.report.style import emit_all, new_console, page_width  # noqa: PLC0415

    console = new_console()
    texts = ((number, folder, read_texts(folder, settings.language)) for number, folder in exercise_folders().items())
    said = {number: (each.maybe("title") or folder.name, each.maybe("summary") or "") for number, folder, each in texts}
    emit_all(console, contents_lines(said, page_width(console)))
    return EXIT_PASS


def explain(settings: Settings, word: str) -> int:
    """Explain a state, a column, a flag letter or a term; without a word print the legend."""
    from lab.report.legend import explain_lines, legend_lines  # noqa: PLC0415 - each command loads what it alone needs
    from lab.report.style import emit_all, new_console, page_width  # noqa: PLC0415
    from lab.text.glossary import load_glossary  # noqa: PLC0415

    console = new_console()
    if not word:
        emit_all(console, legend_lines(settings.language, page_width(console)))
        return EXIT_PASS
    glossary = load_glossary(settings.language)
    term = glossary.find(word)
    if term is None:
        near = glossary.near(word)
        raise UsageError("unknown-word" if not near else "unknown-word-near", word=word, near=", ".join(near))
    emit_all(console, explain_lines(term, glossary, page_width(console)))
    return EXIT_PASS


def by_hand(settings: Settings, number: int, *, readme: bool) -> int:
    """Print the exact lines to type by hand, and what one should then see; or put them into the READMEs."""
    from lab.loading import load_exercise  # noqa: PLC0415
    from lab.report.by_hand import by_hand_lines  # noqa: PLC0415
    from lab.report.style import emit_all, new_console, page_width  # noqa: PLC0415

    exercise = load_exercise(number)
    if not readme:
        console = new_console()
        emit_all(console, by_hand_lines(exercise, settings.addresses, settings.language, page_width(console)))
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
