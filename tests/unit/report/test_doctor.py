"""The doctor's page and its JSON, and that each finding the code can make has its words."""

from __future__ import annotations

import ast
import io
from pathlib import Path

import pytest
from rich.console import Console

from lab.doctor import containers, machine
from lab.doctor.finding import Finding, Health
from lab.report.doctor import doctor_document, doctor_page
from lab.settings import read_settings
from lab.text.catalog import LANGUAGES, messages

TAKEN = Finding(
    "networks", "taken", Health.STOPS, {"subnet": "192.168.1.0/24", "name": "home", "other": "192.168.0.0/16"}
)
ROOT = Finding("rights", "root", Health.OK)


def page(*findings: Finding, language: str = "en", width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    doctor_page(console, findings, language)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def findings_in(module: object) -> set[tuple[str, str]]:
    """Return each (id, variant) pair of literal strings that the module's source gives to Finding."""
    source = Path(str(getattr(module, "__file__", ""))).read_text(encoding="utf-8")
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding":
            words = [arg.value for arg in node.args[:2] if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            if len(words) == 2:
                found.add((words[0], words[1]))
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("module", [containers, machine])
def test_each_finding_has_a_title_and_words(module: object, language: str) -> None:
    texts = messages(language)
    missing = [
        f"{id_}.{variant}"
        for id_, variant in findings_in(module)
        if f"doctor.{id_}.title" not in texts or f"doctor.{id_}.{variant}.says" not in texts
    ]
    assert len(findings_in(module)) > 5
    assert missing == []


def test_a_finding_that_stops_the_lab_has_its_remedy_below_and_the_page_says_so() -> None:
    shown = page(TAKEN, ROOT)
    assert "✗ subnet  192.168.1.0/24 overlaps 192.168.0.0/16 of the Docker network home" in shown
    assert "→ LAB_SUBNET=10.9.8.0/24 moves the lab" in shown
    assert shown.rstrip().endswith("until what is marked ✗ is fixed.")


def test_a_page_without_such_a_finding_ends_with_the_lab_runs() -> None:
    assert page(ROOT).rstrip().endswith("The lab runs on this machine.")


def test_chinese_titles_are_padded_by_their_cells() -> None:
    lines = page(
        TAKEN, Finding("kernel", "found", Health.OK, {"system": "Linux", "release": "6.18"}), language="zh-CN"
    ).splitlines()
    assert lines[0].startswith("✗ 网段  192.168.1.0/24")
    assert any(line.startswith("✓ 内核  Linux 6.18") for line in lines)


def test_the_document_holds_every_finding_with_its_words_and_whether_the_lab_runs() -> None:
    document = doctor_document([TAKEN, ROOT], "en")
    assert document["runs"] is False
    assert [finding["health"] for finding in document["findings"]] == ["stops", "ok"]
    assert document["findings"][0]["fields"]["name"] == "home"
    assert document["findings"][1]["remedy"] is None


def tracefs(environment: dict[str, str] | None = None) -> tuple[str, Health]:
    found = next(each for each in machine.examine_machine(read_settings(environment or {})) if each.id == "tracefs")
    return found.variant, found.health


def test_what_the_recorder_will_do_follows_from_the_machines_tracefs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "mounted_tracefs", lambda: Path("/sys/kernel/tracing"))
    assert tracefs() == ("mounted", Health.OK)
    assert tracefs({"LAB_RECORDER": "0"}) == ("off", Health.NOTE)
    monkeypatch.setattr(machine, "mounted_tracefs", lambda: None)
    monkeypatch.setattr(machine, "kernel_has_tracefs", lambda: True)
    assert tracefs() == ("own", Health.NOTE)
    monkeypatch.setattr(machine, "kernel_has_tracefs", lambda: False)
    assert tracefs() == ("absent", Health.LACKS)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("variant", ["no-tracefs", "not-permitted"])
def test_a_recorder_that_cannot_record_says_what_is_done_instead_and_what_helps(variant: str, language: str) -> None:
    shown = page(Finding("recorder", variant, Health.LACKS), language=language)
    assert "ss" in shown
    assert "→" in shown
    assert "\n–" in f"\n{shown}"


def test_the_machine_is_examined_without_an_engine() -> None:
    ids = [finding.id for finding in machine.examine_machine(read_settings({}))]
    assert ids == ["kernel", "architecture", "rights", "disk", "tracefs", "routes"]
