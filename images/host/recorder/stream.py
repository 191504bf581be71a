"""Tell at once what the kernel tells of the lab's sockets and programs, as long as somebody reads.

    stream.py '{"name": …, "addresses": […], "programs": […], "calls": […], "buffer_kb": …}'

Frames go to stdout: a letter, a processor's number, a length (FRAME), then so many bytes.

    H   the header, as the file of a recording has it, but for its pages (lab/kernel/tracefile.py)
    P   a page of that processor
    M   a mark: all that happened up to a time (TIME: CLOCK_REALTIME, ns) is told in the frames before this one
    E   why there is nothing to tell: a code, a colon, words

It ends with its stdin, so that nothing is left of it when whoever reads is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import sys
import threading
import time
from typing import Any

from clocks import measure
from filters import Wanted
from instance import Instance, processors
from keep import LIVE_SOCKET
from record import DIED, FORMAT, ask_keeper
from tracefs import NOT_PERMITTED, REFUSALS

FRAME = struct.Struct("<cHI")
TIME = struct.Struct("<Q")
HEADER, PAGE, MARK, END = b"H", b"P", b"M", b"E"
PAUSE_SECONDS = 0.05  # nobody waits for the kernel to wake him, which would cost the programs that are recorded
STDIN, STDOUT = 0, 1


def end_with_stdin() -> None:
    """End at once when stdin does, whatever else goes on: writing to who is gone may last for ever."""
    with contextlib.suppress(OSError):
        while os.read(STDIN, 4096):
            pass
    os._exit(0)


def say(kind: bytes, payload: bytes, cpu: int = 0) -> None:
    """Write a frame, all of it."""
    frame = memoryview(FRAME.pack(kind, cpu, len(payload)) + payload)
    while frame:
        frame = frame[os.write(STDOUT, frame) :]


def header(instance: Instance) -> dict[str, Any]:
    """Return the header of a recording that has just begun and has no pages."""
    offset, now_ns = measure(instance.clock), time.time_ns()
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
        "cpus": [],
        "begun_ns": now_ns,
        "ended_ns": now_ns,
    }


def tell(instance: Instance) -> None:
    """Tell page by page what comes, until nobody reads."""
    raws = {
        cpu: os.open(f"{instance.folder}/per_cpu/cpu{cpu}/trace_pipe_raw", os.O_RDONLY | os.O_NONBLOCK)
        for cpu in processors()
    }
    say(HEADER, json.dumps(header(instance)).encode())
    instance.start()
    while True:
        now_ns = time.time_ns()
        for cpu, raw in raws.items():
            with contextlib.suppress(BlockingIOError):
                while page := os.read(raw, instance.page):
                    say(PAGE, page, cpu)
        say(MARK, TIME.pack(now_ns))
        time.sleep(PAUSE_SECONDS)


def main(argument: str) -> int:
    """Tell; return the exit status."""
    asked = json.loads(argument)
    threading.Thread(target=end_with_stdin, daemon=True).start()
    try:
        with ask_keeper(LIVE_SOCKET):
            instance = Instance(asked["name"], asked["buffer_kb"])
            instance.choose(Wanted(asked["addresses"], asked["programs"], asked["calls"]))
            tell(instance)
    except BrokenPipeError:
        return 0
    except TimeoutError:
        say(END, b"busy: somebody else looks on")
    except OSError as error:
        say(END, f"{NOT_PERMITTED if error.errno in REFUSALS else DIED}: {error}".encode())
    return 1


if __name__ == "__main__":
    os._exit(main(*sys.argv[1:]))
