"""The verdict as JUnit XML, one test case per expectation, for whatever reads test reports."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from xml.etree import ElementTree as ET

from lab.exercise import Exercise, JudgedRun, Judgement
from lab.foreign import shown_lines
from lab.judge.verdict import Verdict
from lab.recording.run import Run
from lab.report.checklines import detail
from lab.report.checks import Check, check, counted
from lab.report.claims import claim_stories
from lab.report.ink import plain
from lab.report.words import Words

_WIDTH: Final = 120
_TAGS: Final = {Verdict.FAIL: "failure", Verdict.INCONCLUSIVE: "error", Verdict.CANNOT_RUN: "skipped"}
_SECOND: Final = 1_000_000_000


def junit_document(judged: JudgedRun, language: str = "en") -> str:
    """Return the run as JUnit XML: a fail is a failure, an inconclusive an error, what was not tried is skipped.

    The shape is the one that the Ant task wrote and that CI servers read: testsuites, testsuite, properties, testcase.
    A test case's time is that of its step, given once, to the step's first case, so that the sum is the run's.
    """
    exercise, run, judgement = judged.exercise, judged.run, judged.judgement
    words = Words(exercise.texts(language), language, run.recording.hosts)
    checks = tuple(check(result, words, "") for result in judgement.results)
    counts = counted(checks)
    totals = {
        "name": f"{exercise.id} {words.own('title')}",
        "tests": str(len(checks) + len(judgement.broken)),
        "failures": str(counts[Verdict.FAIL] + len(judgement.broken)),
        "errors": str(counts[Verdict.INCONCLUSIVE]),
        "skipped": str(counts[Verdict.CANNOT_RUN] + sum(not one.reached for one in checks)),
        "time": _seconds(run.recording.ended_ns - run.recording.begun_ns),
    }
    suites = ET.Element("testsuites", {name: _clean(value) for name, value in totals.items()})
    begun = datetime.fromtimestamp(run.recording.begun_ns / _SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    suite = ET.SubElement(
        suites, "testsuite", {**suites.attrib, "timestamp": begun, "hostname": _clean(run.play.lab.name)}
    )
    _properties(suite, run, judgement, words)
    times = {step.id: step.ended_ns - step.begun_ns for step in run.play.steps}
    for one in checks:
        _case(suite, one, exercise, times.pop(one.step or "", 0), words)
    for claim in judgement.broken:
        case = ET.SubElement(suite, "testcase", {"classname": exercise.id, "name": f"claim.{claim}", "time": "0.000"})
        said = words.lab("verdict.broken", claims=claim)
        ET.SubElement(case, "failure", {"message": _clean(said), "type": Verdict.FAIL.value})
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"


def _properties(suite: ET.Element, run: Run, judgement: Judgement, words: Words) -> None:
    properties = ET.SubElement(suite, "properties")
    pairs = [("kernel", run.recording.environment.get("kernel", "")), ("subnet", run.play.lab.subnet)]
    pairs += [(f"stand-in.{old}", new) for old, new in run.play.stand_ins.items()]
    pairs += [
        (f"claim.{story.id}", f"{story.ruling.value}: {story.instead or story.says}")
        for story in claim_stories(judgement, words)
    ]
    for name, value in pairs:
        ET.SubElement(properties, "property", {"name": _clean(name), "value": _clean(value)})


def _case(suite: ET.Element, one: Check, exercise: Exercise, time_ns: int, words: Words) -> None:
    where = ".".join(part for part in (exercise.id, one.step) if part)
    case = ET.SubElement(
        suite,
        "testcase",
        {"classname": where, "name": _clean(f"{one.id}: {one.title}"), "time": _seconds(time_ns)},
    )
    tag = _TAGS.get(one.verdict) if one.reached else "skipped"
    if tag is None:
        return
    attributes = {"message": _clean(one.observed)}
    if tag != "skipped":
        attributes["type"] = one.verdict.value
    found = ET.SubElement(case, tag, attributes)
    if tag != "skipped":
        found.text = _clean("\n" + "\n".join(plain(line) for line in detail(one, words, _WIDTH)))


def _seconds(ns: int) -> str:
    return f"{ns / _SECOND:.3f}"


def _clean(text: str) -> str:
    """Return the text as XML 1.0 can have it (section 2.2): for control characters it has no place, nor an escape."""
    return shown_lines(text)
