"""The kernel's counters as nstat prints them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.kernel.counters import CountersError, difference, parse_nstat
from lab.text.catalog import LANGUAGES

FIXTURES = Path(__file__).parents[2] / "fixtures" / "nstat"
# nstat pads names to 32 columns; the longest there is has 31 letters.
names = st.text("abcXYZ019", min_size=1, max_size=31)
values = st.dictionaries(names, st.integers(0, 2**64 - 1))


def recorded(name: str) -> dict[str, int]:
    return parse_nstat((FIXTURES / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["6.1.json", "6.1.txt", "6.15.json"])
def test_a_recorded_namespace_opened_one_connection(name: str) -> None:
    counters = recorded(name)
    assert (counters["TcpActiveOpens"], counters["TcpPassiveOpens"]) == (1, 1)
    assert {"TcpExtListenOverflows", "TcpExtSyncookiesSent", "TcpExtTCPReqQFullDrop"} <= counters.keys()


def test_both_forms_say_the_same() -> None:
    assert recorded("6.1.json") == recorded("6.1.txt")


def test_a_difference_counts_what_happened_between() -> None:
    before = {"TcpActiveOpens": 3, "TcpExtListenDrops": 1, "TcpCurrEstab": 4}
    after = {"TcpActiveOpens": 5, "TcpExtListenDrops": 1, "TcpCurrEstab": 1, "TcpExtSyncookiesSent": 2}
    assert difference(before, after) == {
        "TcpActiveOpens": 2,
        "TcpExtListenDrops": 0,
        "TcpCurrEstab": -3,
        "TcpExtSyncookiesSent": 2,
    }


def test_a_counter_that_falls_is_another_namespace() -> None:
    with pytest.raises(CountersError) as caught:
        difference({"TcpActiveOpens": 3}, {"TcpActiveOpens": 1})
    assert (caught.value.code, caught.value.params) == (
        "nstat-went-back",
        {"name": "TcpActiveOpens", "before": 3, "after": 1},
    )
    assert all(caught.value.what(language) for language in LANGUAGES)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "nstat-unreadable"),
        ("[]", "nstat-unreadable"),
        ("{}", "nstat-unreadable"),
        ('{"kernel": 1}', "nstat-unreadable"),
        ('{"kernel":{"TcpActiveOpens":1', "nstat-unreadable"),
        ('{"kernel":{"a":' + "[" * 100_000, "nstat-unreadable"),
        ('{"kernel":{"a":' + "9" * 5000 + "}}", "nstat-unreadable"),
        ('{"kernel":{"TcpActiveOpens":-1}}', "nstat-bad-number"),
        ('{"kernel":{"TcpActiveOpens":1.5}}', "nstat-bad-number"),
        ('{"kernel":{"TcpActiveOpens":true}}', "nstat-bad-number"),
        ('{"kernel":{"TcpActiveOpens":18446744073709551616}}', "nstat-bad-number"),
        ("#kernel\nTcpActiveOpens", "nstat-unreadable"),
        ("#kernel\nTcpActiveOpens many 0.0", "nstat-unreadable"),
        ("#kernel\nTcpActiveOpens 99999999999999999999 0.0", "nstat-bad-number"),
        ("nstat: command not found", "nstat-unreadable"),
    ],
)
def test_damaged_counters_are_refused_by_the_files_name(text: str, code: str) -> None:
    with pytest.raises(CountersError) as caught:
        parse_nstat(text, where="server.counters.json")
    assert caught.value.code == code
    for language in LANGUAGES:
        assert "server.counters.json" in caught.value.what(language)
        assert caught.value.remedy(language)


@given(st.text() | st.text('{}[]":,kernel0123456789. \n#'))
def test_any_text_is_counters_or_a_refusal(text: str) -> None:
    said = ""
    try:
        assert all(value >= 0 for value in parse_nstat(text).values())
    except CountersError as refused:
        said = refused.what("en")
    assert said.isprintable()


@given(values)
def test_plain_text_is_read_back(counters: dict[str, int]) -> None:
    lines = ["#kernel", *(f"{name:<32}{value:<16}{0.0:6.1f}" for name, value in counters.items())]
    assert parse_nstat("\n".join(lines) + "\n") == counters


@given(values, values)
def test_a_difference_leads_from_before_to_after(before: dict[str, int], more: dict[str, int]) -> None:
    after = {name: before.get(name, 0) + more.get(name, 0) for name in before | more}
    moved = difference(before, after)
    assert {name: before.get(name, 0) + change for name, change in moved.items()} == after
