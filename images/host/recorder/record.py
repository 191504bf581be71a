"""Record what the kernel tells of the lab's sockets and programs, from `recording` on until SIGINT.

    record.py '{"name": …, "addresses": […], "programs": […], "calls": […], "buffer_kb": …}'

The kernel's buffers are copied to /tmp/recording as they fill: a file of raw pages for each processor. At SIGINT what
is left in them is added, and /run/recording.json, which describes it all, is written; then this prints `recorded` and
how much. Whatever keeps it from recording is one line, `cannot record`, with a code.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import select
import signal
import socket
import sys
import time
from typing import Any

from clocks import both, measure
from filters import Wanted
from instance import Buffer, Instance, processors
from keep import GO, SOCKET
from tracefs import NOT_PERMITTED, REFUSALS

FOLDER = "/tmp/recording"
HEADER = "/run/recording.json"  # elsewhere, so that there is room for it when there is none for more pages
FORMAT = 1
DIED = "died"
AGAIN_SECONDS = 0.02  # older kernels call a buffer readable that holds anything: not oftener than this
BUSY_SECONDS = 5.0


def ask_keeper(door: str = SOCKET) -> socket.socket:
    """Get an instance for oneself; it is ours while the connection lasts."""
    keeper = socket.socket(socket.AF_UNIX)
    keeper.settimeout(BUSY_SECONDS)
    keeper.connect(door)
    if keeper.recv(len(GO)) != GO:
        raise OSError(errno.EBUSY, "somebody else reads the lab's instance")
    return keeper


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


def counts(instance: Instance, buffer: Buffer) -> dict[str, int]:
    """Return what the header tells of a processor; what was never read is as lost as what was never written."""
    found = {"cpu": buffer.cpu, "pages": buffer.pages, **instance.counts(buffer.cpu)}
    found["dropped_events"] += instance.unread(buffer.cpu)
    return found


def record(instance: Instance, woken: int) -> dict[str, Any]:
    """Record until a signal comes; return the header."""
    buffers = [Buffer(instance, cpu, FOLDER) for cpu in processors()]
    begin, begun_ns = measure(instance.clock), time.time_ns()
    instance.start()
    print("recording", flush=True)
    copy_until(woken, buffers)
    ended_ns = time.time_ns()
    instance.stop()
    for buffer in buffers:
        buffer.copy()
    offset = both(begin, measure(instance.clock))
    cpus = [counts(instance, buffer) for buffer in buffers]
    for buffer in buffers:
        buffer.close()
    return {
        "format": FORMAT,
        "machine": os.uname().machine,
        "kernel": os.uname().release,
        "clock": instance.clock,
        "offset_ns": offset.ns,
        "precision_ns": offset.precision_ns,
        "page": instance.page,
        "header_page": instance.header_page,
        "events": instance.forms,
        "missing": instance.missing,
        "cpus": cpus,
        "begun_ns": begun_ns,
        "ended_ns": ended_ns,
    }


def main(argument: str) -> int:
    """Record; return the exit status."""
    asked = json.loads(argument)
    woken = woken_by(signal.SIGINT, signal.SIGTERM)
    try:
        keeper = ask_keeper()
        make_folder()
        instance = Instance(asked["name"], asked["buffer_kb"])
        instance.choose(Wanted(asked["addresses"], asked["programs"], asked["calls"]))
        header = record(instance, woken)
        with open(HEADER, "w", encoding="utf-8") as file:
            json.dump(header, file)
            file.write("\n")
    except OSError as error:
        print(f"cannot record: {NOT_PERMITTED if error.errno in REFUSALS else DIED}: {error}", flush=True)
        return 1
    lost = sum(cpu[what] for cpu in header["cpus"] for what in ("overrun", "commit_overrun", "dropped_events"))
    print(f"recorded {sum(cpu['pages'] for cpu in header['cpus'])} pages, lost {lost}", flush=True)
    keeper.close()  # all else is closed by now or with this process: the keeper removes the instance
    return 0


if __name__ == "__main__":
    # Nothing is buffered here, and tidying up an interpreter would take a while.
    os._exit(main(*sys.argv[1:]))
