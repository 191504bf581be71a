"""What `lab live` prints: lines of a fixed layout, and objects with the same keys."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import pytest

from lab.live.news import Item, Note
from lab.report.ink import cells, plain
from lab.report.live import LACKS, NOTES, LiveText
from lab.report.live_json import begin_object, item_object
from lab.report.words import Words
from lab.settings import ROOT
from lab.text.catalog import LANGUAGES, Catalog
from tests.unit.live.builders import FACTS, SECOND, STANDING, Happened, connections, hear, news
from tests.unit.timeline.builders import CLIENT_FIRST, OPEN, SERVER_BEGINS, SERVER_PID, TALK, at, call, kernel, run

WIDTHS = (60, 80, 100, 140)
US = 1_000


def waiting() -> list[Item]:
    """A server that waits three seconds in accept(), meanwhile a client that connects."""
    accept = call(-790, 3_000_000, SERVER_PID, "accept4", 3, 4)
    calls = sorted((*kernel().trace.calls, accept), key=lambda one: one.begun_ns)
    calls = [one for one in calls if one not in SERVER_BEGINS[3:]]
    items, _ = hear(Happened.of(run(*OPEN, *TALK, *CLIENT_FIRST, record=kernel(calls=tuple(calls)))), 200_000 * US)
    return items


def drawn(items: Sequence[Item], width: int, language: str = "en", pieces: int = 1) -> list[str]:
    text = LiveText(Words(Catalog({}, ""), language, FACTS), width, at(-1000))
    size = -(-len(items) // pieces)
    found = [plain(line) for line in text.head(FACTS, ())]
    for begin in range(0, len(items), size):
        found += [plain(line) for line in text.lines(items[begin : begin + size])]
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal(width: int, language: str) -> None:
    text = LiveText(Words(Catalog({}, ""), language, FACTS), width, at(-1000))
    items = [*waiting(), *hear(connections(40, 40 * US), SECOND)[0]]
    lines = [*text.head(FACTS, ["no-tracefs"]), *text.lines(items)]
    assert max(map(cells, lines)) <= width
    assert len(lines) > 75


@pytest.mark.parametrize("width", [80, 100])
def test_each_moment_stands_in_its_column(width: int) -> None:
    lines = drawn(waiting(), width)
    heads = next(line for line in lines if "client calls" in line)
    for text, head in (("connect(3)", "client calls"), ("listen(3)", "server calls"), ("LISTEN", "state")):
        line = next(line for line in lines if text in line)
        places = {match.start() for match in re.finditer(head, heads)}
        assert line.index(text) in places
    (row,) = [line for line in lines if "SYN-SENT" in line]
    assert re.search(r"connect\(3\) +SYN-SENT +── S .*▶ SYN-RECV ~", row), "what follows at once stands in one row"


def test_a_call_under_way_is_a_bar_until_it_returns_through_all_pieces() -> None:
    items = waiting()
    for pieces in (1, 4, len(items)):
        lines = drawn(items, 100, pieces=pieces)
        column = next(line for line in lines if "listen(3)" in line).index("listen(3)")
        begin = next(number for number, line in enumerate(lines) if "accept(3) …" in line)
        end = next(number for number, line in enumerate(lines) if "└ = 4 · 3.0 s" in line or "└ accept = 4" in line)
        between = [line for line in lines[begin + 1 : end] if not line.strip().endswith(("server", "client"))]
        assert all(line[column : column + 1] == "│" for line in between)
        assert end > begin


def test_seconds_are_always_as_long() -> None:
    text = LiveText(Words(Catalog({}, ""), "en", FACTS), 80, at(-1000) - 12_345 * SECOND)
    (first, *_) = [plain(line) for line in text.lines(news(waiting()))]
    assert first.startswith("12345.000 ")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", LACKS)
def test_the_first_line_says_when_the_kernel_is_not_recorded(language: str, code: str) -> None:
    text = LiveText(Words(Catalog({}, ""), language, FACTS), 120, 0)
    whole = plain(next(text.head(FACTS, [])))
    first, why, *_ = [plain(line) for line in text.head(FACTS, [code])]
    assert "192.168.1.102" in first
    assert first != whole
    assert "~" in first
    assert why


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("code", "params"),
    [
        ("standing", {"program": "serve_blocking", "host": "server", "port": 8000}),
        ("skipped", {"segments": 4000, "calls": 99}),
        ("lost-frames", {"host": "client", "count": 17}),
        ("lost-events", {"count": 17}),
        ("recorder-gone", {}),
        ("anew", {"hosts": "server"}),
    ],
)
def test_every_note_has_words(language: str, code: str, params: dict[str, object]) -> None:
    text = " ".join(drawn([Note(0, code, params)], 100, language)[2:])
    assert "{" not in text
    assert all(str(value) in text for value in params.values())


def test_the_notes_that_have_words_are_those_that_there_are() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "lab" / "live").glob("*.py"))
    assert set(re.findall(r'Note\(\w+, "([a-z-]+)"', source)) == set(NOTES)


def test_more_rows_than_anybody_reads_are_cut_in_the_middle() -> None:
    items, _ = hear(connections(30, 40 * US), SECOND, standing=STANDING)
    lines = drawn(items, 100)
    assert len(lines) < 75
    assert any("more lines" in line for line in lines)


def test_objects_of_a_kind_have_the_same_keys_in_the_same_order() -> None:
    items = waiting() + hear(connections(2, SECOND), SECOND // 4, standing=STANDING)[0]
    objects = [begin_object("live", FACTS, 1, ["died"]), *map(item_object, items)]
    keys: dict[str, tuple[str, ...]] = {}
    for one in objects:
        read = json.loads(json.dumps(one))
        assert read == one
        if one["kind"] != "note":
            assert keys.setdefault(one["kind"], tuple(one)) == tuple(one)
    assert set(keys) == {"begin", "program", "call", "state", "segment"}


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_the_readme_names_every_key(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    table = {match[1] for match in re.finditer(r"`([a-z_-]+)`", text)}
    items = waiting() + hear(connections(2, SECOND), SECOND // 4, standing=STANDING)[0]
    for one in [begin_object("live", FACTS, 1, []), *map(item_object, items)]:
        if one["kind"] != "note":
            assert set(one) - table == set()


def test_an_object_tells_what_the_line_tells() -> None:
    objects = [item_object(item) for item in waiting()]
    connect = [one for one in objects if one.get("call") == "connect"]
    assert [one["part"] for one in connect] == ["begin", "return"]
    assert (connect[0]["result"], connect[1]["result"], connect[1]["fd"]) == (None, 0, 3)
    assert {one["client"] for one in connect} == {"192.168.1.101:58132"}
    (syn,) = [one for one in objects if one.get("flags") == "S"]
    assert (syn["from"], syn["seq"], syn["ack"], syn["arrived_ns"] - syn["left_ns"]) == ("client", 0, None, 3000)
    accept = [one for one in objects if one.get("call") == "accept"]
    assert [one["part"] for one in accept] == ["waits", "return"]
    assert accept[1]["ended_ns"] - accept[1]["begun_ns"] == 3 * SECOND
    assert [one["state"] for one in objects if one["kind"] == "state" and one["listener"]] == ["LISTEN"]
