"""The page's parts before any browser: the sentences, the columns, how a connection ended, what proves what."""

from __future__ import annotations

import re
import tomllib
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flit_core import buildapi  # type: ignore[import-untyped]  # ships none

from lab.judge.verdict import CallAt, Look, Message, Reference, Result, StatesFrom, Verdict, frames
from lab.report import page
from lab.report.page.columns import columns, excerpt
from lab.report.page.document import SCRIPTS
from lab.report.page.ends import Ending, course
from lab.report.page.proofs import CALLED, Proof, Spot, proofs
from lab.report.page.sentences import FIELD, Sentences
from lab.settings import ROOT
from lab.text import catalog
from lab.text.catalog import LANGUAGES, messages
from lab.timeline.model import CallMade, Lane, Moment, SegmentSent, Signal, Source, StateChange, Timeline
from lab.timeline.waiting import waits
from lab.wire.state import State
from tests.page.scenes import BEGUN, MS, S, Scene, dial, nine, one
from tests.unit.report.timelines import Score, three_at_once

HERE = Path(catalog.__file__).parent


def sentences(timeline: Timeline, language: str = "en") -> list[str]:
    told = Sentences(timeline, language)
    return [str(told.of(each)) for each in timeline.moments]


def of_calls(timeline: Timeline, name: str, language: str = "en") -> list[str]:
    told = sentences(timeline, language)
    return [
        told[each.number] for each in timeline.moments if isinstance(each.what, CallMade) and each.what.name == name
    ]


def of_segments(timeline: Timeline, letters: str) -> list[str]:
    told = sentences(timeline)
    return [
        told[each.number]
        for each in timeline.moments
        if isinstance(each.what, SegmentSent) and each.what.segment.flags.letters == letters
    ]


def a_call(**changes: Any) -> Timeline:
    """A timeline of one connection with one more call of the client's."""
    timeline, _ = one()
    made = CallMade("a", 900, "recv", 3, 5, None)
    moment = Moment(0, Lane.CLIENT_CALLS, "client", 0, BEGUN, BEGUN + 3_000, 0, Source.KERNEL, made, None, None)
    fields = {name: value for name, value in changes.items() if hasattr(moment, name)}
    calls = {name: value for name, value in changes.items() if hasattr(made, name)}
    return replace(timeline, moments=(replace(moment, what=replace(made, **calls), **fields),))


def test_a_connect_says_who_asks_for_what_and_how_long_the_answer_took() -> None:
    (told,) = of_calls(one()[0], "connect")
    asked = "The program of client a asks its kernel for a connection; the kernel chooses port 58132 and sends `S`."
    assert told == f"{asked} The answer comes after 60 µs, and the call returns."


def test_a_close_that_sends_its_f_says_so_and_one_with_unread_bytes_that_it_resets() -> None:
    assert all("the kernel sends `F.`" in told for told in of_calls(one()[0], "close"))
    assert any("The kernel sends `R` instead of `F`" in told for told in of_calls(nine()[0], "close"))


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("TCP_ABORT_ON_CLOSE", "not everything that had arrived was read."),
        ("TCP_STATE", "by SO_LINGER with a time of 0."),
        (None, "the connection is cut off, not closed."),
    ],
)
def test_a_close_that_resets_says_why_as_far_as_the_kernel_does(reason: str | None, said: str) -> None:
    timeline = nine()[0]
    moments = tuple(
        replace(each, what=replace(each.what, reason=reason)) if isinstance(each.what, SegmentSent) else each
        for each in timeline.moments
    )
    told = of_calls(replace(timeline, moments=moments), "close")
    assert [each.endswith(said) for each in told if "`R` instead of `F`" in each] == [True]


def test_an_end_of_file_and_an_unfinished_call_are_told() -> None:
    ends = [told for told in of_calls(one()[0], "recv") if "end-of-file" in told]
    assert ["the other side has closed its direction" in told for told in ends] == [False, True], (
        "the client's, by an F"
    )
    assert of_calls(one()[0], "accept")[-1].endswith("When the recording ends, the call has not returned.")


@pytest.mark.parametrize(
    ("came", "said"),
    [
        ("R.", "end-of-file, though no `F` has come: `R` ended the connection"),
        ("F.", "end-of-file: the other side has closed its direction"),
        (".", "It gets 0 bytes: end-of-file."),
    ],
)
@pytest.mark.parametrize("from_server", [True, False])
def test_0_bytes_are_told_by_what_had_come_before(came: str, said: str, *, from_server: bool) -> None:
    score = Score()
    talk = score.talk("a", 58132)
    reader, ours, theirs = ("client", ">", "<") if from_server else ("server", "<", ">")
    score.segment(theirs, 0, "P.", 1, 1, b"hello", talk=talk)
    score.segment(ours, 5, "F.", 1, 1, talk=talk)  # its own end says nothing of the other's
    score.segment(theirs, 20, came, 6, 1, talk=talk)
    score.call(reader, 100, 110, "recv(3)", 0, talk=talk)
    score.segment(theirs, 200, "F.", 6, 1, talk=talk)  # too late
    (told,) = of_calls(score.timeline(), "recv")
    assert said in told


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"result": -1, "error": "EAGAIN"}, "does not block: the call returns at once with EAGAIN"),
        ({"result": -1, "error": "ECONNRESET"}, "the other side has reset the connection"),
        ({"result": -1, "error": "ERESTARTSYS", "signal": Signal.ENDED}, "A signal ended the program here"),
        ({"result": -1, "error": "ERESTARTSYS", "signal": Signal.ANEW}, "the kernel restarts the same call"),
        ({"result": -1, "error": "ERESTARTSYS", "signal": Signal.LAST}, "the program makes no other call"),
        ({"result": -1, "error": "EINTR", "signal": Signal.ANEW}, "it returns with EINTR"),
        ({"result": -1, "error": "EINTR", "signal": Signal.ENDED}, "A signal ended the program here"),
        ({"name": "bind", "result": -1, "error": "EADDRINUSE"}, "that is left, mostly in TIME-WAIT (EADDRINUSE)"),
        ({"result": -1, "error": "EBADF"}, "It fails with EBADF"),
        ({"name": "connect", "result": -1, "error": "EINPROGRESS"}, "the kernel goes on by itself"),
        ({"name": "connect", "result": -1, "error": "ECONNREFUSED"}, "nobody listens there"),
        ({"name": "epoll_wait", "result": 3, "talk": None}, "3 descriptors are ready"),
        ({"name": "select", "result": 1, "talk": None}, "1 descriptor is ready"),
        ({"name": "poll", "result": 0, "talk": None}, "The time is over, none was ready"),
        ({"name": "read", "result": 6, "talk": None, "fd": 0}, "reads 6 bytes from descriptor 0"),
        ({"name": "socket", "result": 3, "talk": None, "fd": None}, "it is descriptor 3"),
        ({"name": "accept", "result": 4, "talk": None}, "from now on it is descriptor 4"),
        ({"name": "setsockopt", "result": 0, "about": "SO_SNDBUF"}, "sets SO_SNDBUF of descriptor 3"),
        ({"name": "setsockopt", "result": 0, "about": "SO_REUSEADDR"}, "sets SO_REUSEADDR: `bind()` may take the port"),
        ({"name": "setsockopt", "result": 0}, "calls `setsockopt()`"),
        ({"name": "getsockopt", "result": 0, "about": "SO_ERROR"}, "asks for SO_ERROR of descriptor 3"),
        ({"name": "ioctl", "result": 0, "about": "FIONBIO"}, "whether calls on descriptor 3 wait"),
        ({"name": "epoll_create", "result": 4, "fd": None, "talk": None}, "the list itself is descriptor 4"),
        ({"name": "epoll_ctl", "result": 0, "fd": 4, "about": "ADD 5"}, "registers descriptor 5 with the list"),
        ({"name": "epoll_ctl", "result": 0, "fd": 4, "about": "DEL 5"}, "takes descriptor 5 off the list"),
        ({"name": "sleep", "result": 0, "talk": None}, "sleeps for a set time"),
        ({"name": "fork", "result": 7, "talk": None}, "calls `fork()`"),
        ({"party": None}, "The client’s program takes 5 bytes"),
        ({"party": "server", "lane": Lane.SERVER_CALLS}, "The server’s program takes 5 bytes"),
        ({"ended_ns": BEGUN + 2 * S}, "It waits in the call for 2.0 s"),
    ],
)
def test_each_call_is_told_by_its_name_and_its_outcome(changes: dict[str, Any], said: str) -> None:
    assert said in sentences(a_call(**changes))[0]


@pytest.mark.parametrize(
    ("changes", "slept"),
    [
        ({}, False),
        ({"ended_ns": BEGUN + 2 * MS}, True),
        ({"ended_ns": None, "result": None}, True),
        ({"ended_ns": BEGUN + MS // 2, "source": Source.STRACE}, False),
        ({"name": "connect"}, True),
        ({"name": "connect", "error": "EINPROGRESS"}, False),
        ({"name": "send", "ended_ns": BEGUN + MS // 2}, False),
        ({"name": "listen", "ended_ns": BEGUN + 2 * MS}, False),
        ({"name": "close", "ended_ns": BEGUN + 2 * MS}, False),
        ({"name": "shutdown", "ended_ns": None, "result": None}, False),
    ],
)
def test_a_call_waits_when_it_lasts_longer_than_its_work(changes: dict[str, Any], slept: bool) -> None:  # noqa: FBT001
    assert waits(a_call(**changes).moments[0]) is slept


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "they are 5 (client a), 6 (client b), 7 (client c)."),
        ("zh-CN", "是 5（客户端 a）、6（客户端 b）、7（客户端 c）。"),
    ],
)
def test_a_wait_names_the_descriptors_that_the_program_then_serves(language: str, said: str) -> None:
    timeline = three_at_once()
    waits_told = of_calls(timeline, "epoll_wait", language)
    assert [told for told in waits_told if told.endswith(said)] == [waits_told[3]]
    assert "3 (new: client a)" in of_calls(timeline, "epoll_wait")[0]


def test_of_some_that_were_ready_nothing_more_may_be_known() -> None:
    timeline = three_at_once()
    some = [
        replace(each, cause=None) if isinstance(each.what, CallMade) and each.what.fd == 6 else each
        for each in timeline.moments
    ]
    told = of_calls(replace(timeline, moments=tuple(some)), "epoll_wait")[3]
    assert told.endswith("among them 5 (client a), 7 (client c).")


def test_what_is_typed_is_named_and_a_connection_without_a_name_by_its_port() -> None:
    score = Score()
    score.talk(None, 40_001)
    wait = score.call("client", 0, 50, "select(4)", 2)
    score.call("client", 60, 61, "read(0)", 6, cause=wait)
    score.call("client", 70, 71, "recv(3)", 6, talk=0, cause=wait)
    score.segment(">", 90, "S", 0)
    assert of_calls(score.timeline(), "select")[0].endswith("they are 0 (what is typed), 3 (port 40001).")


def test_a_reset_from_the_queue_of_a_listener_says_so() -> None:
    score = Score()
    score.talk("a", 40_001)
    gone = score.state("server", 10, "UNCONN", "LISTEN", talk=None)
    score.state("server", 11, "UNCONN", "ESTAB", cause=gone)
    score.segment("<", 12, "R.", 1, 1, cause=gone)
    listens, ends, reset = sentences(score.timeline())
    assert "no longer listens" in listens
    assert "The listener in whose queue it waited is closed" in ends
    assert "still in the queue of a listener that closed" in reset


def test_segments_are_told_by_what_came_before_them() -> None:
    timeline = one()[0]
    acks = of_segments(timeline, ".")
    assert acks[0] == "The kernel of the client acknowledges the `S.`: the handshake is complete."
    assert acks[1].startswith("The kernel of the server has received everything before number 7.")
    assert [told for told in acks if "acknowledges the `F`" in told] == [
        "The kernel of the client acknowledges the `F` of the server.",
        "The kernel of the server acknowledges the `F` of the client.",
    ]
    first, second = of_segments(timeline, "F.")
    assert "the other direction stays open" in first
    assert second == "The client closes its direction too."


def test_what_is_lost_sent_again_or_a_reset_is_told() -> None:
    timeline = nine()[0]
    syns = of_segments(timeline, "S")
    assert sum("It never arrives" in told for told in syns) == 1
    assert sum("It is sent again" in told for told in syns) == 1
    assert "The kernel’s reason: TCP_ABORT_ON_CLOSE." in of_segments(timeline, "R.")[0]


def test_without_the_receivers_capture_nothing_is_called_lost() -> None:
    timeline = nine()[0]
    moments = tuple(
        replace(each, what=replace(each.what, server_frame=None)) if isinstance(each.what, SegmentSent) else each
        for each in timeline.moments
    )
    assert not any("never arrives" in told for told in sentences(replace(timeline, moments=moments)))


@pytest.mark.parametrize(
    ("state", "before", "said"),
    [
        (State.LISTEN, None, "listens"),
        (State.SYN_RECEIVED, State.LISTEN, "Only now does the kernel make a socket"),
        (State.SYN_RECEIVED, State.SYN_SENT, "half open"),
        (State.CLOSING, State.FIN_WAIT_1, "Both closed at the same moment"),
        (State.TIME_WAIT, State.CLOSING, "each of them stays"),
        (State.CLOSED, State.SYN_SENT, "No answer came"),
        (State.CLOSED, State.SYN_RECEIVED, "never came"),
        (State.CLOSED, State.TIME_WAIT, "The 60 s are over"),
        (State.CLOSED, State.CLOSE_WAIT, "over for the server"),
        (State.CLOSED, State.FIN_WAIT_2, "over for the server"),
    ],
)
def test_a_state_is_told_by_how_the_end_came_into_it(state: State, before: State | None, said: str) -> None:
    change = StateChange(state, before)
    moment = Moment(0, Lane.SERVER_STATE, "server", 0, BEGUN, None, 0, Source.KERNEL, change, None, None)
    assert said in sentences(replace(one()[0], moments=(moment,)))[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_begins_large_ends_with_a_stop_and_has_no_field_left(language: str) -> None:
    for timeline in (one()[0], nine()[0]):
        for told in sentences(timeline, language):
            assert not FIELD.search(told)
            assert told.endswith("." if language == "en" else "。")
            assert not told[0].islower()


def test_both_languages_have_the_same_words_with_the_same_fields() -> None:
    def leaves(table: Any, path: str = "") -> dict[str, set[str]]:
        if isinstance(table, str):
            # A Chinese sentence never begins with a small letter: there the two forms of a side are one.
            return {path: {name.lower() for name in FIELD.findall(table)}}
        return {key: value for name, each in table.items() for key, value in leaves(each, f"{path}.{name}").items()}

    english, chinese = (
        leaves(tomllib.loads((HERE / f"page.{language}.toml").read_text(encoding="utf-8"))) for language in LANGUAGES
    )
    assert english == chinese


def test_every_word_of_the_script_is_there_and_every_word_there_is_used() -> None:
    assets = Path(page.__file__).parent / "assets"
    script = "\n".join(path.read_text(encoding="utf-8") for path in sorted(assets.rglob("*.js")))
    template = (assets / "page.html").read_text(encoding="utf-8")
    asked = set(re.findall(r"\bui\.(\w+)", script)) | set(re.findall(r'\bui\["([\w-]+)"\]', script))
    written = {name.replace("_", "-") for name in re.findall(r"\$(\w+)", template)}
    known = set(messages("en").table("page.ui"))
    assert asked - known == set()
    themes = {f"theme-{name}" for name in ("auto", "light", "dark")}
    in_python = {"help"}
    assert known - asked - written - themes - in_python == set()


def test_how_a_connection_ended() -> None:
    timeline = nine()[0]
    endings = [course(timeline, talk).ending for talk in timeline.talks]
    assert endings[0] is Ending.CLIENT_FIRST
    assert endings[2] is Ending.SERVER_FIRST
    assert endings[8] is Ending.SERVER_RESET
    scene = Scene()
    dial(scene, "a", 40_000, 1 * MS)
    still = scene.timeline(1 * S)
    assert course(still, still.talks[0]).ending is Ending.OPEN
    asked = replace(still.talks[0], moments=still.talks[0].moments[:4])
    assert course(still, asked).ending is Ending.UNANSWERED
    assert course(still, still.talks[0]).client == (State.SYN_SENT, State.ESTABLISHED)


def a_proof(*references: Reference) -> Proof:
    timeline, run = one()
    said = Message("segments-agree")
    result = Result("x", None, Verdict.PASS, said, said, proof=references)
    return proofs(timeline, replace(run, results=(result,)))[0]


def test_a_frame_proves_by_its_segment_on_either_host_and_a_look_of_ss_by_its_time() -> None:
    timeline, run = one()
    sent = [each.number for each in timeline.moments if isinstance(each.what, SegmentSent)]
    assert a_proof(Look("server.pcap", frame=4)) == Proof((sent[3],), ())
    assert a_proof(Look("client.pcap", frame=4)) == Proof((sent[3],), ())
    assert a_proof(*frames("server.pcap", (4, 1))) == Proof((sent[3], sent[0]), ())
    assert a_proof(Look("ss/connected.client.txt", line=2)) == Proof((), (2,))
    assert run.looks[2].file == "ss/connected.client.txt"
    assert a_proof(Look("server.pcap", frame=4_000)) == Proof((), ())
    assert a_proof(Look("evidence.json")) == Proof((), ())


def test_a_state_of_the_kernel_s_proves_with_those_that_follow_as_expected() -> None:
    timeline, _ = one()
    states = [each for each in timeline.moments if each.lane is Lane.SERVER_STATE]
    assert a_proof(StatesFrom(states[1].time_ns, 2)).moments == (states[1].number, states[2].number)
    assert a_proof(StatesFrom(states[1].time_ns, 0)).moments == (states[1].number,)
    assert a_proof(StatesFrom(states[1].time_ns + 1, 2)).moments == ()


def test_a_call_of_strace_s_proves_by_the_call_that_was_made_then_else_by_itself() -> None:
    timeline, _ = one()
    sends = [each for each in timeline.moments if isinstance(each.what, CallMade) and each.what.name == "send"]
    assert a_proof(CallAt("server", "send", sends[1].time_ns + 4_000)) == Proof((sends[1].number,), ())
    late = CallAt("server", "send", sends[1].time_ns + 1 * S)
    assert a_proof(late) == Proof(
        (),
        (),
        (Spot(late.time_ns, "server", client=False, message=Message(CALLED, {"party": "server", "call": "send"})),),
    )


def test_the_columns_hold_every_moment_once() -> None:
    timeline, _ = nine()
    made = columns(timeline, "en", ["connects"])
    count = len(timeline.moments)
    assert {len(each) for each in made["moments"].values()} == {count}
    kinds = [
        len(made[name][column]) for name, column in (("calls", "name"), ("changes", "state"), ("segments", "flags"))
    ]
    assert sum(kinds) == count
    assert made["also"] == []
    fields = [len(FIELD.findall(made["tables"]["texts"][text])) for text in made["told"]["text"]]
    assert sum(fields) == len(made["told"]["values"])


def test_the_columns_tell_how_long_a_connection_lasted_and_of_an_open_one_that_it_goes_on() -> None:
    timeline, _ = one()
    made = columns(timeline, "en", ["connects"])["talks"]
    syn = next(each for each in timeline.moments if told_state(each) is State.SYN_SENT)
    gone = next(each for each in timeline.moments if told_state(each) is State.CLOSED)
    assert (made["begun"], made["took"], made["open"]) == (
        [syn.time_ns - timeline.begun_ns], [gone.time_ns - syn.time_ns], "0",
    )  # fmt: skip
    scene = Scene()
    dial(scene, "a", 40_000, 1 * MS)
    still = scene.timeline(1 * S)
    made = columns(still, "en", ["connects"])["talks"]
    assert (made["begun"][0] + made["took"][0], made["open"]) == (still.ended_ns - still.begun_ns, "1")


def told_state(moment: Moment) -> State | None:
    return moment.what.state if isinstance(moment.what, StateChange) else None


def test_a_payload_is_shown_when_it_is_text() -> None:
    assert excerpt(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") == "GET / HTTP/1.1 Host: x"
    assert excerpt(b"a" * 100) == "a" * 24 + "…"
    assert excerpt(b"\x00\x01\xff") == ""
    assert excerpt("三".encode()) == ""


def test_what_the_page_is_made_of_is_shipped_with_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assets = Path(page.__file__).parent / "assets"
    monkeypatch.chdir(ROOT)
    wheel = tmp_path / buildapi.build_wheel(str(tmp_path))
    shipped = zipfile.ZipFile(wheel).namelist()
    missing = [path.name for path in assets.rglob("*.*") if str(path.relative_to(ROOT)) not in shipped]
    assert missing == []
    assert {f"{name}.js" for name in SCRIPTS} == {path.name for path in assets.rglob("*.js")}
