"""`lab report RUN`: the forms of a saved run's timeline, and what is said when one cannot be made."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from lab.cli import main
from lab.errors import EXIT_INCONCLUSIVE, EXIT_MACHINE, EXIT_PASS, EXIT_USAGE
from lab.recording.store import save
from tests.unit.report import builders
from tests.unit.wire.test_pcapng import read

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAB_LANG", "en")
    monkeypatch.setenv("COLUMNS", "100")
    save(builders.a_run(), tmp_path / "run")
    return tmp_path / "run"


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main(["report", *map(str, arguments)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def texts(path: Path) -> str:
    return " ".join(str(text.text) for text in ET.parse(path).iter(f"{SVG}text"))  # noqa: S314 - our own


def test_the_page_goes_into_the_runs_folder_unless_told_where(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = saved / "report.html"
    assert said(capsys, saved) == (EXIT_PASS, f"Written: {page}\n", "")
    other = tmp_path / "page.html"
    assert said(capsys, saved, "--html", other) == (EXIT_PASS, f"Written: {other}\n", "")
    assert page.read_bytes() == other.read_bytes()
    assert page.read_text(encoding="utf-8").lower().startswith("<!doctype html>")


def test_the_timeline_as_text_with_its_steps(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, saved, "--timeline")
    assert code == EXIT_PASS
    lines = out.splitlines()
    assert lines[0].split() == ["ms", "client", "calls", "state", "wire", "state", "server", "calls"]
    assert [line for line in lines if line[:1].isdigit()] == [
        "2  A client connects", "3  They talk", "4  The server closes first",
    ]  # fmt: skip
    assert "Not shown: 20 connections without a name." in lines


def test_one_step_and_one_client(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = said(capsys, saved, "--timeline", "--client", "a", "--step", "talks")
    assert '"hello"' in out
    assert "SYN-SENT" not in out
    assert "Not shown" not in out
    _, out, _ = said(capsys, saved, "--timeline", "--client", "58200,58201")
    assert [":58200" in out, ":58201" in out, ":58202" in out] == [True, True, False]


def test_a_step_without_anything_of_the_client_says_so(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, saved, "--timeline", "--client", "a", "--step", "three_or_four")
    assert code == EXIT_PASS
    assert "Nothing happened on this connection meanwhile." in out


def test_it_speaks_the_readers_language(
    saved: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_LANG", "zh-CN")
    _, out, _ = said(capsys, saved, "--timeline")
    assert "客户端调用" in out
    assert "3  " in out
    assert "They talk" not in out


def test_the_pictures(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture, machine = tmp_path / "timeline.svg", tmp_path / "machine.svg"
    assert said(capsys, saved, "--svg", picture, "--client", "a")[:2] == (EXIT_PASS, f"Written: {picture}\n")
    assert "SYN-SENT" in texts(picture)
    assert said(capsys, saved, "--machine", machine, "--client", "a")[:2] == (EXIT_PASS, f"Written: {machine}\n")
    assert "client: CLOSED → SYN-SENT → ESTAB → CLOSE-WAIT → LAST-ACK → CLOSED" in texts(machine)
    assert said(capsys, saved, "--machine", machine)[0] == EXIT_PASS


def test_both_captures_in_one_file(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packets = tmp_path / "run.pcapng"
    assert said(capsys, saved, "--pcapng", packets)[:2] == (EXIT_PASS, f"Written: {packets}\n")
    interfaces, found = read(packets.read_bytes())
    assert len(interfaces) == 2
    assert "client: CLOSED → SYN-SENT ~" in [one for packet in found for one in packet.comments]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--timeline", "--client", "zz"], "has no connection of a client `zz`"),
        (["--machine", "x.svg", "--client", "zz"], "has no connection of a client `zz`"),
        (["--timeline", "--step", "nope"], "has no step `nope`"),
        (["--machine", "x.svg", "--client", "a,58200"], "drawn for one connection"),
        (["--step", "talks"], "A step can be chosen only for the timeline"),
        (["--pcapng", "x", "--client", "a"], "A client can be chosen only for the timeline"),
        (["--timeline", "--svg", "x.svg"], "not allowed with"),
    ],
)
def test_what_makes_no_sense_is_one_clear_line(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    arguments: list[str], words: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    try:
        code = main(["report", str(saved), *arguments])
    except SystemExit as end:  # the parser's own
        code = int(str(end.code))
    printed = capsys.readouterr()
    assert (code, printed.out) == (EXIT_USAGE, "")
    assert words in printed.err
    assert printed.err.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"run"}


@pytest.mark.parametrize("form", ["--html", "--svg", "--machine", "--pcapng"])
def test_a_file_that_cannot_be_written_is_one_clear_line(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    code, out, err = said(capsys, saved, form, tmp_path / "no" / "where")
    assert (code, out) == (EXIT_MACHINE, "")
    assert "where: No such file or directory" in err
    assert err.count("\n") == 1


def test_a_run_that_is_not_there(tmp_path: Path, saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert saved.exists()
    code, _, err = said(capsys, tmp_path / "nothing", "--timeline")
    assert code == EXIT_USAGE
    assert "is not a saved run" in err


@pytest.mark.parametrize("arguments", [["--timeline"], ["--svg", "x.svg"], ["--machine", "x.svg"]])
def test_a_run_without_a_connection_decides_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    run = builders.a_run()
    empty = tuple(
        replace(record, content=record.data[:24], captured=0, received=0) for record in run.recording.captures
    )
    save(builders.without(run, captures=empty), tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    code, _, err = said(capsys, "run", *arguments)
    assert code == EXIT_INCONCLUSIVE
    assert err.count("\n") == 1


def test_a_timeline_is_of_one_exercise(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_LANG", "en")
    assert main(["run", "--all", "--timeline"]) == EXIT_USAGE
    assert "Name the exercise: `lab run 3 --timeline`." in capsys.readouterr().err
