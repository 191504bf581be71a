"""The page in a real browser: what it shows, how it is walked through, read and printed."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import pytest

from lab.report.page.sentences import Sentences
from lab.text.catalog import LANGUAGES, messages
from lab.timeline.model import CallMade, Lane, SegmentSent, StateChange, Timeline
from lab.wire.state import State
from tests.page.conftest import Open, Opened
from tests.page.saved import saved

SCENES = ("one", "nine")

OVERLAPS = """() => {
  const box = scroller => document.getElementById(scroller).getBoundingClientRect(), window = box("scroller");
  const texts = [...document.querySelectorAll("#view text")].map(each => [each.textContent, each.getBoundingClientRect()]);
  const seen = texts.filter(([, b]) => b.left >= window.left && b.right <= window.right && b.width > 0), found = [];
  for (let i = 0; i < seen.length; i++) for (let j = i + 1; j < seen.length; j++) {
    const [one, a] = seen[i], [other, b] = seen[j];
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left), high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (wide > 1.5 && high > 4) found.push(`${one} | ${other} (${wide.toFixed(1)} x ${high.toFixed(1)})`);
  }
  return found;
}"""


def moment(timeline: Timeline, lane: Lane, **wanted: Any) -> int:
    """Return the first moment in that lane whose record has these values."""
    for each in timeline.moments:
        what: Any = each.what.segment if isinstance(each.what, SegmentSent) and "flags" in wanted else each.what
        if each.lane is lane and all(str(getattr(what, name)) == str(value) for name, value in wanted.items()):
            return each.number
    raise AssertionError((lane, wanted))


def first_segment(timeline: Timeline, letters: str, talk: int = 0) -> int:
    return next(
        each.number
        for each in timeline.moments
        if isinstance(each.what, SegmentSent) and each.what.segment.flags.letters == letters and each.talk == talk
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("scene", SCENES)
def test_it_opens_from_disk_and_asks_nothing_of_anybody(open_page: Open, scene: str, language: str) -> None:
    opened = open_page(scene, language)
    assert opened.page.get_attribute("html", "lang") == language
    assert opened.page.locator("#view [data-m]").count() > 20
    assert "default-src 'none'" in str(opened.page.get_attribute("meta[http-equiv]", "content"))


@pytest.mark.parametrize("scene", SCENES)
def test_the_lanes_stand_in_the_order_of_the_way_from_the_client_to_the_server(open_page: Open, scene: str) -> None:
    opened = open_page(scene)
    lanes = opened.page.eval_on_selector_all(
        "#view [data-lane]", "all => all.map(one => [one.dataset.lane, one.getBoundingClientRect().top])"
    )
    assert [name for name, _ in lanes] == [str(lane) for lane in Lane]
    tops = [top for _, top in lanes]
    assert tops == sorted(tops)
    queues = opened.page.eval_on_selector_all(
        "#view [data-row=queue]", "all => all.map(one => one.getBoundingClientRect().top)"
    )
    assert len(queues) == 3
    assert min(queues) > tops[-1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_walk_goes_record_by_record_and_says_each_sentence(open_page: Open, language: str) -> None:
    opened = open_page("one", language)
    told = Sentences(opened.timeline, language)
    total = len(opened.timeline.moments)
    position = messages(language).get("page.ui.position")
    stops = opened.walk()
    assert len(stops) == total
    for number, (each, stop) in enumerate(zip(opened.timeline.moments, stops, strict=True)):
        assert stop.moment == number
        assert stop.position == position.format(number=number + 1, total=total)
        assert stop.said == " ".join(str(told.of(each)).replace("`", "").split())
    opened.press("n")
    assert opened.at() == total - 1
    opened.press("p", "k", "j")
    assert opened.at() == total - 2


def test_a_record_tells_its_times_who_told_it_and_its_frames(open_page: Open) -> None:
    opened = open_page("one")
    opened.page.mouse.click(*opened.spot(first_segment(opened.timeline, "S.")))
    told = opened.text("#now")
    assert "← S." in told
    assert "since the first segment 0.018 ms" in told
    assert "travelled 12 µs" in told
    assert "source the captures · exact" in told
    assert "client.pcap 2 · server.pcap 2" in told
    inferred = moment(opened.timeline, Lane.SERVER_STATE, state=State.SYN_RECEIVED)
    opened.page.mouse.click(*opened.spot(inferred))
    assert "SYN-RECV ~" in opened.text("#now")
    assert "inferred from the segments · ± 5 µs" in opened.text("#now")


def test_a_record_that_is_walked_to_begins_in_the_window(open_page: Open) -> None:
    opened = open_page("one", size=(700, 800))
    opened.press("0", "+", "+", "+", "+", "+")
    for stop in opened.walk():
        assert stop.record is not None
        assert stop.picture[0] + 70 <= stop.record[0] < stop.picture[2]


def test_pointing_at_a_segment_lights_its_call_and_the_state_it_brought(open_page: Open) -> None:
    opened = open_page("one")
    timeline = opened.timeline
    syn = first_segment(timeline, "S")
    connect = moment(timeline, Lane.CLIENT_CALLS, name="connect")
    received = moment(timeline, Lane.SERVER_STATE, state=State.SYN_RECEIVED)
    answer = first_segment(timeline, "S.")
    opened.page.mouse.move(*opened.spot(syn))
    assert opened.lit() == {syn, connect, received, answer}
    assert moment(timeline, Lane.CLIENT_STATE, state=State.ESTABLISHED) in opened.lit("lit2")
    assert opened.page.locator("#view .link").count() == 3
    assert "S" in opened.text("#tip")
    opened.page.mouse.move(5, 5)
    assert opened.lit() == set()
    opened.page.focus(f"#view [data-m='{syn}']")
    assert opened.lit() == {syn, connect, received, answer}


def test_a_call_that_waits_looks_other_than_one_that_does_not(open_page: Open) -> None:
    opened = open_page("one")
    calls = [(each, each.what) for each in opened.timeline.moments if isinstance(each.what, CallMade)]
    accept = next(each for each, call in calls if call.name == "accept" and each.ended_ns is not None)
    unfinished = next(each for each, call in calls if each.ended_ns is None)
    opened.press("0")
    waiting = opened.page.locator(f"#view [data-m='{accept.number}']")
    assert "wait" in str(waiting.get_attribute("class"))
    assert waiting.locator(".cap").count() == 2
    assert opened.page.locator(f"#view [data-m='{unfinished.number}'] .cap").count() == 1
    assert "wait" not in str(opened.page.get_attribute("#view .call[aria-label^='socket']", "class")).split()


def test_inferred_states_are_hatched_and_marked(open_page: Open) -> None:
    opened = open_page("one")
    opened.press("0")
    inferred = opened.page.locator("#view .state.inferred")
    names = inferred.evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")
    assert names == ["SYN-RECV ~", "TIME-WAIT ~"]
    assert inferred.locator("rect[fill^='url(#hatch']").count() == 2
    assert opened.page.locator("#view .state:not(.inferred) rect[fill^='url(#hatch']").count() == 0


def test_a_listening_socket_has_a_row_of_its_own(open_page: Open) -> None:
    opened = open_page("nine")
    opened.press("0")
    listening = opened.page.locator("[data-lane=server-state] [aria-label=LISTEN]")
    assert listening.count() == 1
    assert "listener" in opened.page.locator("#view").text_content().split("ESTAB")[-1]  # type: ignore[union-attr]


def test_rows_that_are_empty_in_the_window_are_one_line_that_names_them(open_page: Open) -> None:
    opened = open_page("nine")
    opened.press("0")
    assert opened.page.locator("#view .folded").count() == 0
    whole = opened.page.evaluate("document.getElementById('scroller').offsetHeight")
    opened.page.click("#talk-list-0")
    opened.press("a", "+", "+", "+", "+")
    opened.page.evaluate("document.getElementById('scroller').scrollLeft = 0")
    opened.page.wait_for_function("document.querySelector('#view .folded')")
    folded = opened.page.locator("#view [data-lane=client-calls] .folded").text_content()
    assert folded is not None
    names = folded.partition(": ")[2].split(", ")
    rows = opened.page.eval_on_selector_all("#view .rowname", "all => all.map(one => one.textContent)")
    assert names
    assert "a" in rows
    assert set("abcdefghi") == {*names} | {name for name in rows if len(name) == 1}
    assert opened.page.evaluate("document.getElementById('scroller').offsetHeight") < whole


def test_a_lost_segment_ends_midway(open_page: Open) -> None:
    opened = open_page("nine")
    lost = opened.page.locator("#view .segment.lost")
    assert lost.count() == 1
    wire = opened.page.locator("[data-lane=wire] > rect").bounding_box()
    drawn = lost.locator(".line").bounding_box()
    assert wire is not None
    assert drawn is not None
    assert drawn["y"] + drawn["height"] < wire["y"] + wire["height"] * 0.8


def test_nine_connections_can_be_told_apart_and_no_label_stands_on_another(open_page: Open) -> None:
    for language in LANGUAGES:
        opened = open_page("nine", language)
        for keys in ([], ["0"], ["+", "+"], ["+", "+", "+"], ["2"], ["3"]):
            opened.press(*keys)
            assert opened.page.evaluate(OVERLAPS) == []
        opened.press("1", "0")
        names = opened.page.eval_on_selector_all(
            "#view [data-talk]", "all => all.map(one => [one.textContent, getComputedStyle(one).fill])"
        )
        assert len(set(map(tuple, names))) == 9
        assert len({colour for _, colour in names}) == 9


def test_no_label_of_one_connection_stands_on_another_at_any_zoom(open_page: Open) -> None:
    opened = open_page("one", "zh-CN", size=(1100, 900))
    for keys in (["0"], ["-"], ["+"], ["+"], ["+"], ["+"], ["3"], ["2"], ["+", "+", "+", "+"]):
        opened.press(*keys)
        assert opened.page.evaluate(OVERLAPS) == []


def test_one_connection_several_and_all_can_be_chosen(open_page: Open) -> None:
    opened = open_page("nine")
    page = opened.page
    talks = {each.number: each.moments for each in opened.timeline.talks}

    def rows() -> int:
        opened.press("0")
        bands = page.locator("[data-lane=client-state] rect:not(.stripe)")
        return len(set(bands.evaluate_all("all => all.map(one => one.getAttribute('y'))")))

    page.click("#talk-list-2")
    assert opened.text("#chosen") == "1 of 9 chosen"
    assert rows() == 1
    opened.press("n")
    opened.press("End")
    page.click("#talk-list-4", modifiers=["Control"])
    assert (opened.text("#chosen"), rows()) == ("2 of 9 chosen", 2)
    page.click("#talk-list-6", modifiers=["Shift"])
    assert opened.text("#chosen") == "3 of 9 chosen"
    opened.press("a")
    assert (opened.text("#chosen"), rows()) == ("9 of 9 chosen", 9)
    page.click("#view [data-talk='3']")
    assert opened.text("#chosen") == "1 of 9 chosen"
    shown = set(page.eval_on_selector_all("#view .segment", "all => all.map(one => +one.dataset.m)"))
    assert shown <= set(talks[3])


def test_the_filter_finds_by_name_port_state_and_ending(open_page: Open) -> None:
    opened = open_page("nine")
    found = {}
    for words in ("40014", "reset", "the server closed", "no such thing", ""):
        opened.page.fill("#filter", words)
        found[words] = opened.page.locator("#talk-list .row").count()
    assert found == {"40014": 1, "reset": 1, "the server closed": 2, "no such thing": 0, "": 9}


def test_the_keyboard_alone_reaches_everything(open_page: Open) -> None:
    opened = open_page("nine")
    page = opened.page
    opened.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    opened.press("Enter")
    assert page.evaluate("document.activeElement.id") == "picture"
    opened.press("Tab")
    assert page.evaluate("document.activeElement.id") == "scroller"
    opened.press("+", "+", "+")
    before = page.evaluate("document.getElementById('scroller').scrollLeft")
    opened.press("ArrowRight", "ArrowRight")
    assert page.evaluate("document.getElementById('scroller').scrollLeft") > before
    opened.press("End")
    assert opened.at() == len(opened.timeline.moments) - 1
    opened.press("Home", "n")
    assert opened.at() == 1
    opened.press("/")
    page.keyboard.type("reset")
    opened.press("Tab", "Tab")
    assert page.evaluate("document.activeElement.id") == "talk-list"
    opened.press("Space")
    assert opened.text("#chosen") == "1 of 9 chosen · 1 found"
    opened.press("?")
    assert page.locator("#help").is_visible()
    opened.press("Escape")
    assert not page.locator("#help").is_visible()
    opened.press("e")
    assert page.locator(".check[aria-pressed=true]").count() == 1
    opened.press("Escape")
    assert page.locator(".check[aria-pressed=true]").count() == 0
    for _ in range(60):
        opened.press("Tab")
        if page.evaluate("document.activeElement.id") == "record-list":
            break
    opened.press("ArrowDown", "ArrowDown")
    assert page.evaluate("document.activeElement.id") == "record-list"
    assert page.get_attribute("#record-list .at", "aria-selected") == "true"


def test_what_has_the_focus_has_a_ring(open_page: Open) -> None:
    opened = open_page("one")
    bare = []
    for _ in range(30):
        opened.press("Tab")
        name, style = opened.page.evaluate(
            "() => { const e = document.activeElement; return [e.id || e.className || e.tagName, getComputedStyle(e).outlineStyle] }"
        )
        if name != "BODY" and style == "none":
            bare.append(name)
    assert bare == []


def test_an_expectation_shows_the_places_that_prove_it(open_page: Open) -> None:
    opened = open_page("one")
    timeline, page = opened.timeline, opened.page
    handshake = {first_segment(timeline, "S"), first_segment(timeline, "S."), first_segment(timeline, ".")}
    page.click(".check >> nth=0")
    assert opened.lit("proof") == handshake
    page.click(".check >> nth=1")
    assert page.locator("#view.failing").count() == 1
    eighth = next(
        each.number for each in timeline.moments if isinstance(each.what, SegmentSent) and each.what.server_frame == 8
    )
    assert opened.lit("proof") == {eighth}
    assert "CLOSE-WAIT" in opened.text(".wrong >> nth=0")
    page.click(".check >> nth=4")
    assert page.locator("#view .proofline").count() == 1
    assert page.locator("#view [data-look] .proofline").count() == 1
    marks = page.eval_on_selector_all("#view .mark", "all => all.map(one => one.textContent)")
    opened.press("0")
    marks = page.eval_on_selector_all("#view .mark", "all => all.map(one => one.textContent)")
    assert marks == ["✓", "✓", "✗", "✓"]
    page.click("#view .mark >> nth=0")
    assert page.get_attribute(".check >> nth=0", "aria-pressed") == "true"


def test_an_expectation_of_a_connection_that_is_not_chosen_brings_it(open_page: Open) -> None:
    opened = open_page("nine")
    opened.page.click("#talk-list-8")
    opened.page.click(".check >> nth=0")
    assert opened.text("#chosen") == "2 of 9 chosen"
    assert len(opened.lit("proof")) == 3


def test_the_three_scales_place_the_same_records_differently(open_page: Open) -> None:
    opened = open_page("one")
    places = {}
    for key in ("1", "2", "3"):
        opened.press(key, "0")
        xs = opened.page.eval_on_selector_all(
            "#view .segment .line", "all => all.map(one => Math.round(one.getBoundingClientRect().left))"
        )
        assert xs == sorted(xs)
        places[key] = tuple(xs)
    assert len(set(places.values())) == 3
    assert opened.page.get_attribute("[data-scale=record]", "aria-checked") == "true"
    ticks = opened.page.eval_on_selector_all("#view [data-tick]", "all => all.map(one => one.textContent)")
    assert any(tick.endswith(" s") for tick in ticks)
    assert any(tick.endswith(" ms") for tick in ticks)


def test_zooming_keeps_what_is_under_the_pointer(open_page: Open) -> None:
    opened = open_page("one")
    page = opened.page
    syn = f"#view [data-m='{first_segment(opened.timeline, 'S')}'] .line"
    before = page.locator(syn).bounding_box()
    assert before is not None
    page.mouse.move(before["x"], before["y"] + 20)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    page.wait_for_function(
        "before => document.querySelector(before[0]).getBoundingClientRect().width > before[1] * 1.5",
        arg=[syn, before["width"]],
    )
    after = page.locator(syn).bounding_box()
    assert after is not None
    assert abs(after["x"] - before["x"]) < 6
    page.mouse.move(700, before["y"] + 5)
    left = page.evaluate("document.getElementById('scroller').scrollLeft")
    page.mouse.down()
    page.mouse.move(500, before["y"] + 5, steps=4)
    page.mouse.up()
    assert page.evaluate("document.getElementById('scroller').scrollLeft") == pytest.approx(left + 200, abs=2)


@pytest.mark.parametrize(("scene", "language"), [*product(SCENES, LANGUAGES), ("crowd", "en")])
def test_a_narrow_window_scrolls_the_picture_and_not_the_page(open_page: Open, scene: str, language: str) -> None:
    opened = open_page(scene, language, size=(360, 740))
    opened.press("+", "+", "n", "n")
    assert opened.page.evaluate("document.documentElement.scrollWidth") == 360
    assert opened.page.evaluate("(s => s.scrollWidth > s.clientWidth)(document.getElementById('scroller'))")


@pytest.mark.parametrize("width", [320, 400, 600, 1440])
def test_the_picture_opens_on_a_segment_at_any_width(open_page: Open, width: int) -> None:
    for scene in (saved("ex03", "en"), *SCENES):
        opened = open_page(scene, size=(width, 800))
        seen = opened.page.evaluate("""() => {
          const all = document.getElementById("scroller").getBoundingClientRect();
          return [...document.querySelectorAll("#view .segment .line")].some(line => {
            const box = line.getBoundingClientRect();
            return box.left >= all.left + 60 && box.left < all.right - 20;
          });
        }""")
        assert seen, scene if isinstance(scene, str) else "ex03"


def background(opened: Opened) -> tuple[int, ...]:
    colour = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
    return tuple(map(int, re.findall(r"\d+", colour)[:3]))


def test_light_and_dark_follow_the_system_until_one_is_chosen(open_page: Open) -> None:
    light, dark = open_page("one", color_scheme="light"), open_page("one", color_scheme="dark")
    assert sum(background(light)) > 700
    assert sum(background(dark)) < 150
    dark.press("t")
    assert sum(background(dark)) > 700
    dark.press("t")
    assert sum(background(dark)) < 150
    light.page.click("#theme")
    light.page.click("#theme")
    assert sum(background(light)) < 150


CONTRAST = """() => {
  const luminance = colour => { const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
  const ratio = (one, other) => { const [a, b] = [luminance(one), luminance(other)].sort((x, y) => y - x); return (a + .05) / (b + .05); };
  const probe = document.createElement("i");
  document.body.append(probe);
  const of = name => { probe.style.color = `var(--${name})`; return getComputedStyle(probe).color; };
  const pairs = [["ink", "panel"], ["soft", "panel"], ["soft", "faint"], ["accent", "panel"], ["on-accent", "accent"], ["pass", "panel"], ["fail", "panel"], ["undecided", "panel"], ["ink", "chosen"]];
  for (const state of ["LISTEN", "SYN-SENT", "SYN-RECV", "ESTAB", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSING", "CLOSE-WAIT", "LAST-ACK", "TIME-WAIT"]) pairs.push(["ink", state]);
  for (let i = 0; i < 10; i++) pairs.push([`c${i}`, "panel"]);
  return pairs.map(([a, b]) => [`${a} on ${b}`, ratio(of(a), of(b))]).filter(([, r]) => r < 4.5);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(open_page: Open, scheme: str) -> None:
    assert open_page("one", color_scheme=scheme).page.evaluate(CONTRAST) == []


def test_in_chinese_nothing_of_the_page_itself_is_english(open_page: Open) -> None:
    opened = open_page("nine", "zh-CN")
    english, chinese = messages("en").table("page.ui"), messages("zh-CN").table("page.ui")
    shown = opened.page.evaluate("document.body.innerText") + opened.page.evaluate(
        "[...document.querySelectorAll('[title],[aria-label],[placeholder]')].map(e => [e.title, e.ariaLabel, e.placeholder].join(' ')).join(' ')"
    )
    hosts = {"client", "server"}
    words = {
        text for name, text in english.items() if chinese[name] != text and "{" not in text and len(text) > 4
    } - hosts
    assert {text for text in words if text in shown} == set()


def test_with_less_motion_nothing_moves(open_page: Open) -> None:
    opened = open_page("one", reduced_motion="reduce")
    moving = opened.page.evaluate(
        "[...document.querySelectorAll('*')].filter(e => getComputedStyle(e).transitionDuration !== '0s').length"
    )
    assert moving == 0


def test_lists_and_buttons_have_names_and_roles(open_page: Open) -> None:
    opened = open_page("nine")
    nameless = opened.page.evaluate(
        "[...document.querySelectorAll('button, input, [role=listbox], [role=group], [role=radiogroup]')].filter(e => !(e.innerText || e.ariaLabel || e.getAttribute('aria-labelledby'))).map(e => e.outerHTML)"
    )
    assert nameless == []
    opened.press("n")
    assert opened.page.get_attribute("#now", "aria-live") == "polite"
    options = opened.page.locator("#talk-list [role=option]")
    assert options.count() >= 4
    assert opened.page.locator("#talk-list [role=option][aria-selected=true]").count() == options.count()
    dangling = opened.page.evaluate(
        "[...document.querySelectorAll('[aria-labelledby], [aria-describedby]')].flatMap(e => [e.getAttribute('aria-labelledby'), e.getAttribute('aria-describedby')]).filter(id => id && !document.getElementById(id))"
    )
    assert dangling == []


def test_on_paper_the_picture_is_as_wide_as_the_page_and_the_lists_are_whole(open_page: Open) -> None:
    opened = open_page("nine", own=True, color_scheme="dark")
    page = opened.page
    page.click("#talk-list-1")
    opened.press("n")
    page.set_viewport_size({"width": 1040, "height": 720})
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    strips = page.eval_on_selector_all("#on-paper > svg", "all => all.map(one => one.getBoundingClientRect().width)")
    assert strips
    assert all(width <= 1040 for width in strips)
    assert sum(background(opened)) == 765
    drawn = set(page.eval_on_selector_all("#on-paper [data-m].segment", "all => all.map(one => +one.dataset.m)"))
    talk = opened.timeline.talks[1]
    sent = {n for n in talk.moments if isinstance(opened.timeline.moments[n].what, SegmentSent)}
    assert drawn == sent
    assert page.locator("#on-paper > table >> nth=0 >> tbody tr").count() == 1
    assert page.locator("#on-paper > table >> nth=1 >> tbody tr").count() >= len(talk.moments)
    assert page.locator("#checks .check").count() == 6
    assert not page.locator("#walk").is_visible()
    stuck = "[...document.querySelectorAll('*')].filter(e => ['sticky', 'fixed'].includes(getComputedStyle(e).position) && e.getClientRects().length)"
    assert page.evaluate(f"{stuck}.map(e => e.id)") == []
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("#on-paper > *").count() == 0


def test_the_first_sheet_of_paper_is_filled(open_page: Open) -> None:
    """What stands before the first strip, which takes a sheet of its own, is more than half a sheet."""
    opened = open_page(saved("ex03", "en"), own=True)
    page = opened.page
    page.set_viewport_size({"width": 1040, "height": 720})
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    ends = page.evaluate("document.querySelector('#on-paper > svg').getBoundingClientRect().top + scrollY")
    assert ends > 720 * 0.6
    order = page.eval_on_selector_all("#on-paper > *, #checks", "all => all.map(one => one.id || one.tagName)")
    assert order.index("checks") < order.index("svg")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("main > #checks").count() == 1


def test_it_prints_to_a_few_pages(open_page: Open) -> None:
    opened = open_page("one")
    printed = opened.page.pdf(prefer_css_page_size=True)
    assert printed.startswith(b"%PDF")
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 6
    assert opened.page.locator("#on-paper > *").count() == 0


def test_a_state_that_only_ss_saw_and_a_run_without_any_record_open_too(open_page: Open) -> None:
    from tests.page.scenes import BEGUN, Scene  # noqa: PLC0415

    opened = open_page("one")
    run = opened.timeline
    assert all(isinstance(each.what, CallMade | StateChange | SegmentSent) for each in run.moments)
    from lab.report.page.run import PageRun  # noqa: PLC0415

    empty = Scene().timeline(1_000_000_000, by_kernel=False)
    assert empty.begun_ns == BEGUN
    bare = open_page((empty, PageRun((), (), {}, ())))
    assert messages("en").get("page.ui.empty") in bare.text("#now")
    assert messages("en").get("page.head.by-looks") in bare.text("header")
    bare.press("n", "p", "+", "-", "0", "1", "2", "3", "a", "e", "t", "Escape")
