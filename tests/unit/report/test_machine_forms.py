"""The verdict for programs: JSON by its schema, JUnit XML by the rules its readers share, errors on one line."""

from __future__ import annotations

import io
import json
import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from lab.errors import LabError
from lab.exercise import Judgement
from lab.judge.verdict import Message, Result, Verdict
from lab.report import jsonform
from lab.report.error import show_error
from lab.report.junit import junit_document
from tests.schema import violations
from tests.unit.report import builders

SCHEMA = json.loads(jsonform.SCHEMA_FILE.read_text(encoding="utf-8"))


def document(judgement: Judgement, language: str = "en") -> dict[str, Any]:
    made = jsonform.verdict_document(builders.judged(judgement), language)
    return dict(json.loads(jsonform.to_json(made)))


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("judgement", [builders.all_well(), builders.all_verdicts()])
def test_the_document_keeps_its_schema(judgement: Judgement, language: str) -> None:
    assert list(violations(document(judgement, language), SCHEMA)) == []


def test_the_schema_refuses_what_is_not_a_verdict() -> None:
    wrong = {**document(builders.all_well()), "verdict": "maybe", "format": 2, "more": 1}
    assert [text.split(":")[0] for text in violations(wrong, SCHEMA)] == ["$.format", "$.verdict", "$"]


@pytest.mark.parametrize(
    ("verdict", "exit_code"),
    [(Verdict.PASS, 0), (Verdict.FAIL, 1), (Verdict.CANNOT_RUN, 3), (Verdict.INCONCLUSIVE, 4)],
)
def test_the_exit_code_follows_the_verdict(verdict: Verdict, exit_code: int) -> None:
    said = Message("as-expected")
    made = document(builders.judgement(Result("handshake", "connects", verdict, said, said)))
    assert (made["verdict"], made["exit_code"]) == (verdict.value, exit_code)


def test_a_result_carries_its_words_its_comparison_and_where_to_look() -> None:
    made = document(builders.all_verdicts(), "zh-CN")["results"][1]
    assert (made["id"], made["title"], made["observed"]) == ("second-socket", "第二个套接字，fd=4", "其中 3 行不同")
    assert made["comparison"]["pairs"][1]["differs"] == [0, 1, 5]
    assert made["look"][1] == {"file": "server.pcap", "frame": 9, "line": None}


def junit(judgement: Judgement) -> ET.Element:
    made = junit_document(builders.judged(judgement))
    assert made.startswith('<?xml version="1.0" encoding="UTF-8"?>\n')
    return ET.fromstring(made)  # noqa: S314 - our own


def test_junit_counts_what_it_holds() -> None:
    suites = junit(builders.all_verdicts())
    for suite in (suites, suites.find("testsuite")):
        assert suite is not None
        cases = list(suite.iter("testcase"))
        counted = {name: len(list(suite.iter(tag))) for name, tag in (("failures", "failure"), ("errors", "error"))}
        assert {name: int(suite.attrib[name]) for name in counted} == counted == {"failures": 2, "errors": 1}
        assert (int(suite.attrib["tests"]), int(suite.attrib["skipped"])) == (len(cases), 1)


def test_junit_has_the_attributes_and_the_order_its_readers_need() -> None:
    suite = junit(builders.all_verdicts()).find("testsuite")
    assert suite is not None
    assert {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname"} <= set(suite.attrib)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.attrib["timestamp"])
    assert [child.tag for child in suite] == ["properties", *["testcase"] * 6]
    for case in suite.iter("testcase"):
        assert {"classname", "name", "time"} == set(case.attrib)
        assert float(case.attrib["time"]) >= 0
        assert all("message" in child.attrib for child in case)


def test_junit_tells_each_verdict_by_its_element() -> None:
    cases = junit(builders.all_verdicts()).iter("testcase")
    assert [next((child.tag for child in case), None) for case in cases] == [
        None,
        "failure",
        "error",
        "failure",
        "skipped",
        None,
    ]


def test_what_was_not_reached_is_skipped_in_junit() -> None:
    suites = junit(builders.all_stopped())
    assert {name: suites.attrib[name] for name in ("failures", "skipped")} == {"failures": "1", "skipped": "2"}
    assert [case.attrib["message"] for case in suites.iter("skipped")] == ["not reached"] * 2


def test_a_junit_failure_holds_the_comparison_in_text() -> None:
    failure = next(junit(builders.all_verdicts()).iter("failure"))
    assert failure.attrib == {"message": "3 of them differ", "type": "fail"}
    assert failure.text is not None
    assert "CLOSE-WAIT" in failure.text
    assert "^^^^^^^^^^" in failure.text
    assert "server.pcap, frame 9" in failure.text


def test_junit_names_the_claims_as_properties() -> None:
    properties = junit(builders.all_well()).iter("property")
    named = {one.attrib["name"]: one.attrib["value"] for one in properties}
    assert named["claim.B4"].startswith("refuted: TIME-WAIT belongs to the side that closes first")
    assert named["kernel"] == "6.18.5"


def test_junit_has_a_failed_case_for_a_claim_where_the_lab_itself_is_wrong() -> None:
    suites = junit(builders.all_well_but_a_claim())
    assert suites.attrib["failures"] == "1"
    assert int(suites.attrib["tests"]) == len(list(suites.iter("testcase")))
    (case,) = [case for case in suites.iter("testcase") if case.find("failure") is not None]
    assert (case.attrib["classname"], case.attrib["name"]) == ("ex03", "claim.B4")


def test_junit_survives_bytes_that_xml_cannot_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.report.words.say", lambda _message, _language: "got \x00\x1b[31m")
    said = Message("anything")
    suites = junit(builders.judgement(Result("handshake", "connects", Verdict.FAIL, said, said)))
    assert next(suites.iter("failure")).attrib["message"] == r"got \x00\x1b[31m"


class Latin(io.StringIO):
    encoding = "latin-1"


def test_an_error_is_one_line_however_long() -> None:
    stream = io.StringIO()
    show_error(LabError("record-missing", kind="step", name="x " * 200), "en", stream)
    printed = stream.getvalue()
    assert (printed.count("\n"), printed[-1], printed[:5]) == (1, "\n", "lab: ")


def test_an_error_is_written_in_what_the_stream_can_hold() -> None:
    stream = Latin()
    show_error(LabError("record-missing", kind="步骤", name="x"), "zh-CN", stream)
    assert stream.getvalue().isascii()
