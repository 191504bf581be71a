"""A real exercise with one thing broken is refused when it is loaded: one line that names the file and the line."""

from __future__ import annotations

import itertools
import re
import shutil
from pathlib import Path
from typing import Final

import pytest

from lab.cli import main
from lab.errors import EXIT_USAGE, LabError
from lab.loading import load_exercise
from lab.report.error import error_line
from lab.shelf import exercise_folder, exercise_folders
from lab.text.catalog import LANGUAGES

CODE: Final = "exercise.py"
EN: Final = "text.en.toml"
ZH: Final = "text.zh-CN.toml"

# Which exercise, which file, what is replaced by what, the error, and what stands in the line that is then named (by
# default what was put in).
MUTATIONS: Final = [
    # -- steps
    (3, CODE, 'step="talks", id="upper-case"', 'step="halve", id="upper-case"', "step-unknown", None),
    (3, CODE, 'closes("b", first="b", segments=4, step="client_first"', 'closes("b", first="b", segments=4, step="nowhere"', "step-unknown", None),
    (3, CODE, 'with stage.step("talks"):', 'with stage.step("talk"):', "step-unknown", None),
    (3, CODE, 'with stage.step("talks"):', "if True:", "step-unplayed", "Step("),
    (3, CODE, 'with stage.step("talks"):', 'with stage.step("connects"):', "name-twice", None),
    (3, CODE, '        "talks",\n        answer="a",', '        "connects",\n        answer="a",', "name-twice", "Step("),
    (3, CODE, '        "talks",\n        answer="a",', '        "Talks!",\n        answer="a",', "id-malformed", "Step("),
    (3, CODE, 'printed("a", "HELLO", step="talks", id', 'printed("a", "HELLO", id', "step-missing", None),
    # -- answers
    (3, CODE, '"listens",\n        answer="b"', '"listens",\n        answer="d"', "answer-unknown", 'answer="d"'),
    (3, CODE, '"listens",\n        answer="b"', '"listens",\n        answer=""', "answer-unknown", "Step("),
    (3, CODE, '"listens",\n        answer="b"', '"listens",\n        answer="ab"', "answer-unknown", 'answer="ab"'),
    (3, CODE, '"listens",\n        answer="b",', '"listens",', "answer-missing", "Step("),
    # -- ids
    (3, CODE, 'id="upper-case"', 'id="exchange"', "name-twice", 'data", step="talks", id="exchange"'),
    (3, CODE, 'id="inferred-close"', 'id="observed-close"', "name-twice", 'id="observed-close", ladder'),
    (3, CODE, 'Claim("B3"', 'Claim("B2"', "name-twice", None),
    (3, CODE, 'Claim("B3"', 'Claim("B99"', "claim-unknown", None),
    # -- moments, readings and windows that the play does not have
    (3, CODE, 'Rows("full", since', 'Rows("fulll", since', "reference-unknown", None),
    (3, CODE, 'since="restarted"', 'since="restart"', "reference-unknown", None),
    (3, CODE, 'Rows("restarted", on=("server",))', 'Rows("restarted", on=("servr",))', "host-unknown", None),
    (3, CODE, 'sockets("let_go", on="server", only="client:b", step', 'sockets("letgo", on="server", only="client:b", step', "reference-unknown", None),
    (3, CODE, 'sockets("listening", on="server", step', 'sockets("listening", on="client", step', "reference-unknown", None),
    (3, CODE, 'never("frozen", on="client", only="client:b", step', 'never("froze", on="client", only="client:b", step', "reference-unknown", None),
    (3, CODE, 'Counted("before", "after"', 'Counted("before", "afterwards"', "reference-unknown", None),
    (3, CODE, 'counters("before", "after", on="server", change', 'counters("befor", "after", on="server", change', "reference-unknown", None),
    (3, CODE, 'agree("both-ends", client="a", snapshot="connected"', 'agree("both-ends", client="a", snapshot="listening"', "reference-unknown", None),
    (3, CODE, 'tally("full", on="client"', 'tally("ful", on="client"', "reference-unknown", None),
    # -- programs that the play does not have
    (3, CODE, 'Ladder("a", "data")', 'Ladder("aa", "data")', "reference-unknown", None),
    (3, CODE, 'Timeline(("b",))', 'Timeline(("x",))', "reference-unknown", None),
    (3, CODE, 'Printed("strict")', 'Printed("stric")', "reference-unknown", None),
    (3, CODE, 'exited("strict", 1', 'exited("strickt", 1', "reference-unknown", None),
    (3, CODE, 'closes("a", first="server", step', 'closes("z", first="server", step', "reference-unknown", None),
    (3, CODE, "LISTEN  6       5       server:8000  *     again fd=3", "LISTEN  6       5       server:8000  *     agai fd=3", "reference-unknown", None),
    (3, CODE, 'only="client:b", step="client_first", id="fin-wait-2"', 'only="client:bb", step="client_first", id="fin-wait-2"', "reference-unknown", "fin-wait-2"),
    (3, CODE, 'passes("a", on="server", path="SYN-RECV ESTAB", within=1, id="B2")', 'passes("q", on="server", path="SYN-RECV ESTAB", within=1, id="B2")', "reference-unknown", None),
    # -- the play itself
    (3, CODE, 'server=held("a"))', 'server=held("aa"))', "party-unknown", None),
    (3, CODE, 'client=state("TIME-WAIT", "b"))', 'cliet=state("TIME-WAIT", "b"))', "condition-elsewhere", None),
    (3, CODE, 'state("TIME-WAIT", "a"), client=gone("a")', 'state("TIMEWAIT", "a"), client=gone("a")', "exercise-raises", None),
    (3, CODE, 'stage.count("before", on=("server",))', 'stage.count("before", on=("srv",))', "host-unknown", None),
    (3, CODE, 'stage.serve("serve_blocking", port', 'stage.serve("serve_blockin", port', "program-unknown", None),
    (3, CODE, 'stage.run("rounds"', 'stage.run("round"', "program-unknown", None),
    (3, CODE, 'b = stage.client("b", port=8000)', 'b = stage.client("a", port=8000)', "name-twice", None),
    (3, CODE, 'stage.snapshot("full",', 'stage.snapshot("restarted",', "name-twice", None),
    (3, CODE, 'a.say("hello")', 'a.sy("hello")', "exercise-raises", None),
    (3, CODE, 'a.say("hello")', 'a.say("hello", anser=False)', "exercise-raises", None),
    (3, CODE, "b.leave()", "bb.leave()", "exercise-raises", None),
    # -- tables and ladders
    (3, CODE, "CLOSE-WAIT  1       0       server:8000  client:b  server fd=4", "CLOSEWAIT   1       0       server:8000  client:b  server fd=4", "table-cell", None),
    (3, CODE, "State  Recv-Q  Send-Q  Local     Peer         Process\n        ESTAB", "State  RecvQ   Send-Q  Local     Peer         Process\n        ESTAB", "table-column", "RecvQ"),
    (3, CODE, 'client:a > server    data  "hello"', 'client:a > server    datum "hello"', "ladder-line", None),
    (3, CODE, "client:a > server    .   ack 1", "client:b > server    .   ack 1", "ladder-ends", None),
    (3, CODE, 'path="ESTAB CLOSE-WAIT LAST-ACK UNCONN"', 'path="ESTAB CLOSE-WAIT LASTACK UNCONN"', "joint-state", None),
    (3, CODE, '"SYN-SENT": 1}', '"SYN-SENT": "some"}', "amount", None),
    (3, CODE, 'matches=".*Address', 'matches="(.*Address', "printed-pattern", None),
    # -- Python
    (3, CODE, "LAB = Lab()", "LAB = Lab(", "exercise-raises", None),
    (3, CODE, "LAB = Lab()", "LAB = Labb()", "exercise-raises", None),
    (3, CODE, "LAB = Lab()", "LAB = Lab(sever={})", "exercise-raises", None),
    (3, CODE, "LAB = Lab()", "LABB = Lab()", "exercise-part", '"""One client'),
    (3, CODE, "LAB = Lab()", "LAB = 5", "exercise-part-kind", None),
    (3, CODE, "LAB = Lab()", 'LAB = Lab(hosts=("site9",))', "host-unknown", None),
    (3, CODE, 'SUBJECT = "serve_blocking"', 'SUBJECT = "serve_blocked"', "program-unknown", None),
    (3, CODE, "from lab.views import Closes,", "from lab.views import Closed,", "exercise-raises", None),
    (3, CODE, "def play(stage: Stage)", "def plays(stage: Stage)", "exercise-part", '"""One client'),
    # -- by hand
    (3, CODE, 'Type("server", "^C", "")', 'Type("srver", "^C", "")', "terminal-unknown", None),
    (3, CODE, 'Type("server", "^C", "")', 'Type("site1", "^C", "")', "terminal-unknown", None),
    (3, CODE, '"20 connections"),),', '"(20 connections"),),', "pattern-malformed", None),
    (3, CODE, '            Type("server", "^C", ""),\n', "", "sees-count", "sees"),
    # -- other views, other expectations
    (7, CODE, 'Costs(("serve_blocking",))', 'Costs(("serve_blockin",))', "reference-unknown", None),
    (11, CODE, 'Waits("serve_epoll_lt.traced")', 'Waits("serve_epoll_lt.plain")', "reference-unknown", None),
    (11, CODE, 'handed("server", ("mmap",), 0, kind="eventpoll", step', 'handed("server", ("mmapp",), 0, kind="eventpoll", step', "call-unknown", None),
    (11, CODE, 'handed("server", ("mmap",), 0, kind="eventpoll", step', 'handed("keeps", ("mmap",), 0, kind="eventpoll", step', "reference-unknown", None),
    (5, CODE, 'tcp_syncookies": 0', 'tcp_syncookie": 0', "sysctl-unknown", None),
    (3, CODE, 'Ladder("a", "data")', 'Ladder("a", "datum")', "part-unknown", None),
    (3, CODE, '"TcpExtListenDrops")', '"TcpExtListenDroops")', "counter-unknown", "Step("),
    (3, CODE, 'stream="stderr", step="restart"', 'stream="sterr", step="restart"', "stream-unknown", None),
    # -- texts
    (3, EN, "[steps.talks]", "[steps.talk]", "text-missing", "title ="),
    (3, ZH, "[steps.talks]", "[steps.talk]", "text-missing", "title ="),
    (3, ZH, "[expect.upper-case]", "[expect.uppercase]", "text-missing", "title ="),
    (3, EN, "[expect.upper-case]", '[expect.of-nothing]\ntitle = "x"\n\n[expect.upper-case]', "text-of-nothing", "[expect.of-nothing]"),
    (3, EN, "[hand.talks]", "[hand.three]\nsees = []\n\n[hand.talks]", "text-of-nothing", "[hand.three]"),
    (3, EN, "[claims.B3]", "[claims.B33]", "text-missing", "title ="),
    (3, EN, "title = ", "titel = ", "text-missing", ""),
    (3, EN, "title = ", "title = 5 # ", "text-missing", None),
    (3, EN, "title = ", "title = = ", "texts-unreadable", None),
    # -- READMEs
    (3, "README.md", "<!-- steps: end -->", "", "readme-marks", "<!-- steps: begin -->"),
    (3, "README.zh-CN.md", "<!-- by-hand: begin -->", "<!-- by hand: begin -->", "readme-marks", "<!-- by-hand: end -->"),
    (3, "README.md", "<!-- steps: begin -->", "<!-- steps: begin -->\n<!-- steps: begin -->", "readme-marks", "<!-- steps: begin -->"),
]  # fmt: skip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


def copied(number: int, root: Path) -> Path:
    folder = exercise_folder(number)
    return Path(
        shutil.copytree(folder, root / folder.name, ignore=shutil.ignore_patterns("__pycache__", "*.svg", "*.png"))
    )


def refused(number: int, root: Path) -> LabError:
    with pytest.raises(LabError) as caught:
        load_exercise(number, root)
    for language in LANGUAGES:
        line = error_line(caught.value, language)
        assert "\n" not in line
        assert str(root) in line, "it names the file"
        assert not re.search(r"\{\w+\}", line.replace("{server}", "").replace("{client}", "")), line
    return caught.value


@pytest.mark.parametrize("number", exercise_folders())
def test_a_copy_that_is_left_as_it_is_is_loaded(number: int, root: Path) -> None:
    copied(number, root)
    assert load_exercise(number, root).number == number


@pytest.mark.parametrize(("number", "file", "old", "new", "code", "line"), MUTATIONS)
def test_what_is_broken_is_refused_with_file_and_line(
    number: int, file: str, old: str, new: str, code: str, line: str | None, root: Path
) -> None:
    path = copied(number, root) / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    error = refused(number, root)
    assert (error.code, error.exit_code) == (code, EXIT_USAGE), str(error)
    found = re.match(r"(?P<file>\S+?):(?P<line>\d+): ", error.what("en"))
    assert found, error.what("en")
    named = Path(found["file"]).read_text(encoding="utf-8").splitlines()[int(found["line"]) - 1]
    assert (new if line is None else line) in named or named.strip() in (new if line is None else line), (
        f"{error} → {named}"
    )
    assert error.remedy("zh-CN") != error.remedy("en")


@pytest.mark.parametrize("file", ["README.md", "README.zh-CN.md", EN, ZH])
def test_a_missing_file_is_named(file: str, root: Path) -> None:
    (copied(3, root) / file).unlink()
    assert file in refused(3, root).what("en")


def test_every_name_in_quotation_marks_that_is_misspelt_in_the_expectations_is_refused(root: Path) -> None:
    """Each first argument, host, client, moment and step of exercise 3's expectations, one after the other."""
    folder = copied(3, root)
    path = folder / CODE
    text = path.read_text(encoding="utf-8")
    begin, end = text.index("\nEXPECT = "), text.index("\nCLAIMS = ")
    pattern = r'(?:\b(?:sockets|segments|passes|printed|exited|never|closes|tally|counters|acknowledged)\(|\b(?:on|only|step|client|snapshot)=)"([\w:-]+)"'
    accepted, refusals = [], set()
    for found in itertools.islice(re.finditer(pattern, text[begin:end]), 0, None, 3):
        at = begin + found.end(1)
        path.write_text(text[:at] + "q" + text[at:], encoding="utf-8")
        try:
            load_exercise(3, root)
        except LabError as error:
            refusals.add(error.exit_code)
        else:
            accepted.append(found[0])
    assert (accepted, refusals) == ([], {EXIT_USAGE})


def test_hand_without_a_readme_says_so_in_one_line(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copied(3, root)
    (folder / "README.md").unlink()
    monkeypatch.setattr("lab.shelf.exercise_folder.__defaults__", (root,))
    monkeypatch.setattr("lab.loading.load_exercise.__defaults__", (root,))
    monkeypatch.setenv("LAB_LANG", "en")
    assert main(["hand", "3", "--readme"]) == EXIT_USAGE
    assert capsys.readouterr().err == (
        f"lab: {folder}/README.md:1: The exercise has no such README. Write it beside exercise.py, in both languages: "
        "README.md and README.zh-CN.md; copy the form of another exercise.\n"
    )
