"""The command line of the benchmark: `python -m tests.bench --help`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

from lab.errors import EXIT_INTERRUPTED, EXIT_MACHINE, EXIT_USAGE, LabError
from lab.report.error import show_error
from lab.settings import read_settings
from lab.text.catalog import Catalog, choose_language, load_catalog
from tests.bench import extras, measures
from tests.bench.facts import machine_facts
from tests.bench.measures import Measure
from tests.bench.numbers import Comparison, Plain, Row
from tests.bench.reading import reading, reading_conversations
from tests.bench.readme import BEGIN, END, READMES, NoMarkersError, check, renew
from tests.bench.recording import recording
from tests.bench.table import Cells, aims, comparisons, document, facts_line, notes, plain
from tests.bench.timelines import timeline
from tests.bench.transitions import transitions
from tests.bench.world import BrokenError, MissingError, World, world

ROUNDS: Final = 11
QUICK_ROUNDS: Final = 3
MEASURES: Final[Mapping[str, Measure]] = {
    "reset": measures.reset,
    "run": measures.run,
    "channel": measures.channel,
    "up": measures.up,
    "everything": measures.everything,
    "reading": reading,
    "conversations": reading_conversations,
    "recording": recording,
    "transitions": transitions,
    "timeline": timeline,
    "exercise": extras.exercise,
    "judge": extras.judge,
    "list": extras.listing,
    "capture": extras.capture,
    "ss": extras.ss,
}


def main() -> int:
    """Measure and print; exit code 0 whatever the figures are, 2 and 3 as `lab` (3 too when what is measured does not work)."""
    language = choose_language(os.environ)
    texts = texts_of(language)
    options = _options(texts)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        if options.write:
            for path in READMES.values():
                check(path)
        return _bench(options, texts)
    except LabError as error:
        show_error(error, language)
        return error.exit_code
    except NoMarkersError as error:
        return _complain(texts.get("no-markers", path=error, begin=BEGIN, end=END), EXIT_USAGE)
    except KeyboardInterrupt:
        return _complain(texts.get("interrupted"), EXIT_INTERRUPTED)


def texts_of(language: str) -> Catalog:
    """Return the benchmark's own texts."""
    return load_catalog(Path(__file__).parent, "text", language)


def _options(texts: Catalog) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=texts.get("options.description"))
    parser.add_argument("--quick", action="store_true", help=texts.get("options.quick"))
    parser.add_argument("--rounds", type=_positive, metavar="N", help=texts.get("options.rounds"))
    parser.add_argument("--only", action="append", choices=MEASURES, help=texts.get("options.only"))
    parser.add_argument("--write", action="store_true", help=texts.get("options.write"))
    options = parser.parse_args()
    if options.write and (options.quick or options.only):
        parser.error(texts.get("options.not-both"))
    options.rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    return options


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(text)
    return number


def _bench(options: argparse.Namespace, texts: Catalog) -> int:
    settings = read_settings(os.environ)
    facts = machine_facts()
    rows: list[Row] = []
    broken = 0
    _say(texts.get("announce", lab=settings.name))
    with world(settings) as here:
        for name, measure in MEASURES.items():
            if options.only and name not in options.only:
                continue
            try:
                rows += _measured(name, measure, here, options.rounds, texts)
            except MissingError as error:
                _say(texts.get("left-out", name=name, program=error))
            except BrokenError as error:  # the other figures are worth having
                broken += 1
                _complain(texts.get("broken", command=error.command, words=error.words), EXIT_MACHINE)
    _say(texts.get("restored", lab=settings.name))
    _print(rows, facts, options.rounds, texts)
    if broken:
        return EXIT_MACHINE
    if options.write:
        for language, path in READMES.items():
            renew(path, document(rows, facts, options.rounds, texts_of(language)))
            _say(texts.get("written", path=path.name))
    return 0


def _measured(name: str, measure: Measure, here: World, rounds: int, texts: Catalog) -> Sequence[Row]:
    def told() -> Iterator[int]:
        for number in range(rounds + 1):
            _say(texts.get("round" if number else "warm-up", name=name, number=number, rounds=rounds), fleeting=True)
            yield number

    return measure(here, told())


def _print(rows: Sequence[Row], facts: Mapping[str, str], rounds: int, texts: Catalog) -> None:
    console = Console(highlight=False)
    for kind, drawn in ((_is_comparison, comparisons), (_is_aim, aims), (_is_plain, plain)):
        of_kind = [row for row in rows if kind(row)]
        if of_kind:
            console.print(_drawn(drawn(of_kind, texts), [row.id for row in of_kind]))
            console.print(
                *(f"{row.id}: {_unmarked(texts.get(f'rows.{row.id}'))}" for row in of_kind),
                "",
                sep="\n",
                soft_wrap=True,
            )
    for line in (*notes(rows, texts), facts_line(facts, texts, rounds)):
        console.print(_unmarked(line), markup=False, soft_wrap=True)
    wanted = [row for row in rows if row.goal]
    missed = [row.id for row in wanted if row.reached() is False]
    if missed:
        console.print(texts.get("missed", count=len(missed), all=len(wanted), names=", ".join(missed)))
    elif wanted:
        console.print(texts.get("all-reached", all=len(wanted)))


def _is_comparison(row: Row) -> bool:
    return isinstance(row, Comparison)


def _is_aim(row: Row) -> bool:
    return isinstance(row, Plain) and row.goal is not None


def _is_plain(row: Row) -> bool:
    return isinstance(row, Plain) and row.goal is None


def _drawn(cells: Cells, names: Sequence[str]) -> Table:
    """Draw the figures beside short names: eighty columns do not hold the descriptions too."""
    table = Table(*cells.header, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.columns[0].overflow = "fold"  # a name cut short would be several rows' name
    for name, row in zip(names, cells.rows, strict=True):
        table.add_row(name, *map(_unmarked, row[1:]))
    return table


def _unmarked(text: str) -> str:
    return text.replace("**", "").replace("`", "")


def _say(text: str, *, fleeting: bool = False) -> None:
    """Tell on stderr how far it is; what is fleeting gives way to the next line on a terminal."""
    if not sys.stderr.isatty():
        sys.stderr.write(text + "\n")
    else:
        sys.stderr.write("\r\x1b[K" + text + ("" if fleeting else "\n"))
    sys.stderr.flush()


def _complain(line: str, status: int) -> int:
    sys.stderr.write("\n" * sys.stderr.isatty() + line + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
