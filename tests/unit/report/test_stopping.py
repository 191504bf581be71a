"""Why a play stopped, in words: each reason that the stage can give, in both languages, nothing of its detail lost."""

from __future__ import annotations

import pytest

from lab.recording.play import Stopped
from lab.report.stopping import stop_words
from lab.report.words import Words
from lab.text.catalog import Catalog
from tests.unit.report import builders

A_WAY = [
    (
        Stopped("listens", "server", "did-not-listen", "10.1.0.102:8000; LISTEN 10.1.0.102:8008"),
        (
            "the server (serve_blocking) did not begin to listen. The lab waited for 10.1.0.102:8000. "
            "It listens on 10.1.0.102:8008 instead."
        ),
        "服务器（serve_blocking）没有开始监听。实验室等待的是 10.1.0.102:8000。它却在 10.1.0.102:8008 上监听。",
    ),
    (
        Stopped("listens", "server", "did-not-listen", "5 s"),
        "the server (serve_blocking) did not begin to listen. The lab waited 5 s for it.",
        "服务器（serve_blocking）没有开始监听。实验室等了 5 秒。",
    ),
    (
        Stopped("connects", "a", "not-connected", "10.1.0.101:4242: SYN-RECV ≠ ESTAB"),
        (
            "client a (prompt) got no connection. On the server, its connection 10.1.0.101:4242 was in SYN-RECV and not in "
            "ESTAB."
        ),
        "客户端 a（prompt）没有连上。在服务器上，它的连接 10.1.0.101:4242 处于 SYN-RECV，而不是 ESTAB。",
    ),
    (
        Stopped("connects", "a", "not-connected", "10.1.0.101:4242: - ≠ ESTAB"),
        "client a (prompt) got no connection. On the server there was no row for its connection 10.1.0.101:4242.",
        "客户端 a（prompt）没有连上。在服务器上，没有它的连接 10.1.0.101:4242 的行。",
    ),
    (
        Stopped("talks", "a", "no-answer", "hello"),
        "client a (prompt) sent `hello` and got no answer.",
        "客户端 a（prompt）发送了 `hello`，没有得到回答。",
    ),
    (
        Stopped("talks", "tcpdump", "no-answer", "listening on"),
        "tcpdump did not print `listening on`.",
        "tcpdump 没有输出 `listening on`。",
    ),
    (
        Stopped("talks", "a", "ended-early", "connection lost; server: status 0"),
        (
            "client a (prompt) ended too early. What it said last: “connection lost”. Meanwhile the server "
            "(serve_blocking) had ended, with exit status 0."
        ),
        "客户端 a（prompt）过早结束。它最后输出：“connection lost”。这时服务器（serve_blocking）已经结束，退出码为 0。",
    ),
    (
        Stopped("talks", "a", "ended-early", "; server: No such method; really"),
        (
            "client a (prompt) ended too early. Meanwhile the server (serve_blocking) had ended. What it said last: “No such "
            "method; really”."
        ),
        "客户端 a（prompt）过早结束。这时服务器（serve_blocking）已经结束，它最后输出：“No such method; really”。",
    ),
    (
        Stopped("talks", "server", "ended-early", "status -9"),
        "the server (serve_blocking) ended too early. Its exit status: -9.",
        "服务器（serve_blocking）过早结束。退出码为 -9。",
    ),
    (
        Stopped("restart", "strict", "did-not-end", "LISTEN 10.1.0.102:8000"),
        "strict did not end. It listens on 10.1.0.102:8000 instead.",
        "strict 没有结束。它却在 10.1.0.102:8000 上监听。",
    ),
    (
        Stopped("talks", "a", "did-not-end", "EXIT"),
        "client a (prompt) did not end. What it said last: “EXIT”.",
        "客户端 a（prompt）没有结束。它最后输出：“EXIT”。",
    ),
    (
        Stopped("listening", "server", "took-all-processes", ""),
        (
            "the server (serve_blocking) started so many processes or threads that nothing more could start on its host, "
            "`ss` included."
        ),
        "服务器（serve_blocking）启动的进程或线程太多，主机上无法再启动任何程序，`ss` 也不行。",
    ),
]


def words(language: str) -> Words:
    return Words(Catalog({}, "none"), language, {})


@pytest.mark.parametrize(("stopped", "english", "chinese"), A_WAY)
def test_a_stop_is_told_in_sentences(stopped: Stopped, english: str, chinese: str) -> None:
    parties = builders.a_run().play.parties
    assert stop_words(stopped, parties, words("en")) == f"The run stops in this step: {english}"
    assert stop_words(stopped, parties, words("zh-CN")) == f"运行停在这一步：{chinese}"


def test_a_second_server_is_called_by_its_name() -> None:
    server = builders.a_run().play.parties[0]
    again = type(server)("again", "server", "server", "my_server", "my_server", 14, None, None)
    told = stop_words(Stopped("restart", "again", "did-not-listen", "5 s"), (server, again), words("en"))
    assert told.startswith("The run stops in this step: server again (my_server) did not")


def test_a_program_of_its_own_name_is_named_once() -> None:
    rounds = type(builders.a_run().play.parties[1])("rounds", "client", "client", "rounds", "rounds", 14, None, None)
    told = stop_words(Stopped("three", "rounds", "did-not-end", "5 s"), (rounds,), words("zh-CN"))
    assert told == "运行停在这一步：客户端 rounds 没有结束。实验室等了 5 秒。"
