"""The run that these tests draw, and words for its messages that no other room can change."""

from __future__ import annotations

import pytest

from lab.judge.verdict import Message

SAID = {
    "en": {
        "as-expected": "as it should be",
        "rows": "{count} rows",
        "differs": "3 of them differ",
        "dropped": "tcpdump dropped 3 of 200 packets: the capture does not decide",
        "first": "the server sends the first FIN",
        "first-other": "the client sent it, 30.9 ms after it connected",
        "no-trace": "tracefs is not mounted on this machine",
        "stopped": "not reached",
    },
    "zh-CN": {
        "as-expected": "应当如此",
        "rows": "{count} 行",
        "differs": "其中 3 行不同",
        "dropped": "tcpdump 丢弃了 200 个分组中的 3 个：抓包不足以判定",
        "first": "服务器发出第一个 FIN",
        "first-other": "是客户端在连接建立 30.9 毫秒之后发出的",
        "no-trace": "这台机器没有挂载 tracefs",
        "stopped": "未执行到",
    },
}


def said(message: Message, language: str) -> str:
    return SAID[language][message.code].format(**message.params)


@pytest.fixture(autouse=True)
def _fixed_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.report.words.say", said)
