"""The timeline as text: five lanes, blocked calls as bars, what belongs together in one line, nothing told twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import pytest
from rich.cells import cell_len

from lab.errors import UsageError
from lab.report.ink import Line, Role, cells, for_encoding, plain
from lab.report.lanes.choice import Window, named
from lab.report.timeline_picture import timeline_document
from lab.report.timeline_text import LACKS, TimelineText, lack_words, timeline_text
from lab.report.words import Words
from lab.text.catalog import LANGUAGES, Catalog
from lab.timeline.model import Source, Timeline
from tests.unit.report import timelines
from tests.unit.report.test_pages import compare_golden
from tests.unit.report.test_picture import rows as rows_of_picture

SCENES: dict[str, Callable[[], Timeline]] = {
    "one_client": timelines.one_client,
    "three_at_once": timelines.three_at_once,
    "polling": timelines.polling,
    "backlog": timelines.backlog,
    "troubled": timelines.troubled,
    "bulk": timelines.bulk,
}
GOLDEN = ("one_client", "three_at_once", "backlog", "troubled")


def words(language: str = "en") -> Words:
    return Words(Catalog({}, "none"), language, {})


def text(
    timeline: Timeline, clients: Sequence[str] = (), window: Window | None = None, language: str = "en"
) -> TimelineText:
    return timeline_text(timeline, named(timeline, clients), words(language), window)


def drawn(timeline: Timeline, width: int = 94, clients: Sequence[str] = ()) -> list[str]:
    return [plain(line) for line in text(timeline, clients).lines(width)]


def column(lines: Sequence[str], head: str) -> int:
    """Return where the last column begins that has this head."""
    return cell_len(lines[0][: lines[0].rindex(head)])


def cell(line: str, begin: int) -> str:
    """Return what stands in a line from a column of cells on, up to the next gap of two."""
    return line[begin:].split("  ", maxsplit=1)[0].rstrip()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("scene", GOLDEN)
def test_the_timeline_looks_as_it_did(scene: str, width: int, language: str) -> None:
    shown = text(SCENES[scene](), language=language)
    lines = [*map(plain, shown.lines(width)), "", *shown.notes]
    compare_golden(f"timeline.{scene}.{width}.{language}.txt", "\n".join(lines) + "\n")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("scene", SCENES)
def test_no_line_is_wider_than_the_page_and_columns_stay_in_place(scene: str, language: str) -> None:
    shown = text(SCENES[scene](), language=language)
    for width in range(54, 101, 2):
        lines = shown.lines(width)
        assert [plain(line) for line in lines if cells(line) > width] == []
        assert len({sum(cell_len(span.text) for span in line) for line in lines}) == 1, width


def test_what_follows_at_once_stands_beside_what_it_follows_from() -> None:
    connects = next(line for line in drawn(timelines.one_client()) if "connect(3)" in line)
    assert connects.split() == ["0.000", "connect(3)", "SYN-SENT", "──", "S", "seq", "0", *connects.split()[7:]]
    assert connects.index("connect(3)") < connects.index("SYN-SENT") < connects.index("seq 0")
    assert connects.index("seq 0") < connects.index("SYN-RECV ~")


def test_a_blocked_call_is_a_bar_from_its_begin_to_its_return_with_its_length() -> None:
    lines = drawn(timelines.one_client())
    lane = column(lines, "server calls")
    cells_of = [cell(line, lane) for line in lines[1:]]
    begin = cells_of.index("recv(4)")
    end = cells_of.index("└ = 5 · 25 ms")
    assert cells_of[begin + 1 : end] == ["│"] * (end - begin - 1)
    assert end - begin > 3


def test_a_call_under_way_before_the_picture_and_one_that_never_returns_are_bars_too() -> None:
    lines = drawn(timelines.one_client())
    lane = column(lines, "server calls")
    assert lines[1].split() == ["…", "accept(3)"]
    assert [cell(line, lane) for line in lines[2:6]] == ["│"] * 4
    last = drawn(timelines.three_at_once())[-2:]
    assert "epoll_wait" in last[0]
    assert last[0].rstrip().endswith("…")
    assert last[1].rstrip().endswith("│")


def test_one_wait_that_serves_three_clients_is_one_bar_and_three_calls_follow() -> None:
    lines = drawn(timelines.three_at_once(), 100)
    lane = column(lines, "server calls")
    end = next(at for at, line in enumerate(lines) if cell(line, lane) == "└ = 3: a b c")
    begin = max(at for at in range(end) if cell(lines[at], lane) == "epoll_wait")
    assert {cell(line, lane) for line in lines[begin + 1 : end]} == {"│"}
    assert [line.split()[1] for line in lines[begin:end] if '"hello"' in line] == ["a", "b", "c"]
    after = [cell(line, lane) for line in lines[end + 1 :] if cell(line, lane)]
    assert after[:6] == ["recv(5) = 5", "send(5) = 5", "recv(6) = 5", "send(6) = 5", "recv(7) = 5", "send(7) = 5"]


def test_calls_of_several_programs_have_bars_side_by_side() -> None:
    lines = drawn(timelines.three_at_once(), 100)
    assert any("│ │ │" in line for line in lines)
    assert any("│ │ recv(3)" in line for line in lines)


def test_a_state_is_told_once_and_a_thin_bar_goes_on_while_it_lasts() -> None:
    lines = drawn(timelines.one_client())
    lane = column(lines, "state")
    states = [cell(line, lane) for line in lines[2:]]
    assert [state for state in states if state != "┊"] == [
        "SYN-RECV ~", "ESTAB", "CLOSE-WAIT", "LAST-ACK", "CLOSED",
    ]  # fmt: skip
    assert "┊" in states


def test_a_state_that_is_told_again_is_no_news() -> None:
    score = timelines.Score()
    talk = score.talk("a", 1)
    syn = score.segment(">", 0, "S", 0)
    score.state("server", 9, "SYN-RECV", "LISTEN", source=Source.INFERRED, cause=syn)
    ack = score.segment(">", 50, ".", 1, 1)
    score.state("server", 58, "SYN-RECV", "LISTEN", talk=talk, cause=ack)
    score.state("server", 59, "ESTAB", "SYN-RECV", talk=talk, cause=ack)
    assert [line.split()[-1] for line in drawn(score.timeline())[1:]] == ["~", "ESTAB"]


def test_a_loop_of_ten_thousand_empty_handed_calls_is_a_few_lines_with_their_count() -> None:
    lines = drawn(timelines.polling(10_000))
    assert len(lines) == 11
    first = next(at for at, line in enumerate(lines) if "recv(4) EAGAIN" in line)
    assert [line.split()[-2:] for line in lines[first : first + 2]] == [["recv(4)", "EAGAIN"], ["accept(3)", "EAGAIN"]]
    assert "└ ×10000 · 80 ms" in lines[first + 2]


def test_a_long_loop_takes_no_long_time() -> None:
    timeline = timelines.polling(50_000)
    begun = time.process_time()
    assert len(drawn(timeline)) == 11
    assert time.process_time() - begun < 20


def test_a_crowd_is_told_in_time_that_grows_with_it() -> None:
    def taken(count: int) -> float:
        score = timelines.Score()
        for number in range(count):
            talk = score.talk(None, 10_000 + number)
            timelines.opens(score, talk, 1000 * number, waited=500)
            score.queue("recv", "server", (1000 * number, 5), talk=talk)
            score.call("server", 1000 * number + 600, 1000 * number + 700, "epoll_wait(9)", 1)
        timeline = score.timeline()
        begun = time.process_time()
        timeline_text(timeline, timeline.talks, words()).lines(100)
        return time.process_time() - begun

    assert taken(3000) < 40 * max(taken(300), 0.05), "ten times as many: by their square it would be a hundred times"


def test_a_long_run_of_data_is_folded_with_its_bytes() -> None:
    lines = drawn(timelines.bulk(140))
    assert len(lines) == 10
    assert "… 207 segments, 199824 bytes …" in "".join(lines)
    assert "… ×207 …" in "".join(drawn(timelines.bulk(140), 70))


def test_time_that_passes_is_seen() -> None:
    lines = drawn(timelines.troubled())
    assert "+ 1.0 s" in "".join(lines)
    assert all("│" in line for line in lines if line.startswith(" + 1.0 s"))


def test_a_lost_segment_and_one_that_is_long_under_way() -> None:
    lines = drawn(timelines.troubled())
    lost, again = [line for line in lines if "S   seq 0" in line][:2]
    assert "✗" in lost
    assert "▶" not in lost
    assert "again" in again
    assert "▶" not in again
    arrived = next(line for line in lines if "again" in line and "▶" in line)
    assert (again.split()[0], arrived.split()[0]) == ("1000.020", "1025.020")


def test_a_reset_says_why_where_there_is_room() -> None:
    assert any("R. TCP_ABORT_ON_CLOSE" in line for line in drawn(timelines.troubled()))
    assert any("recv ECONNRESET" in line or "recv(3) ECONNRESET" in line for line in drawn(timelines.troubled()))


def test_a_fault_stands_out_and_asking_again_does_not() -> None:
    def role(timeline: Timeline, name: str) -> Role:
        spans = [span for line in text(timeline).lines(94) for span in line]
        return next(span.role for span in spans if name in span.text)

    assert role(timelines.troubled(), "ECONNRESET") is Role.FAIL
    assert role(timelines.polling(5), "EAGAIN") is Role.COMMAND


def test_queues_are_told_where_they_change_and_brief_ones_are_not() -> None:
    lines = drawn(timelines.backlog(), 100)
    told = [line for line in lines if "accept-Q" in line or "Recv-Q" in line]
    assert ["accept-Q 1 ~" in told[0], "accept-Q 2 ~" in told[1]] == [True, True]
    assert len(told) == 2, "the queue of a, which was accepted at once, and bytes that were read at once"
    assert "Recv-Q 4096" in "".join(drawn(timelines.troubled()))


def test_a_queue_breaks_no_line_apart() -> None:
    score = timelines.Score()
    score.talk("a", 1)
    close = score.call("client", 0, 30, "close(3)", 0, talk=0)
    fin = score.segment(">", 10, "F.", 1, 1, cause=close)
    score.state("server", 40, "CLOSE-WAIT", "ESTAB", cause=fin)
    score.queue("recv", "server", (20, 1), talk=0)
    first, second = drawn(score.timeline())[1:]
    assert "CLOSE-WAIT" in first
    assert second.split() == ["0.020", "Recv-Q", "1", "~"]


def test_an_end_that_is_over_has_no_queue() -> None:
    score = timelines.Score()
    score.talk("a", 1)
    fin = score.segment("<", 0, "F.", 1, 1)
    score.state("client", 10, "TIME-WAIT", "FIN-WAIT-2", cause=fin)
    score.segment(">", 5000, ".", 1, 1)
    score.queue("recv", "client", (9, 1), (4000, 0), talk=0)
    assert "Recv-Q" not in "".join(drawn(score.timeline()))


def test_an_end_whose_queue_changed_only_when_it_was_over_has_none() -> None:
    score = timelines.Score()
    score.talk("a", 1)
    score.state("client", 10, "UNCONN", "LAST-ACK")
    score.segment(">", 20, ".", 1, 1)
    score.queue("send", "client", (15, 1), (5000, 0), talk=0)
    score.queue("recv", "client", talk=0)
    assert "-Q" not in "".join(drawn(score.timeline()))


def test_the_state_of_the_one_connection_outweighs_that_somebody_listens() -> None:
    score = timelines.Score()
    score.talk("a", 1)
    score.state("server", -10, "LISTEN", "UNCONN", talk=None)
    score.segment(">", 0, "S", 0)
    score.state("server", 10, "ESTAB", "SYN-RECV")
    score.segment(">", 5000, "P.", 1, 1, b"x")
    timeline = score.timeline()
    before = [plain(line) for line in text(timeline).lines(94)][1]
    assert before.split() == ["…", "LISTEN"]
    later = text(timeline, window=(timelines.ns(4000), timelines.ns(6000))).lines(94)
    assert [plain(line).split()[0] for line in later] == ["ms", "…", "5.000"]
    assert "ESTAB" in plain(later[1])


def test_only_what_lies_in_the_window_and_what_is_so_already() -> None:
    timeline = timelines.one_client()
    window = timelines.ns(40_000), timelines.ns(40_390)
    lines = [plain(line) for line in text(timeline, window=window).lines(94)]
    assert lines[1].split() == ["…", "read(0)", "ESTAB", "ESTAB", "recv(4)"]
    assert lines[2].split()[0] == "30.100"
    assert not any(name in line for line in lines for name in ("connect", "close", "SYN-SENT"))
    quiet = text(timeline, window=(timelines.ns(40_310), timelines.ns(40_390)))
    assert quiet.quiet
    assert not text(timeline, window=window).quiet


def test_the_middle_of_a_long_timeline_is_left_out_on_a_page() -> None:
    shown = text(timelines.three_at_once())
    whole, short = shown.lines(94), shown.lines(94, most=12)
    assert len(short) == 13
    times = [[plain(line).split()[0] for line in lines] for lines in (short, whole)]
    assert (times[0][:8], times[0][-4:]) == (times[1][:8], times[1][-4:])
    assert f"… {len(whole) - 12} more lines …" in "".join(map(plain, short))


def test_clients_are_chosen_by_name_by_port_or_by_address() -> None:
    timeline = timelines.three_at_once()
    for client in ("b", "58201", "192.168.1.101:58201"):
        assert [talk.name for talk in named(timeline, [client])] == ["b"]
    assert [talk.name for talk in named(timeline, ["c", "a", "c"])] == ["a", "c"]
    assert [talk.name for talk in named(timeline, [])] == ["a", "b", "c"]


def test_an_unknown_client_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="a, b, c") as raised:
        named(timelines.three_at_once(), ["z"])
    assert raised.value.code == "unknown-client"


def test_who_has_no_name_or_shares_it_is_known_by_the_port() -> None:
    score = timelines.Score()
    for number, name in enumerate((None, "a", "a")):
        score.talk(name, 100 + number)
        score.segment(">", number * 10, "S", 0, talk=number)
    timeline = score.timeline()
    shown = timeline_text(timeline, timeline.talks, words())
    assert [plain(line).split()[1] for line in shown.lines(94)[1:]] == [":100", "a:101", "a:102"]


def test_what_a_client_does_besides_is_told_under_its_name() -> None:
    score = timelines.Score()
    for number, name in enumerate("ab"):
        score.talk(name, 100 + number)
        score.segment(">", number * 10, "S", 0, talk=number)
        score.call("client", 50 + number, 55 + number, "send(3)", 1, talk=number)
    score.call("client", 100, 40_000, "read(0)", 6, pid=timelines.CLIENT_PID)
    score.segment(">", 50_000, ".", 1, 1, talk=1)
    assert [line.split()[1] for line in drawn(score.timeline()) if "read" in line] == ["a", "a"]


def test_only_the_servers_own_waits_are_shown_beside_a_connection() -> None:
    score = timelines.Score()
    a, other = score.talk("a", 1), score.talk("other", 2)
    score.call("client", 0, 40, "connect(3)", 0, talk=a)
    score.call("server", 50, 60, "recv(4)", 1, talk=a)
    score.call("server", 100, None, "epoll_wait(9)", pid=77)
    score.call("server", 110, None, "epoll_wait(4)")
    score.call("server", 120, 125, "recv(5)", 1, talk=other, pid=77)
    score.call("client", 200, 210, "close(3)", 0, talk=a)
    shown = "".join(drawn(score.timeline(), clients=["a"]))
    assert "epoll_wait(4)" in shown
    assert "epoll_wait(9)" not in shown
    assert "recv(5)" not in shown


def test_steps_are_titles_above_what_happened_in_them() -> None:
    timeline = timelines.one_client()
    titles = [(timelines.ns(at), title) for at, title in ((0, "1 Opens"), (20_000, "2 Nothing"), (35_000, "3 Talks"))]
    shown = timeline_text(timeline, timeline.talks, words(), titles=titles)
    lines = [plain(line) for line in shown.lines(94)]
    places = [at for at, line in enumerate(lines) if line.startswith(("1 ", "2 ", "3 "))]
    assert [lines[at] for at in places] == ["1 Opens", "3 Talks"]
    assert ["connect(3)" in lines[places[0] + 1], "= 6 · 30 ms" in lines[places[1] + 1]] == [True, True]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize("scene", SCENES)
def test_a_log_without_drawing_characters_has_the_same_columns(scene: str, encoding: str) -> None:
    for line in drawn(SCENES[scene]()):
        shown = for_encoding(line, encoding)
        assert "?" not in shown
        assert len(shown) - len(line) == 2 * line.count("…"), "an ellipsis is three points"


@pytest.mark.parametrize("language", LANGUAGES)
def test_notes_say_what_was_not_observed_and_what_could_not_be_told(language: str) -> None:
    said = words(language)
    notes = text(timelines.troubled(), language=language).notes
    expected = ("timeline.inferred", "timeline.by-looks", "timeline.lacks.no-tracefs")
    assert notes == tuple(said.lab(key) for key in expected)
    assert text(timelines.bulk(), language=language).notes == (said.lab("timeline.inferred"),)
    assert said.lab("timeline.accept-queue") in text(timelines.backlog(), language=language).notes
    assert "tcp_receive_reset" in lack_words("missing-tcp_receive_reset", said)
    assert len({lack_words(code, said) for code in LACKS}) == len(LACKS)


def test_a_crowd_that_is_not_shown_is_said_unless_one_asked_for_somebody() -> None:
    score = timelines.Score()
    for number, name in enumerate(("a", None, None)):
        score.talk(name, 100 + number)
        score.segment(">", number * 10, "S", 0, talk=number)
    timeline = score.timeline()
    note = "Not shown: 2 connections without a name."
    assert timeline_text(timeline, named(timeline, []), words(), asked=False).notes[-1] == note
    assert note not in timeline_text(timeline, named(timeline, ["a"]), words()).notes


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_picture_shows_the_lines_of_the_terminal(language: str) -> None:
    shown = text(timelines.three_at_once(), language=language)
    picture = rows_of_picture(timeline_document(shown, "Three clients", language))
    lines: list[Line] = shown.lines(100)
    assert picture[0] == "Three clients"
    assert [plain(line) for line in lines if plain(line) not in picture] == []
