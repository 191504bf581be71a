"""Whatever programs are called, and however many there are: the kernel takes the filter, and tells of all of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

import pytest

from lab.hosts import recorder
from lab.hosts.recorder import Recorder, lab_programs
from lab.hosts.tracefs import instance_name
from lab.kernel.syscalls import syscall_ids
from lab.settings import PORT, Settings
from tests.lab.kernelrecord import Scene, in_recorder, scene

pytestmark = pytest.mark.lab

ODD: Final = (
    'say "hi"', "it's", "\"both'", "服务器", "一二三四五六七", "a*b?c[d]", "back\\slash", "new\nline", "2nd", "!not", "tab\tname",
    " begins", "x && y || z", "comm == 1", "\udcff\udcfe", "ü" * 9, "-", "a", "😀😀😀😀😀",
)  # fmt: skip
"""File names, some of which are cut inside a character; the surrogates stand for bytes that are no character at all."""
CHOOSE: Final = """
import json, os, sys
sys.path.insert(0, "/lab/recorder")
from filters import CALLS, FORK, LENGTHS, Wanted
from instance import Instance
name, calls, programs = json.loads(sys.argv[1])
instance = Instance(name, 64)
try:
    for followed in (False, True):
        for event in (*CALLS, *LENGTHS, FORK):
            instance.choose([event], Wanted(["10.0.0.1"], programs, calls, followed=followed))
    print(json.dumps(instance.missing))
finally:
    instance.switch_off()
    os.close(instance.guard)
    os.rmdir(instance.folder)
"""
RENAMED: Final = """
import ctypes, socket, sys
ctypes.CDLL(None).prctl(15, bytes.fromhex(sys.argv[1]))
socket.socket().connect_ex((sys.argv[2], int(sys.argv[3])))
"""


@pytest.fixture
def lab(hosts_up: Settings) -> Iterator[Scene]:
    with scene(hosts_up) as found:
        yield found


def many(count: int) -> list[str]:
    """Return names as a class hands them in: they have nothing in common."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789_一二三四五六七八九十"
    return [f"{letters[at % len(letters)]}{letters[at * 7 % len(letters)]}_{at * 7919 % 99991}" for at in range(count)]


@pytest.mark.parametrize("programs", [[], *([name] for name in ODD), [*ODD], many(30), many(300), many(3000)])
def test_the_kernel_takes_the_filter_of_any_programs(lab: Scene, programs: list[str]) -> None:
    asked = json.dumps([instance_name(lab.settings), syscall_ids("x86_64"), [*lab_programs(), *programs]])
    missing = json.loads(in_recorder(lab.settings, "python3", "-c", CHOOSE, asked))
    assert missing == [event for event in missing if event.startswith("sock:")]  # those that old kernels lack


@pytest.mark.parametrize("known", [True, False])
def test_programs_of_odd_names_and_many_of_them_cost_no_program_its_calls(
    lab: Scene, monkeypatch: pytest.MonkeyPatch, *, known: bool
) -> None:
    listed = [*lab_programs(), *ODD, *many(300)]
    monkeypatch.setattr(recorder, "lab_programs", lambda: listed)
    if not known:
        monkeypatch.setattr(Recorder, "_show_who", lambda *_: None)
    lab.begin()
    lab.connect(5)
    record = lab.end()
    assert not any("raw_syscalls" in event for event in record.trace.missing)
    assert sum(call.name == "connect" and call.result == 0 for call in record.trace.calls) >= 5


@pytest.mark.parametrize("name", [b"\xff\xfe\xfd", "一二三四五六".encode(), b'a"b\nc', b"ss", b"\x1b[2J", b"lab (x) 1"])
def test_a_program_is_recorded_whatever_it_calls_itself(lab: Scene, name: bytes) -> None:
    lab.begin()
    channel = lab.hosts["client"].channel
    channel.call("spawn", name="p", argv=["python3", "-c", RENAMED, name.hex(), lab.hosts["server"].address, str(PORT)])
    assert channel.wait_event(lambda event: event.kind == "exit" and event.name == "p", 5)
    record = lab.end()
    assert [call.result for call in record.trace.calls if call.name == "connect"] == [-111]


def test_what_the_lab_itself_runs_on_the_hosts_is_not_recorded(lab: Scene) -> None:
    lab.begin()
    for host in lab.hosts.values():
        host.look()
        host.counters()
    record = lab.end()
    assert record.trace.calls == ()
