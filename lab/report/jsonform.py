"""The verdict as a JSON document; `verdict.schema.json` beside this file describes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from lab.errors import EXIT_FAIL, EXIT_INCONCLUSIVE, EXIT_MACHINE, EXIT_PASS
from lab.exercise import JudgedRun
from lab.foreign import shown_json
from lab.judge.claims import ClaimResult
from lab.judge.verdict import Comparison, Look, Result, Verdict
from lab.recording.run import Run
from lab.report.claims import ClaimStory, claim_stories
from lab.report.words import Words

FORMAT: Final = 1
"""Version of the document; it grows when a reader of the old one would no longer understand the new one."""
SCHEMA_FILE: Final = Path(__file__).with_name("verdict.schema.json")
EXIT_CODES: Final = {
    Verdict.PASS: EXIT_PASS,
    Verdict.FAIL: EXIT_FAIL,
    Verdict.CANNOT_RUN: EXIT_MACHINE,
    Verdict.INCONCLUSIVE: EXIT_INCONCLUSIVE,
}

Document = dict[str, Any]


def verdict_document(judged: JudgedRun, language: str = "en") -> Document:
    """Return the verdict of a run with its texts in `language`; file names are relative to the run's folder."""
    exercise, run, judgement = judged.exercise, judged.run, judged.judgement
    words = Words(exercise.texts(language), language, run.recording.hosts)
    stories = claim_stories(judgement, words)
    return {
        "format": FORMAT,
        "language": language,
        "exercise": {"id": exercise.id, "number": exercise.number, "title": words.own("title")},
        "lab": {
            "name": run.play.lab.name,
            "subnet": run.play.lab.subnet,
            "addresses": dict(run.recording.hosts),
        },
        "kernel": run.recording.environment.get("kernel", ""),
        "begun_ns": run.recording.begun_ns,
        "ended_ns": run.recording.ended_ns,
        "stand_ins": dict(run.play.stand_ins),
        "verdict": judgement.verdict.value,
        "exit_code": EXIT_CODES[judgement.verdict],
        "results": [_result(result, words) for result in judgement.results],
        "rules": judgement.rules,
        "claims": [_claim(result, story) for result, story in zip(judgement.claims, stories, strict=True)],
        "evidence": evidence_files(run),
    }


def to_json(document: Document) -> str:
    """Return the document as text: readable, in Unicode, the same for the same run; printed it is harmless."""
    return shown_json(json.dumps(document, ensure_ascii=False, indent=2)) + "\n"


def evidence_files(run: Run) -> list[str]:
    """Return the files of the run that hold the raw records, captures first."""
    captures = [record.file for record in run.recording.captures]
    snapshots = [record.file for record in run.recording.outputs]
    samplings = [record.file for record in run.recording.samplings]
    return list(dict.fromkeys((*captures, *snapshots, *samplings)))


def _result(result: Result, words: Words) -> Document:
    return {
        "id": result.id,
        "step": result.step,
        "verdict": result.verdict.value,
        "title": words.own(f"expect.{result.id}.title"),
        "why": words.maybe(f"expect.{result.id}.why"),
        "expected": words.message(result.expected),
        "observed": words.message(result.observed),
        "comparison": _comparison(result.comparison),
        "look": [_look(look) for look in result.look],
    }


def _comparison(comparison: Comparison | None) -> Document | None:
    if comparison is None:
        return None
    return {
        "columns": list(comparison.columns),
        "pairs": [
            {
                "expected": None if pair.expected is None else list(pair.expected),
                "observed": None if pair.observed is None else list(pair.observed),
                "differs": sorted(pair.differs),
            }
            for pair in comparison.pairs
        ],
    }


def _look(look: Look) -> Document:
    return {"file": look.file, "frame": look.frame, "line": look.line}


def _claim(result: ClaimResult, story: ClaimStory) -> Document:
    return {
        "id": result.id,
        "ruling": result.ruling.value,
        "says": story.says,
        "instead": story.instead,
        "cases": [{"condition": case.condition, "holds": case.holds.value} for case in result.cases],
        "source": result.source,
    }
