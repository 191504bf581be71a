"""The command `report`: a saved run's timeline as a page, as text, as pictures, or beside the packets it explains."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lab.commands.judged import read_saved
from lab.commands.progress import say
from lab.commands.writing import as_long_as_read
from lab.errors import EXIT_PASS, EvidenceError, MachineError, UsageError
from lab.exercise import JudgedRun
from lab.report.lanes.choice import Window, named
from lab.report.lanes.rows import Title
from lab.report.story import tell
from lab.report.timeline_text import TimelineText, timeline_text
from lab.report.transcript import next_begin
from lab.report.words import Words
from lab.settings import Settings

if TYPE_CHECKING:
    from rich.console import Console

    from lab.timeline.model import Talk, Timeline

PAGE: Final = "report.html"
"""The page's name in the run's folder."""


def write_page(settings: Settings, name: str, path: Path | None) -> int:
    """Write the page of a saved run, into its folder unless told where."""
    from lab.report.page.document import page_document  # noqa: PLC0415 - each form loads what it alone needs
    from lab.report.page.opening import lesson  # noqa: PLC0415
    from lab.report.page.run import run_of  # noqa: PLC0415

    saved = read_saved(settings, name)
    language = settings.language
    story = tell(saved, language)
    run = run_of(saved.run, saved.judgement.results, lesson(saved.exercise.steps))
    document = page_document(story, saved.timeline, run, language=language)
    return _write(path or saved.folder / PAGE, document.encode(), settings)


def show_timeline(settings: Settings, run: str, clients: Sequence[str], step: str | None) -> int:
    """Print the timeline of a saved run: of some clients, or of all that have a name; of one step, or of all."""
    with as_long_as_read():
        print_timeline(read_saved(settings, run), settings, clients, step)
    return EXIT_PASS


def print_timeline(
    saved: JudgedRun,
    settings: Settings,
    clients: Sequence[str] = (),
    step: str | None = None,
    *,
    console: Console | None = None,
) -> None:
    """Print the timeline and its notes at the terminal's width."""
    from lab.report.fold import fold  # noqa: PLC0415
    from lab.report.ink import Role, Span, line  # noqa: PLC0415
    from lab.report.style import emit_all, new_console, page_width  # noqa: PLC0415

    text = _text(saved, settings, clients, step)
    console = console or new_console()
    width = page_width(console)
    emit_all(console, text.lines(width))
    for note in ([text.words.lab("timeline.quiet")] if text.quiet else []) + [*text.notes]:
        emit_all(console, [line(Span(part, Role.DIM)) for part in fold(note, width)])


def draw_timeline(settings: Settings, run: str, path: Path, clients: Sequence[str], step: str | None) -> int:
    """Draw the timeline into a file, as SVG."""
    from lab.report.timeline_picture import timeline_document  # noqa: PLC0415

    saved = read_saved(settings, run)
    text = _text(saved, settings, clients, step)
    title = text.words.lab("header.exercise", number=saved.exercise.number, title=text.words.own("title"))
    return _write(path, timeline_document(text, title, settings.language).encode(), settings)


def draw_machine(settings: Settings, run: str, path: Path, clients: Sequence[str]) -> int:
    """Draw the TCP state machine with a client's way through it, the first one's unless told whose, as SVG."""
    from lab.report.machine_paths import machine_paths  # noqa: PLC0415
    from lab.report.machine_svg import machine_svg  # noqa: PLC0415

    if len(clients) > 1:
        raise UsageError("one-client", clients=", ".join(clients))
    saved = read_saved(settings, run)
    timeline = saved.timeline
    talk = _talks(timeline, clients)[0]
    return _write(path, machine_svg(machine_paths(timeline, talk), settings.language).encode(), settings)


def write_packets(settings: Settings, run: str, path: Path) -> int:
    """Write both captures as one pcapng file with comments on the packets."""
    from lab.report.packets import run_pcapng  # noqa: PLC0415

    saved = read_saved(settings, run)
    return _write(path, run_pcapng(saved, settings.language), settings)


def _text(saved: JudgedRun, settings: Settings, clients: Sequence[str], step: str | None) -> TimelineText:
    window = None if step is None else _window(saved, step)
    timeline, words = saved.timeline, _words(saved, settings)
    titles = [] if step is not None else _titles(saved, words)
    return timeline_text(timeline, _talks(timeline, clients), words, window, titles=titles, asked=bool(clients))


def _titles(saved: JudgedRun, words: Words) -> list[Title]:
    """Return when each step began, with its number and its title as on the page."""
    numbers = {step.id: number for number, step in enumerate(saved.exercise.steps, start=1)}
    played = [step for step in saved.run.play.steps if step.id in numbers]
    return [(step.begun_ns, f"{numbers[step.id]}  {words.own(f'steps.{step.id}.title')}") for step in played]


def _talks(timeline: Timeline, clients: Sequence[str]) -> tuple[Talk, ...]:
    talks = named(timeline, clients)
    if not talks:
        raise EvidenceError("no-connection")
    return talks


def _window(saved: JudgedRun, step: str) -> Window:
    """Return from when to when a step lasted: up to the begin of the next one."""
    known = [each.id for each in saved.exercise.steps]
    if step not in known:
        raise UsageError("unknown-step", step=step, known=", ".join(known))
    played = saved.run.play.step(step)
    until = next_begin(saved.run, played)
    return played.begun_ns, saved.run.recording.ended_ns + 1 if until is None else until


def _words(saved: JudgedRun, settings: Settings) -> Words:
    return Words(saved.exercise.texts(settings.language), settings.language, saved.run.recording.hosts)


def _write(path: Path, data: bytes, settings: Settings) -> int:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise MachineError("report-not-written", path=str(path), detail=error.strerror or str(error)) from error
    with as_long_as_read():
        say(settings, "written", path=str(path))
    return EXIT_PASS
