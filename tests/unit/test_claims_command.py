"""The ledger as a reader meets it: on a terminal, as a page, as a document; and from which runs it is computed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from rich.cells import cell_len

from lab.cli import main
from lab.judge.claims import Holds
from lab.judge.ledger import NUMBERS
from lab.recording import store
from lab.recording.saved import saved_form
from lab.report.fold import sentences
from lab.report.ledger import read_schema
from lab.settings import ROOT
from lab.text.catalog import LANGUAGES, messages
from tests.records import changed
from tests.schema import violations
from tests.tampering import with_rows

SAVED: Final = ROOT / "tests" / "fixtures" / "runs" / "ex03"
RULINGS: Final = {
    "A1": "cited", "B1": "refined", "B2": "refined", "B3": "confirmed", "B4": "refuted", "B5": "refuted", "B14": "refined", "B15": "refined",
    "B19": "refined",
}  # fmt: skip
"""How the saved run of exercise 3 rules."""

Say = Callable[..., tuple[int, str]]


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of runs."""
    monkeypatch.setenv("LAB_RUNS", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere")
    return tmp_path


def save(runs: Path, name: str, **changes: Any) -> Path:
    """Put the saved run there under a name, with some of its records changed."""
    folder = runs / "ex03" / name
    folder.parent.mkdir(exist_ok=True)
    store.save(changed(store.load(SAVED), **changes), folder)
    return folder


@pytest.fixture
def say(runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    assert runs.is_dir()

    def said(*arguments: str, language: str = "en", width: int = 100) -> tuple[int, str]:
        monkeypatch.setenv("LAB_LANG", language)
        monkeypatch.setenv("COLUMNS", str(width))
        code = main(["claims", *arguments])
        return code, capsys.readouterr().out

    return said


def document(say: Say) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(say("--json")[1])
    assert list(violations(made, read_schema())) == []
    return made


def rulings(made: dict[str, Any]) -> dict[str, str]:
    return {claim["id"]: claim["ruling"] for claim in made["claims"] if claim["ruling"] != "not run yet"}


def test_of_a_run_without_the_kernel_s_record_no_reason_speaks_of_its_tracer(runs: Path, say: Say) -> None:
    save(runs, "2026-01-01T00-00-00.000Z", kernel=None, unrecorded="no-tracefs")
    code, page = say("--markdown")
    (row,) = [line for line in page.splitlines() if line.startswith("| B2 ")]
    assert (code, "tracer" in row, "kernel.txt" in row) == (0, False, False)
    assert "as the kernel itself reports each change: not tried" in row
    assert rulings(document(say)) == RULINGS


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_any_run_every_claim_is_there_and_not_run_yet(say: Say, language: str) -> None:
    code, page = say(language=language)
    assert code == 0
    words = messages(language)
    for number in NUMBERS:
        assert f"\n{number} " in page
    assert page.count(words.get("report.ruling.not-run-yet")) == len(NUMBERS) - 1 + 1  # one is cited; and the counts
    assert "make exercise-3" in page


def test_a_saved_run_rules_and_its_evidence_is_named(runs: Path, say: Say) -> None:
    folder = save(runs, "2026-01-01T00-00-00.000Z")
    made = document(say)
    assert (rulings(made), made["exit_code"], made["passed_over"]) == (RULINGS, 0, [])
    assert [run["run"] for run in made["runs"]] == [str(folder)]
    for claim in made["claims"]:
        for case in claim["cases"]:
            assert case["evidence"], (claim["id"], case["condition"])
            for place in case["evidence"]:
                assert Path(place["file"]).is_file()
                if place["line"]:
                    assert place["line"] <= len(Path(place["file"]).read_text().splitlines())
        if claim["cases"]:
            assert len(sentences(claim["reason"])) == 1, claim
            places = [place for case in claim["cases"] for place in case["evidence"]]
            assert any(place["line"] or place["frame"] for place in places), claim["id"]
    refined = next(claim for claim in made["claims"] if claim["id"] == "B1")
    assert {case["words"]: case["holds"] for case in refined["cases"]} == {
        "nobody waits, also while one is in service": "says",
        "more clients than the backlog": "instead",
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [60, 80, 100])
def test_the_page_on_a_terminal_keeps_to_its_width(runs: Path, say: Say, language: str, width: int) -> None:
    save(runs, "2026-01-01T00-00-00.000Z")
    code, page = say(language=language, width=width)
    assert code == 0
    assert [line for line in page.splitlines() if cell_len(line) > width and str(runs) not in line] == []


def test_the_latest_run_that_may_rule_is_taken_and_those_passed_over_are_named(runs: Path, say: Say) -> None:
    old = save(runs, "2026-01-01T00-00-00.000Z")
    save(runs, "2026-01-02T00-00-00.000Z")
    used = save(runs, "2026-01-03T00-00-00.000Z")
    changed = with_rows(store.load(SAVED), "connected", "server", "^ESTAB", "LAST-ACK")
    failed = save(runs, "2026-01-04T00-00-00.000Z", snapshots=saved_form(changed).snapshots)
    experiment = save(runs, "2026-01-05T00-00-00.000Z", stand_ins={"serve_blocking": "forgets_close"})
    older = save(runs, "2026-01-06T00-00-00.000Z", counters=())
    damaged = save(runs, "2026-01-07T00-00-00.000Z")
    (damaged / "evidence.json").write_text("{")
    (runs / "ex03" / "latest").symlink_to(old.name)
    (runs / "ex03" / ".unfinished.1").mkdir()
    made = document(say)
    assert (rulings(made), made["exit_code"]) == (RULINGS, 0)
    assert [run["run"] for run in made["runs"]] == [str(used)]
    assert {one["run"]: one["why"] for one in made["passed_over"]} == {
        str(damaged): "damaged",
        str(older): "older",
        str(experiment): "stand-ins",
        str(failed): "failed",
    }
    assert "evidence.json" in next(one["error"] for one in made["passed_over"] if one["error"])
    page = say()[1]
    assert all(str(folder) in page for folder in (damaged, older, experiment, failed))


def test_evidence_for_neither_side_is_an_error_of_the_lab(
    runs: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(runs, "2026-01-01T00-00-00.000Z")
    monkeypatch.setattr("lab.judge.claims._holds", lambda _says, _instead: Holds.NEITHER)
    code, page = say()
    assert code == 1
    assert "THE LAB IS WRONG about B1, B2, B3" in page
    assert "实验室在 B1, B2, B3" in say("--markdown", language="zh-CN")[1]
    assert document(say)["exit_code"] == 1


def test_evidence_that_does_not_decide_is_said_and_is_no_ruling(runs: Path, say: Say) -> None:
    folder = save(runs, "2026-01-01T00-00-00.000Z")
    made = json.loads((folder / "evidence.json").read_text())
    for capture in made["captures"]:
        capture["dropped"] = 3
    (folder / "evidence.json").write_text(json.dumps(made))
    found = document(say)
    assert found["exit_code"] == 4
    assert {one for one, ruling in rulings(found).items() if ruling == "inconclusive"} == {"B2", "B4", "B15", "B19"}
    assert "dropped 3" in next(claim["reason"] for claim in found["claims"] if claim["id"] == "B15")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_markdown_page_is_a_table_for_each_part(runs: Path, say: Say, language: str) -> None:
    save(runs, "2026-01-01T00-00-00.000Z")
    page = say("--markdown", language=language)[1]
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| ") and "---" not in line]
    assert {len(row) for row in rows} == {5}
    assert [row[0].strip("| ") for row in rows if row[0].strip("| ") in NUMBERS] == list(NUMBERS)
    assert str(runs) not in page
    assert "ex03: ss/" in page
