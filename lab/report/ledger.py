"""The ledger of claims in words: the same story for the terminal, for Markdown and as a document."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from lab.errors import LabError
from lab.exercise import Exercise
from lab.judge.claims import ALWAYS, Holds, Ruling
from lab.judge.ledger import Entry, RunRulings, Tried
from lab.judge.verdict import Look, Verdict
from lab.report.claims import ruling_slug
from lab.report.error import error_line
from lab.report.fold import sentences
from lab.report.story import shown_path
from lab.report.words import Words
from lab.settings import read_settings
from lab.text.catalog import Catalog

FORMAT: Final = 1
"""Version of the document; it grows when a reader of the old one would no longer understand the new one."""
SCHEMA_FILE: Final = Path(__file__).with_name("ledger.schema.json")
_ORDER: Final = (
    Ruling.BROKEN, Ruling.CONFIRMED, Ruling.REFINED, Ruling.REFUTED, Ruling.CITED, Ruling.INCONCLUSIVE, Ruling.NOT_RUN,
)  # fmt: skip


class PassedOver(StrEnum):
    """Why a run rules on nothing."""

    STAND_INS = "stand-ins"
    FAILED = "failed"
    OLDER = "older"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Note:
    """A run that was passed over; `error` is what is wrong with a damaged one."""

    exercise: int
    why: PassedOver
    folder: Path
    error: LabError | None = None


@dataclass(frozen=True, slots=True)
class RunUsed:
    """The run of an exercise that rules: its folder, when it began (ns since the epoch) and on which kernel."""

    rulings: RunRulings
    folder: Path
    begun_ns: int
    kernel: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where evidence lies: a file of a run's folder, and the frame or line in it."""

    exercise: int
    folder: str
    look: Look

    def words(self, words: Words, *, short: bool) -> str:
        """Return the place in words, with the run's folder, or `short` with its exercise alone."""
        path = f"ex{self.exercise:02}: {self.look.file}" if short else f"{self.folder}/{self.look.file}"
        if self.look.frame is not None:
            return words.lab("look.frame", path=path, frame=self.look.frame)
        return path if self.look.line is None else words.lab("look.line", path=path, line=self.look.line)


@dataclass(frozen=True, slots=True)
class CaseStory:
    """A condition in words, which side holds under it, and where that is to be seen."""

    exercise: int
    condition: str
    named: str | None
    holds: Holds
    told: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class EntryStory:
    """A claim in words: `says` in those of the first exercise that has it; `reason` is the sentence that says why."""

    entry: Entry
    label: str
    says: str
    how: str
    reason: str
    cases: tuple[CaseStory, ...]
    still: str | None
    """Which exercises could say more of it, where some have no run."""

    @property
    def places(self) -> tuple[Place, ...]:
        """Every place of evidence, each once."""
        return tuple(dict.fromkeys(place for case in self.cases for place in case.places))


@dataclass(frozen=True, slots=True)
class LedgerStory:
    """The whole ledger; `counts` is in words."""

    entries: tuple[EntryStory, ...]
    counts: str
    broken: str | None
    notes: tuple[str, ...]
    passed_over: tuple[Note, ...]
    runs: tuple[RunUsed, ...]
    words: Words


def tell_ledger(
    entries: Sequence[Entry],
    exercises: Mapping[int, Exercise],
    runs: Sequence[RunUsed],
    notes: Sequence[Note],
    language: str,
    kept: Path,
) -> LedgerStory:
    """Return the ledger in words; `kept` is the folder of all runs."""
    addresses = read_settings({}).addresses
    words = Words(Catalog({}, ""), language, addresses)
    own = {number: Words(exercise.texts(language), language, addresses) for number, exercise in exercises.items()}
    folders = {run.rulings.exercise: shown_path(kept / run.folder.parent.name / run.folder.name) for run in runs}
    broken = [entry.id for entry in entries if entry.ruling is Ruling.BROKEN]
    return LedgerStory(
        entries=tuple(_entry(entry, words, own, _telling(entry.id, exercises), folders) for entry in entries),
        counts=_counts(entries, words),
        broken=words.lab("ledger.broken", claims=", ".join(broken)) if broken else None,
        notes=tuple(_notes(notes, words, language)),
        passed_over=tuple(notes),
        runs=tuple(runs),
        words=words,
    )


def _telling(identity: str, exercises: Mapping[int, Exercise]) -> int | None:
    """Return the first exercise that has that claim."""
    return next((number for number, one in exercises.items() if identity in {claim.id for claim in one.claims}), None)


def _entry(
    entry: Entry, words: Words, own: Mapping[int, Words], telling: int | None, folders: Mapping[int, str]
) -> EntryStory:
    cases = tuple(_case(entry.id, one, words, own[one.exercise], folders[one.exercise]) for one in entry.tried)
    how = words.lab(f"ledger.claim.{entry.id}.how")
    numbers = ", ".join(map(str, entry.missing))
    return EntryStory(
        entry=entry,
        label=words.lab(f"ruling.{ruling_slug(entry.ruling)}"),
        says="" if telling is None else own[telling].own(f"claims.{entry.id}.says"),
        how=how,
        reason=_reason(entry, how, words, own),
        cases=cases,
        still=words.lab("ledger.still", numbers=numbers) if entry.missing and entry.tried else None,
    )


def _reason(entry: Entry, how: str, words: Words, own: Mapping[int, Words]) -> str:
    """Return in a sentence why a claim is ruled so.

    What is not as the article says is told by the first sentence of what is true instead, as the exercise has it whose
    case decided that.
    """
    if entry.ruling in {Ruling.REFINED, Ruling.REFUTED}:
        by = (one.exercise for one in entry.tried if one.case.holds is Holds.INSTEAD)
        said = (own[number].maybe(f"claims.{entry.id}.instead") for number in by)
        return next((sentences(text)[0] for text in said if text), words.lab("holds.instead"))
    if entry.ruling is Ruling.CITED:
        return words.lab("ledger.cited", source="; ".join(entry.sources))
    if entry.ruling is Ruling.INCONCLUSIVE:
        open_cases = (one for one in entry.tried if one.case.holds is Holds.UNDECIDED)
        undecided = (result for one in open_cases for result in one.deciding)
        found = next((result for result in undecided if result.verdict is not Verdict.FAIL), None)
        return words.message(found.observed) if found else words.lab("holds.undecided")
    if entry.ruling is Ruling.NOT_RUN:
        commands = words.lab("series.comma").join(f"`make exercise-{number}`" for number in entry.judged_by)
        return words.lab("ledger.play", commands=commands) if commands else words.lab("ledger.nowhere")
    if entry.ruling is Ruling.CONFIRMED:
        return words.maybe_lab(f"ledger.claim.{entry.id}.so") or words.lab("ledger.so", how=how)
    return words.lab("ledger.neither", how=how)


def _case(identity: str, one: Tried, words: Words, own: Words, folder: str) -> CaseStory:
    case = one.case
    named = own.table(f"claims.{identity}.cases").get(case.condition, case.condition)
    looks = dict.fromkeys(look for result in one.deciding for look in result.look)
    return CaseStory(
        exercise=one.exercise,
        condition=case.condition,
        named=None if case.condition == ALWAYS else named,
        holds=case.holds,
        told=words.lab(f"holds.{ruling_slug(case.holds)}"),
        places=tuple(Place(one.exercise, folder, look) for look in looks),
    )


def _counts(entries: Sequence[Entry], words: Words) -> str:
    counted = Counter(entry.ruling for entry in entries)
    parts = (
        words.lab("series.ruled", count=counted[ruling], ruling=words.lab(f"ruling.{ruling_slug(ruling)}"))
        for ruling in _ORDER
        if counted[ruling]
    )
    return words.lab("ledger.counts", total=len(entries), counts=words.lab("series.comma").join(parts))


def _notes(notes: Iterable[Note], words: Words, language: str) -> Iterator[str]:
    """Yield a line for each damaged run, and one for each other reason why runs of an exercise were passed over."""
    grouped: dict[tuple[int, PassedOver], list[Note]] = {}
    for note in notes:
        if note.error:
            told = error_line(note.error, language).removeprefix("lab: ")
            yield words.lab("ledger.passed.damaged", path=shown_path(note.folder), error=told)
        else:
            grouped.setdefault((note.exercise, note.why), []).append(note)
    for (number, why), found in grouped.items():
        fields: dict[str, object] = {"number": number, "path": shown_path(found[0].folder)}
        yield words.plural(f"ledger.passed.{why}", len(found), **fields)


def ledger_document(story: LedgerStory, exit_code: int) -> dict[str, Any]:
    """Return the ledger as a document; `ledger.schema.json` beside this file describes it."""
    words = story.words
    return {
        "format": FORMAT,
        "language": words.language,
        "exit_code": exit_code,
        "claims": [_claim(one) for one in story.entries],
        "runs": [_run(run) for run in story.runs],
        "passed_over": [
            {
                "exercise": note.exercise,
                "run": shown_path(note.folder),
                "why": note.why.value,
                "error": error_line(note.error, words.language) if note.error else None,
            }
            for note in story.passed_over
        ],
    }


def _claim(one: EntryStory) -> dict[str, Any]:
    return {
        "id": one.entry.id,
        "says": one.says,
        "ruling": one.entry.ruling.value,
        "reason": one.reason,
        "how": one.how,
        "sources": list(one.entry.sources),
        "exercises": list(one.entry.judged_by),
        "not_run": list(one.entry.missing),
        "cases": [
            {
                "exercise": case.exercise,
                "condition": case.condition,
                "words": case.named,
                "holds": case.holds.value,
                "evidence": [
                    {"file": f"{at.folder}/{at.look.file}", "frame": at.look.frame, "line": at.look.line}
                    for at in case.places
                ],
            }
            for case in one.cases
        ],
    }


def _run(run: RunUsed) -> dict[str, Any]:
    return {
        "exercise": run.rulings.exercise,
        "run": shown_path(run.folder),
        "begun": datetime.fromtimestamp(run.begun_ns / 1e9, UTC).isoformat(timespec="seconds"),
        "kernel": run.kernel,
    }


def read_schema() -> dict[str, Any]:
    """Return the schema of the document."""
    schema: dict[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return schema
