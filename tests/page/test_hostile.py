"""What programs sent and what they are called is shown as text, whatever it says."""

from __future__ import annotations

from dataclasses import replace

from lab.report.page.document import as_json
from lab.timeline.model import CallMade, SegmentSent
from tests.page import scenes
from tests.page.conftest import Open

EVIL = "</script><img src=x onerror=alert(1)>"


def test_markup_in_names_and_payloads_stays_text(open_page: Open) -> None:
    timeline, run = scenes.one()
    moments = []
    for each in timeline.moments:
        what = each.what
        if isinstance(what, CallMade) and what.party == "a":
            what = replace(what, party=EVIL)
        elif isinstance(what, SegmentSent) and what.segment.payload:
            what = replace(what, segment=what.segment._replace(payload=b"<img onerror=alert(2)>"))
        moments.append(replace(each, what=what))
    talks = tuple(replace(talk, name=EVIL) for talk in timeline.talks)
    looks = tuple(look._replace(name=EVIL) for look in run.looks)
    opened = open_page((replace(timeline, moments=tuple(moments), talks=talks), replace(run, looks=looks)))
    assert EVIL in opened.text("#talk-list")
    opened.press(*"nnnnnn")
    assert EVIL in opened.text("#now")
    opened.press("0")
    assert "<img onerror=alert(2)>" in opened.page.evaluate("document.getElementById('view').textContent")
    opened.page.hover("#view .looklabel >> nth=0")
    assert EVIL in opened.text("#tip")
    opened.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert opened.page.locator("img").count() == 0


def test_json_in_a_script_element_can_end_neither_it_nor_a_line() -> None:
    text = as_json({"a": "</script><!--&\u2028"})
    assert not set("<>&\u2028") & set(text)
