"""Counters at two moments: each name with its value before and after, those that moved marked."""

from __future__ import annotations

from lab.recording.saved import SavedReading
from lab.report import counted
from lab.report.ink import Role, plain
from lab.report.views import show
from lab.report.words import Words
from lab.text.catalog import Catalog
from lab.views import Counted
from tests.unit.report import builders

VIEW = Counted("before", "after", names=("TcpExtListenOverflows", "TcpExtListenDrops", "TcpExtUnheardOf"))


def test_a_counter_shows_where_it_was_and_where_it_is() -> None:
    lines = counted.draw("server", [("TcpExtListenOverflows", 9, 10), ("TcpExtListenDrops", 0, 0)])
    assert [plain(one) for one in lines] == [
        "server   nstat -asz",
        "  TcpExtListenOverflows   9 → 10",
        "  TcpExtListenDrops       0 →  0",
    ]
    assert [one[-1].role for one in lines[1:]] == [Role.NEW, Role.PLAIN]


def test_the_view_reads_only_the_counters_that_it_names() -> None:
    readings = tuple(
        SavedReading(name, "talks", "server", builders.BEGUN, {"TcpExtListenOverflows": value, "TcpOutSegs": 99})
        for name, value in (("before", 1), ("after", 3))
    )
    run = builders.without(builders.a_run(), counters=readings)
    shown = show(builders.looking(run, Words(Catalog({}, "none"), "en", {})), VIEW, run.play.steps[0])
    assert shown is not None
    assert shown.draw is not None
    assert [plain(one).split() for one in shown.draw(80)][1:] == [
        ["TcpExtListenOverflows", "1", "→", "3"],
        ["TcpExtListenDrops", "0", "→", "0"],
        ["TcpExtUnheardOf", "0", "→", "0"],
    ]


def test_without_a_reading_the_page_says_so_in_the_reader_s_language() -> None:
    run = builders.a_run()
    shown = show(builders.looking(run, Words(Catalog({}, "none"), "zh-CN", {})), VIEW, run.play.steps[0])
    assert shown is not None
    assert shown.notes == ("这次运行里没有名为 before (server) 的计数器记录。",)
