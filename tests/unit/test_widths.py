"""Everything that is drawn on a terminal, at every width and in both languages; each check is shown to find its fault."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final

import pytest
from rich.cells import cell_len
from rich.console import Console

from lab.cli import main
from lab.exercise import Exercise, JudgedRun, Judgement, judge
from lab.kernel.rows import Process, SocketRow, Timer
from lab.live.news import Item
from lab.loading import load_exercise
from lab.recording.run import Run
from lab.recording.store import load
from lab.report import changes
from lab.report.by_hand import by_hand_lines
from lab.report.contents import contents_lines
from lab.report.doctor import doctor_page
from lab.report.ink import Line, plain
from lab.report.legend import explain_lines, legend_lines
from lab.report.live import LiveText
from lab.report.style import WIDEST, new_console, page_width
from lab.report.terminal import Page
from lab.report.timeline_text import TimelineText, timeline_text
from lab.report.typed import typed
from lab.report.watch import SIDE_BY_SIDE, on_screen, watch_lines
from lab.report.words import Words
from lab.settings import ROOT, read_settings
from lab.shelf import exercise_folders
from lab.text.catalog import LANGUAGES, Catalog, load_catalog
from lab.text.glossary import load_glossary
from lab.wire.segment import Endpoint
from lab.wire.state import State
from tests.records import timeline_of
from tests.terminal import Terminal
from tests.unit.live.builders import Happened, hear
from tests.unit.report.test_doctor import ROOT as ROOT_FINDING
from tests.unit.report.test_doctor import TAKEN
from tests.widths import WIDTHS, cut, outside, shifted, shortened

NUMBERS: Final = list(exercise_folders())
ADDRESSES: Final = read_settings({}).addresses
RUN: Final = ROOT / "tests" / "fixtures" / "runs" / "ex03"
SERVER, CLIENT = "192.168.1.102", "192.168.1.101"


def plains(lines: object) -> list[str]:
    assert isinstance(lines, list)
    return [plain(one) for one in lines]


# -- what is drawn


def hand(number: int, language: str, width: int) -> list[Line]:
    return list(by_hand_lines(load_exercise(number), ADDRESSES, language, width))


def lines_to_type(number: int, language: str, addresses: Mapping[str, str] = ADDRESSES) -> list[str]:
    exercise = load_exercise(number)
    words = Words(exercise.texts(language), language, addresses)
    return [one.text for step in exercise.steps for one in typed(step.type, words)]


@cache
def judged() -> tuple[Exercise, Run, Judgement]:
    exercise, evidence = load_exercise(3), load(RUN)
    return exercise, evidence, judge(exercise, evidence)


def page(language: str, width: int) -> list[str]:
    return _page(language, min(width, WIDEST))


@cache
def _page(language: str, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    Page(console, JudgedRun(*judged(), RUN), language).show()
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@cache
def whole_timeline(language: str) -> TimelineText:
    exercise, evidence, _ = judged()
    words = Words(exercise.texts(language), language, evidence.recording.hosts)
    made = timeline_of(evidence)
    return timeline_text(made, [talk for talk in made.talks if talk.name], words)


@cache
def heard() -> tuple[list[Item], int]:
    happened = Happened.of(judged()[1])
    items, _ = hear(happened, 200_000_000, facts=judged()[1].recording.hosts)
    assert len(items) > 100
    return items, happened.times()[0]


def explained(language: str, width: int) -> list[Line]:
    glossary = load_glossary(language)
    return [one for term in glossary.terms.values() for one in explain_lines(term, glossary, width)]


def contents(language: str, width: int) -> list[Line]:
    texts = {number: load_catalog(path, "text", language) for number, path in exercise_folders().items()}
    return list(
        contents_lines({number: (one.get("title"), one.get("summary")) for number, one in texts.items()}, width)
    )


def live(language: str, width: int) -> list[Line]:
    items, begun_ns = heard()
    text = LiveText(Words(Catalog({}, ""), language, judged()[1].recording.hosts), width, begun_ns)
    return [*text.head(judged()[1].recording.hosts, ["died"]), *text.lines(items)]


def found_by_the_doctor(language: str, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    doctor_page(console, [TAKEN, ROOT_FINDING], language)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


FLOWING: Final[Mapping[str, Callable[[str, int], Sequence[Line]]]] = {
    "explain": explained,
    "legend": lambda language, width: list(legend_lines(language, width)),
    "list": contents,
    "live": live,
    "timeline": lambda language, width: whole_timeline(language).lines(width),
}


def holders(count: int) -> tuple[Process, ...]:
    return tuple(Process("serve_processes", 1200 + at, 3 + at) for at in range(count))


def row(state: State, local: Endpoint, peer: Endpoint | None, held: int, timer: Timer | None = None) -> SocketRow:
    return SocketRow(state, 17, 65535, local, peer, holders(held), timer, None, "")


def rows(host: str, held: int) -> tuple[SocketRow, ...]:
    """Return what a host lists: a listener that many hold, connections of long ports, timers."""
    here, there = (SERVER, CLIENT) if host == "server" else (CLIENT, SERVER)
    ends = [(Endpoint(here, 8000), Endpoint(there, port)) for port in (44888, 44890, 61056)]
    if host == "client":
        ends = [(Endpoint(here, peer.port), Endpoint(there, 8000)) for _, peer in ends]
    states = (State.ESTABLISHED, State.CLOSE_WAIT, State.TIME_WAIT)
    timers = (None, Timer("keepalive", 7_080_000, 0), Timer("timewait", 59_000, 0))
    found = [
        row(state, *end, held if state is not State.TIME_WAIT else 0, timer)
        for state, end, timer in zip(states, ends, timers, strict=True)
    ]
    return (row(State.LISTEN, Endpoint(here, 8000), None, held), *found) if host == "server" else tuple(found)


def watched(held: int, width: int, language: str = "en") -> list[Line]:
    now = {host: rows(host, held) for host in ("server", "client")}
    before = {host: some[:-1] for host, some in now.items()}
    return watch_lines(now, before, ADDRESSES, language, width)


# -- what no drawing may do


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("number", NUMBERS)
def test_no_line_to_type_is_cut_by_hand(number: int, language: str) -> None:
    wanted = lines_to_type(number, language)
    for width in WIDTHS:
        drawn = plains(hand(number, language, width))
        assert cut(drawn, wanted) == [], width
        assert [one for one in outside(drawn, width) if not any(one.endswith(each) for each in wanted)] == [], width


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("number", NUMBERS)
def test_no_line_to_type_is_cut_where_output_is_piped(
    number: int, language: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAB_LANG", language)
    for name in ("COLUMNS", "LAB_SUBNET"):  # of lines with the usual addresses
        monkeypatch.delenv(name, raising=False)
    assert main(["hand", str(number)]) == 0
    assert cut(capsys.readouterr().out.splitlines(), lines_to_type(number, language)) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("what", FLOWING)
def test_nothing_sticks_out(what: str, language: str) -> None:
    for width in WIDTHS:
        assert outside(plains(list(FLOWING[what](language, width))), width) == [], width


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_of_a_run_fits_and_its_numbers_are_whole(width: int, language: str) -> None:
    drawn = page(language, width)
    typed_lines = lines_to_type(3, language, judged()[1].recording.hosts)
    commands = re.compile(r"(make|\.venv/bin/lab) \S+( \S+)?$")
    assert [
        one for one in outside(drawn, width) if not commands.search(one) and not one.endswith(tuple(typed_lines))
    ] == []
    assert cut(drawn, [one for one in typed_lines if one.startswith("serve_blocking")]) == []
    snapshots = judged()[1].recording.outputs
    known = {str(end) for shot in snapshots for each in shot.rows for end in (each.local, each.peer) if end}
    assert shortened(drawn, known) == []
    assert _ends(drawn, known) == _ends(page(language, 200), known) != set()


def _ends(drawn: Sequence[str], known: set[str]) -> set[str]:
    return known & {word for one in drawn for word in one.split()}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_doctor_fits(width: int, language: str) -> None:
    assert outside(found_by_the_doctor(language, width), width) == []


HELD: Final = (0, 1, 2, 6)
EVERY: Final = sorted({*WIDTHS, *range(40, 160)})


def ports(some: Sequence[SocketRow]) -> set[str]:
    return {str(end) for each in some for end in (each.local, each.peer) if end}


@pytest.mark.parametrize("held", HELD)
def test_watching_no_row_sticks_out_and_no_number_is_cut(held: int) -> None:
    numbers = ports(rows("server", held)) | ports(rows("client", held))
    short = {each.removeprefix(SERVER).removeprefix(CLIENT) for each in numbers}
    known = numbers | short | {"65535", "17", SERVER, CLIENT, *(f"fd={fd}" for fd in range(3, 9))}
    for width in EVERY:
        drawn = plains(watched(held, width))
        assert max(map(cell_len, drawn)) <= width, width
        assert shortened(drawn, known) == [], width
        words = {word for one in drawn for word in one.split()}
        assert [each for each in numbers if each not in words and each[len(SERVER) :] not in words] == [], width
        assert {f"fd={fd}" for fd in range(3, 3 + held)} <= words, width


@pytest.mark.parametrize("held", HELD)
def test_watching_every_cell_stands_under_its_head(held: int) -> None:
    for width in EVERY:
        assert table_shifts(plains(watched(held, width)), held) == [], width


def table_shifts(drawn: Sequence[str], held: int) -> list[str]:
    """Return the cells of both hosts' rows that do not stand under their heads."""
    found: list[str] = []
    heads = [at for at, one in enumerate(drawn) if "Recv-Q" in one]
    second = drawn[heads[0]].find("State", drawn[heads[0]].find("State") + 1) - 2
    for at, host in enumerate(("server", "client")):
        if second > 0:
            columns = [(one[:second] if host == "server" else one[second:]).rstrip() for one in drawn]
            begin = heads[0]
        else:
            columns = list(drawn[heads[at] : heads[1] if at == 0 else None])
            begin = 0
        found += _of_host(columns[begin:], host, held)
    return found


def _of_host(lines: Sequence[str], host: str, held: int) -> list[str]:
    head, first = lines[:2]
    apart = "Local" not in head
    entries = changes.follow(rows(host, held), rows(host, held)[:-1])
    begin = head.index("State")
    states = [at for at, one in enumerate(lines[1:], 1) if re.match(r"[A-Z][-A-Z0-9]+\b", one[begin:])]
    cells = [(*entry.cells[:4], "" if entry.cells[4] == "*" else entry.cells[4]) for entry in entries]
    cells = [(*each[:3], _as_drawn(each[3], lines), each[4]) for each in cells]
    if apart:
        below = [lines[at + 1] for at in states]
        return [
            *shifted(head, [each[:3] for each in cells], [lines[at] for at in states]),
            *shifted(first, [each[3:] for each in cells], below),
        ]
    names = head[: head.index("Peer") + 4]
    return shifted(names, cells, [lines[at] for at in states])


def _as_drawn(local: str, lines: Sequence[str]) -> str:
    """Return a local end as it is drawn: beside each other, the hosts' own addresses stand above."""
    return local if any(local in one for one in lines) else local[local.index(":") :]


@pytest.mark.parametrize("width", [121, 130, 150, 200])
def test_watching_the_hosts_stand_beside_each_other_where_they_find_room(width: int) -> None:
    assert width >= SIDE_BY_SIDE
    heads = [one for one in plains(watched(1, width)) if "Recv-Q" in one]
    assert [one.count("Recv-Q") for one in heads] == [2]


@pytest.mark.parametrize("width", [20, 30, 40])
def test_on_a_screen_too_narrow_for_a_cell_an_ellipsis_says_so(width: int) -> None:
    far = Endpoint("fd99:1111:2222:3333:4444:5555:6666:7777", 44888)
    lines = watch_lines({"server": (row(State.ESTABLISHED, far, far, 1),)}, None, {}, "en", 40)
    shown = plains(on_screen(lines, width, 50))
    assert max(map(cell_len, shown)) <= width
    assert [one for one in shown if one and one not in plains(lines) and not one.endswith("…")] == []
    assert any(one.endswith("…") for one in shown)


def test_what_finds_no_room_below_on_a_screen_is_an_ellipsis() -> None:
    assert plains(on_screen(watched(6, 80), 80, 7))[-1] == "…"
    assert len(on_screen(watched(6, 80), 80, 7)) == 7


# -- each check finds its fault


def test_a_line_to_type_that_is_cut_is_found() -> None:
    wanted = lines_to_type(9, "en")
    drawn = [one[:77] for one in plains(hand(9, "en", 200))]
    assert [each[-4:] for each in cut(drawn, wanted)] == ["8008"]
    assert cut([one[:40] for one in plains(hand(9, "en", 40))], wanted)


def test_a_number_that_is_cut_is_found() -> None:
    whole = plains(watched(1, 200))
    drawn = [one[: one.index("44888") + 4] if "44888" in one else one for one in whole]
    numbers = ports(rows("server", 1)) | ports(rows("client", 1)) | {":44888"}
    assert shortened(drawn, numbers) != []
    assert shortened(["+ 192.168.1.101:4488"], numbers) == ["192.168.1.101:4488"]
    assert shortened(["+ 192.168.1.101:4488…"], numbers) == []


def test_a_line_that_sticks_out_is_found() -> None:
    drawn = plains(contents("zh-CN", 100))
    assert outside(drawn, 100) == []
    assert outside(drawn, 60) != []


@pytest.mark.parametrize("width", [40, 80, 130, 200])
def test_a_table_that_shifts_is_found(width: int) -> None:
    drawn = plains(watched(2, width))
    assert table_shifts(drawn, 2) == []
    place = next(at for at, one in enumerate(drawn) if "CLOSE-WAIT" in one)
    wrong = drawn[place].replace(" 65535", "  65535", 1)
    assert table_shifts([*drawn[:place], wrong, *drawn[place + 1 :]], 2) != []


# -- the width that a terminal has


@pytest.mark.parametrize(
    ("columns", "width"),
    [("0", 80), ("-1", 80), ("abc", 80), ("", 80), ("1", 40), ("39", 40), ("60", 60), ("999", 100)],
)
def test_nonsense_in_columns_counts_as_nothing(
    columns: str, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("LAB_LANG", "en")
    for stream in ("__stdin__", "__stdout__", "__stderr__"):  # those of who runs the tests
        monkeypatch.setattr(f"sys.{stream}", None)
    assert page_width(new_console()) == width
    assert main(["explain", "LISTEN"]) == 0
    glossary = load_glossary("en")
    term = glossary.find("LISTEN")
    assert term is not None
    assert capsys.readouterr().out.splitlines() == plains(list(explain_lines(term, glossary, width)))


PAUSES: Final = """
import fcntl, signal, struct, sys, termios
from lab.report.style import new_console, page_width
console = new_console()
signal.signal(signal.SIGWINCH, lambda *_: None)
print("first", page_width(console), flush=True)
sys.stdin.readline()
seen = struct.unpack("HHHH", fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8)))[1]
print("then", page_width(console), "of", seen, "new", page_width(new_console()), flush=True)
"""


def test_a_page_keeps_the_width_with_which_it_began_in_a_window_that_is_resized() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    with Terminal([sys.executable, "-c", PAUSES], environment, columns=90) as terminal:
        terminal.wait(r"first 90\b")
        terminal.resize(60)
        terminal.type("on")
        terminal.wait(r"then 90 of 60 new 60\b")
        assert terminal.end() == 0


def test_live_draws_its_heads_anew_when_the_window_is_resized() -> None:
    items, begun_ns = heard()
    text = LiveText(Words(Catalog({}, ""), "en", judged()[1].recording.hosts), 120, begun_ns)
    half = len(items) // 2
    assert list(text.resized(120)) == []
    assert max(cell_len(plain(one)) for one in text.lines(items[:half])) > 80
    (heads,) = text.resized(80)
    assert "server calls" in plain(heads)
    assert 60 < max(cell_len(plain(one)) for one in text.lines(items[half:])) <= 80
