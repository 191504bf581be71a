"""Record what the kernel tells of the lab's sockets and programs, from `recording` on until SIGINT.

    record.py '{"name": …, "addresses": […], "hosts": […], "programs": […], "calls": […] or null, "buffer_kb": …}'

There are two instances. One takes what becomes of sockets on the lab's addresses, whoever is at work when it happens.
The other takes what the lab's programs do, and for that the kernel is told whose they are: all that descend from those
threads of the hosts' agents that start programs. By which numbers it knows these, it tells itself: at `who` each agent
is to have a socket listen for a moment on its host's address, and once they have, there is a line on stdin. Where it
does not tell, they are those of the names in `programs`. Without `calls` (null) there is the first instance alone.

The kernel's buffers are copied to /tmp/recording as they fill: a file of raw pages for each. A program that calls
without end does not take the room there from the other instance: of calls no more than MOST_CALLS_BYTES are copied,
and the rest counts as lost. So each instance's losses are counted for themselves. At SIGINT what is left in
them is added, and /run/recording.json, which describes it all, is written; then this prints `recorded` and how much.
Whatever keeps it from recording is one line, `cannot record`, with a code.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import select
import signal
import sys
import time
from collections.abc import Collection, Sequence
from typing import Any

from buffer import Buffer, Share
from clocks import both, measure
from filters import OF_PROGRAMS, OF_SOCKETS, STATE, Wanted
from instance import Instance, processors
from keep import SOCKET
from recording import ask_keeper, be_called, header, why
from tracefs import CALLS

FOLDER = "/tmp/recording"
HEADER = "/run/recording.json"  # elsewhere, so that there is room for it when there is none for more pages
AGAIN_SECONDS = 0.02  # older kernels call a buffer readable that holds anything: not oftener than this
SOCKETS, PROGRAMS = "sockets", "programs"  # as lab/kernel/trace.py calls the instances
MOST_CALLS_BYTES = 32 * 2**20
ALL_ADDRESSES = "all-addresses"  # who listens on them, as the header has it where it cannot be told whose they are
STDIN = 0
WHO_SECONDS = 10.0
BEACON = re.compile(r"-(\d+) +(?:\(.*?\) +)?\[\d+\].*: inet_sock_set_state: .* saddr=(\S+) .* newstate=TCP_LISTEN")


def make_folder() -> None:
    """Make the folder of the pages, or empty it of those of a recording that nobody fetched."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(FOLDER, 0o700)
    for name in os.listdir(FOLDER):
        os.unlink(f"{FOLDER}/{name}")


def woken_by(*numbers: signal.Signals) -> int:
    """Return a descriptor that becomes readable when one of these signals has come."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in numbers:
        signal.signal(number, lambda *_: None)
    return woken


def set_up(asked: dict[str, Any], woken: int) -> tuple[list[Instance], dict[str, int]]:
    """Return the instances, all but recording, and the number of each host's agent by its address, if it is known."""
    calls = asked["calls"]
    wanted = Wanted(asked["addresses"], asked["programs"], calls or [])
    sockets = Instance(asked["name"], asked["buffer_kb"] // (1 if calls is None else 2), SOCKETS)
    sockets.choose(OF_SOCKETS, wanted)
    if calls is None:
        return [sockets], {}
    programs = Instance(asked["name"] + CALLS, asked["buffer_kb"], PROGRAMS)
    agents = who(sockets, asked["hosts"], woken)
    if agents and programs.follow(agents.values()):
        programs.choose((STATE,), wanted._replace(addresses=(), everywhere=True))
        programs.choose(OF_PROGRAMS, wanted._replace(followed=True))
        return [sockets, programs], agents
    programs.choose(OF_PROGRAMS, wanted)
    programs.left_out.append(ALL_ADDRESSES)
    return [sockets, programs], {}


def who(sockets: Instance, hosts: Collection[str], woken: int) -> dict[str, int]:
    """Return by which number the kernel knows the agent of each host; nothing unless it tells of all of them."""
    if STATE not in sockets.forms:
        return {}
    sockets.start()
    print("who", flush=True)
    select.select([STDIN, woken], [], [], WHO_SECONDS)
    sockets.stop()
    found = {address: int(pid) for pid, address in BEACON.findall(sockets.get("trace")) if address in hosts}
    sockets.clear()
    return found if len(found) == len(hosts) else {}


def copy_until(woken: int, buffers: list[Buffer]) -> None:
    """Copy each buffer whenever it has filled to its mark, until a signal comes."""
    signalled, filled = select.poll(), select.poll()
    for poll in (signalled, filled):
        poll.register(woken, select.POLLIN)
    by_raw = {buffer.raw: buffer for buffer in buffers}
    for raw in by_raw:
        filled.register(raw, select.POLLIN)
    while True:
        for raw, _ in filled.poll():
            if raw == woken:
                return
            by_raw[raw].copy()
            if by_raw[raw].full:
                filled.unregister(raw)
        if signalled.poll(AGAIN_SECONDS * 1000):
            return


def counts(buffers: Sequence[Buffer]) -> list[dict[str, Any]]:
    """Return what the header tells of each buffer; what was never read is as lost as what was never written.

    Nobody read the buffers of processors that came after the recording had begun.
    """
    pages = {(buffer.instance, buffer.cpu): buffer.pages for buffer in buffers}
    late = itertools.product({buffer.instance: None for buffer in buffers}, processors())
    found: list[dict[str, Any]] = []
    for instance, cpu in {**pages, **dict.fromkeys(pair for pair in late if pair not in pages)}:
        counted = instance.counts(cpu)
        counted["dropped_events"] += instance.unread(cpu)
        found.append({"instance": instance.kind, "cpu": cpu, "pages": pages.get((instance, cpu), 0), **counted})
    return found


def record(instances: Sequence[Instance], woken: int) -> dict[str, Any]:
    """Record until a signal comes; return the header."""
    places = itertools.product(instances, processors())
    shares = {SOCKETS: Share(), PROGRAMS: Share(MOST_CALLS_BYTES)}
    buffers = [Buffer(each, cpu, f"{FOLDER}/{at}", shares[each.kind]) for at, (each, cpu) in enumerate(places)]
    begin, begun_ns = measure(instances[0].clock), time.time_ns()
    for instance in instances:
        instance.start()
    print("recording", flush=True)
    copy_until(woken, buffers)
    ended_ns = time.time_ns()
    for instance in instances:
        instance.switch_off()
    for buffer in buffers:
        buffer.drain()
    offset = both(begin, measure(instances[0].clock))
    cpus = counts(buffers)
    for buffer in buffers:
        buffer.close()
    return header(instances, offset, begun_ns) | {"cpus": cpus, "ended_ns": ended_ns}


def main(argument: str) -> int:
    """Record; return the exit status."""
    be_called("lab-record")
    asked = json.loads(argument)
    woken = woken_by(signal.SIGINT, signal.SIGTERM)
    try:
        keeper = ask_keeper(SOCKET)
        make_folder()
        instances, agents = set_up(asked, woken)
        told = record(instances, woken) | {"agents": [[pid, address] for address, pid in agents.items()]}
        with open(HEADER, "w", encoding="utf-8") as file:
            json.dump(told, file)
            file.write("\n")
    except OSError as error:
        print(f"cannot record: {why(error)}", flush=True)
        return 1
    lost = sum(cpu[what] for cpu in told["cpus"] for what in ("overrun", "commit_overrun", "dropped_events"))
    print(f"recorded {sum(cpu['pages'] for cpu in told['cpus'])} pages, lost {lost}", flush=True)
    keeper.close()  # all else is closed by now or with this process: the keeper removes the instances
    return 0


if __name__ == "__main__":
    # Nothing is buffered here, and tidying up an interpreter would take a while.
    os._exit(main(*sys.argv[1:]))
