"""Which events are recorded, and which of them are the lab's: the kernel drops the others before they are written."""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Iterable, Sequence
from typing import NamedTuple

PROGRAMS = "/lab/*"
NAME_BYTES = 15  # of a program's name: TASK_COMM_LEN, less the end mark
NAMES_BYTES = 2400  # of a test for names: with all else a filter must be shorter than a page (event_filter_write())
UNPRINTED = re.compile(rb'[\x00-\x1f"]')  # what cannot stand between quotation marks
SPECIAL = re.compile(rb'[\x00-\x1f"*?\[\]\\]|^[0-9!]')  # in a pattern, see filter_parse_regex()
ANY = ""
OWN = ("lab-agent", "strace")
"""What a followed thread is called before it is a program, and who traces one."""

STATE = "sock:inet_sock_set_state"
SEGMENTS = ("tcp:tcp_retransmit_skb", "tcp:tcp_retransmit_synack", "tcp:tcp_send_reset", "tcp:tcp_receive_reset")
LENGTHS = ("sock:sock_send_length", "sock:sock_recv_length")
CALLS = ("raw_syscalls:sys_enter", "raw_syscalls:sys_exit")
EXEC = "sched:sched_process_exec"
FORK = "sched:sched_process_fork"
OF_SOCKETS = (STATE, *SEGMENTS)
OF_PROGRAMS = (*LENGTHS, *CALLS, EXEC, FORK)
TCP = f"protocol == {socket.IPPROTO_TCP}"
LISTEN = 10  # include/net/tcp_states.h
EVERYWHERE = f"saddr == 0 && (oldstate == {LISTEN} || newstate == {LISTEN})"


class Wanted(NamedTuple):
    """What is the lab's: its hosts' addresses, its programs' names, and the numbers of the system calls to record.

    `everywhere`: also who listens on all addresses, of whom no address tells whose host it is. `followed`: the kernel
    knows by number who is the lab's, whatever they call themselves.
    """

    addresses: Sequence[str]
    programs: Sequence[str]
    calls: Sequence[int]
    everywhere: bool = False
    followed: bool = False


def filter_of(event: str, form: str, wanted: Wanted) -> str | None:
    """Return the filter of an event whose format file reads so; ANY for none, None when it shall not be recorded.

    See Documentation/trace/events.rst. The kernel tests from left to right, and no further than it must.
    """
    if event == STATE:
        tests = [addresses(wanted.addresses)] if wanted.addresses else []
        return f"{TCP} && ({' || '.join([*tests, f'({EVERYWHERE})'] if wanted.everywhere else tests)})"
    if event in SEGMENTS:  # a RST may be told with whole socket addresses, which the kernel cannot compare
        return addresses(wanted.addresses) if "saddr[4];" in form else ANY
    if event in (*CALLS, *LENGTHS) and not wanted.calls:  # the latter tell what a call was about
        return None
    if event in CALLS:
        # Every system call of the machine may come by here: what sorts out most of them stands first.
        return both(numbers(wanted.calls), who("comm", wanted))
    if event in LENGTHS:
        family = f"(family == {int(socket.AF_INET)} || family == {int(socket.AF_INET6)})"
        return both(f"{TCP} && {family}", who("comm", wanted))
    forks = ANY if wanted.followed else names("parent_comm", wanted.programs)
    return f'filename ~ "{PROGRAMS}"' if event == EXEC else forks


def both(first: str, second: str) -> str:
    """Return the test for both; the second may be none."""
    return f"({first}) && ({second})" if second else first


def who(field: str, wanted: Wanted) -> str:
    """Return the test for who calls. Of those that are followed, not what the lab itself does to start and to trace."""
    if wanted.followed:
        return " && ".join(f'{field} != "{name}"' for name in OWN)
    return names(field, wanted.programs)


def addresses(hosts: Iterable[str]) -> str:
    """Return the test for a segment from or to one of these, which the kernel compares as numbers of this machine."""
    values = [int.from_bytes(socket.inet_aton(host), sys.byteorder) for host in hosts]
    return " || ".join(f"saddr == {value} || daddr == {value}" for value in values)


def names(field: str, programs: Iterable[str]) -> str:
    """Return the test for a field that is one of these names, which are files' and may hold any bytes but 0 and `/`.

    However many they are, the test is short enough for the kernel: then names that begin alike share a pattern, and
    others that begin so are let through as well. None at all (ANY) where even that would be too long.
    """
    whole = dict.fromkeys(os.fsencode(program)[:NAME_BYTES] for program in programs)
    for length in range(NAME_BYTES, 0, -1):
        tests = b" || ".join(dict.fromkeys(one_test(field.encode(), name, length) for name in whole))
        if len(tests) <= NAMES_BYTES:
            return os.fsdecode(tests)
    return ANY


def one_test(field: bytes, name: bytes, length: int) -> bytes:
    """Return the test for a name by its first bytes: for itself where that is all of it and can be written down."""
    begin = name[:length]
    if begin == name and not UNPRINTED.search(name):
        return b'%s == "%s"' % (field, name)
    # In a pattern, whatever the kernel would take for something else stands for any byte.
    return b'%s ~ "%s%s"' % (field, SPECIAL.sub(b"?", begin), b"*" if begin != name else b"")


def numbers(calls: Iterable[int]) -> str:
    """Return the test for a number that is one of these: ranges, which are fewer tests."""
    runs: list[list[int]] = []
    for call in sorted(calls):
        if runs and call == runs[-1][1] + 1:
            runs[-1][1] = call
        else:
            runs.append([call, call])
    return " || ".join(f"id == {low}" if low == high else f"(id >= {low} && id <= {high})" for low, high in runs)
