"""Every counter, sysctl, socket option and error that a page, an exercise, a text or the timeline may name is explained.

The names are read from the code and the texts, so that a new one is not forgotten.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import pytest

from lab.exercise import Exercise
from lab.hosts.host import SYSCTLS
from lab.judge.readings.counters import Counters
from lab.kernel.syscalls import KERNEL_ONLY
from lab.loading import load_exercise
from lab.settings import ROOT
from lab.shelf import exercise_folders
from lab.text.catalog import LANGUAGES
from lab.text.glossary import load_glossary
from lab.timeline.about import OPTIONS
from lab.views import Counted

TEXTS: Final = [
    *ROOT.glob("*.md"),
    *(ROOT / "exercises").rglob("*.md"),
    *(ROOT / "exercises").rglob("*.toml"),
    *(ROOT / "lab" / "text").glob("*.toml"),
]
"""What people read: the pages' words, the READMEs, the glossary itself."""
PROGRAMS: Final = [
    *(ROOT / "exercises").rglob("*.py"),
    *(ROOT / "images" / "servers").rglob("*.py"),
    *(ROOT / "images" / "clients").rglob("*.py"),
    ROOT / "compose.yaml",
]
"""What plays, whose names appear in commands, in transcripts and in `lab hand`."""
COUNTER: Final = re.compile(r"\b(?:TcpExt|IpExt|MPTcpExt|Tcp|Ip)[A-Z][A-Za-z0-9]+\b")
SYSCTL: Final = re.compile(r"\bnet\.(?:core|ipv4|ipv6)(?:\.\w+)+|(?<![\w./])tcp_[a-z][a-z0-9_]*\b(?![\w.]*[(.]\w?)")
"""A sysctl by its whole name, or tcp_…; what ends with `()` or `.c` is the kernel's code."""
OPTION: Final = re.compile(r"\b(?:SO|TCP|MSG)_[A-Z][A-Z0-9_]*\b")
ERROR: Final = re.compile(r"\bE[A-Z]{3,}\b")
OF_THE_KERNEL: Final = {"TCP_LISTEN", "TCP_STATE", "tcp_metrics", "tcp_diag"}
"""Names of the kernel's code and of a tool's arguments, which look alike."""


def found(pattern: re.Pattern[str], paths: Iterable[Path]) -> set[str]:
    return {name for path in paths for name in pattern.findall(path.read_text(encoding="utf-8"))} - OF_THE_KERNEL


def exercises() -> Iterator[Exercise]:
    for number in exercise_folders():
        yield load_exercise(number)


def counters() -> set[str]:
    views = [view for exercise in exercises() for step in exercise.steps for view in step.show]
    shown = {name for view in views if isinstance(view, Counted) for name in view.names}
    judged = {name for each in exercises() for one in each.expect if isinstance(one, Counters) for name in one.change}
    return shown | judged | found(COUNTER, [*TEXTS, *PROGRAMS])


def sysctls() -> set[str]:
    return {*SYSCTLS} | found(SYSCTL, [*TEXTS, *PROGRAMS])


def options() -> set[str]:
    return {*OPTIONS.values()} | found(OPTION, [*TEXTS, *PROGRAMS])


def errors() -> set[str]:
    return ({*KERNEL_ONLY.values()} | found(ERROR, [*TEXTS, *PROGRAMS])) & {
        *errno.errorcode.values(),
        *KERNEL_ONLY.values(),
    }


def unexplained(names: Iterable[str], language: str) -> list[str]:
    glossary = load_glossary(language)
    return sorted(name for name in names if glossary.find(name) is None)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("names", [counters, sysctls, options, errors])
def test_what_may_be_shown_is_explained(names: Callable[[], set[str]], language: str) -> None:
    assert unexplained(names(), language) == []


def test_the_names_are_really_read() -> None:
    """Each list holds what is known to be shown, and a name that nobody explains is reported."""
    assert {"TcpExtListenOverflows", "TcpExtSyncookiesSent", "TcpCurrEstab"} <= counters()
    assert {"net.ipv4.tcp_syncookies", "net.core.somaxconn", "tcp_fin_timeout"} <= sysctls()
    assert {"SO_REUSEADDR", "TCP_NODELAY", "TCP_USER_TIMEOUT"} <= options()
    assert {"EAGAIN", "ECONNREFUSED", "EADDRINUSE", "ERESTARTSYS"} <= errors()
    assert unexplained({"TcpExtNoSuchCounter", "EAGAIN"}, "en") == ["TcpExtNoSuchCounter"]


@pytest.mark.parametrize("name", sorted(errors() & {*errno.errorcode.values()}))
def test_an_error_is_found_by_its_message_and_its_number_too(name: str) -> None:
    glossary = load_glossary("en")
    number = getattr(errno, name)
    term = glossary.find(name)
    assert term is not None
    for said in (
        os.strerror(number),
        f"OSError: [Errno {number}] {os.strerror(number)}",
        f"curl: (7) {os.strerror(number)}",
    ):
        assert glossary.find(said) == term, said


@pytest.mark.parametrize(
    ("word", "key"),
    [
        ("Nagle", "nagle"),
        ("delayed ACK", "delayed-ack"),
        ("cwnd", "cwnd"),
        ("SO_REUSEPORT", "so-reuseport"),
        ("TCP_NODELAY", "tcp-nodelay"),
        ("Resource temporarily unavailable", "eagain"),
        ("BlockingIOError: [Errno 11] Resource temporarily unavailable", "eagain"),
        ("ListenOverflows", "listen-overflows"),
        ("keep-alive", "tcp-keepalive"),
        ("keepalive", "tcp-keepalive"),
        ("TLP", "tlp"),
        ("SACK", "sack"),
        ("MSS", "mss"),
        ("window scale", "window-scale"),
        ("TFO", "tfo"),
        ("MPTCP", "mptcp"),
        ("net.ipv4.tcp_sack", "sack"),
        ("net.ipv4.tcp_tw_reuse", "tcp-tw-reuse"),
        ("拥塞窗口", "cwnd"),
        ("延迟确认", "delayed-ack"),
        ("Nagle 算法", "nagle"),
        ("保活", "tcp-keepalive"),
    ],
)
def test_what_people_ask_for_is_found(word: str, key: str) -> None:
    term = load_glossary("en").find(word)
    assert term is not None
    assert term.key == key
