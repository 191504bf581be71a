"""Tell at once what the kernel tells of the lab's sockets and programs, as long as somebody reads.

    stream.py '{"name": …, "addresses": […], "programs": […], "calls": […], "buffer_kb": …}'

What is typed by hand descends from no agent: whose calls it were is found out by who reads this (lab/live/owners.py).

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

from clocks import measure
from filters import OF_PROGRAMS, OF_SOCKETS, Wanted
from instance import Instance, processors
from keep import LIVE_SOCKET
from recording import ask_keeper, be_called, header, why

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


def tell(instance: Instance) -> None:
    """Tell page by page what comes, until nobody reads."""
    offset, now_ns = measure(instance.clock), time.time_ns()
    say(HEADER, json.dumps(header([instance], offset, now_ns)).encode())
    instance.start()
    raws: dict[int, int] = {}
    while True:
        now_ns = time.time_ns()
        for cpu in {*raws, *processors()}:  # one may have come
            if cpu not in raws:
                place = f"{instance.folder}/per_cpu/cpu{cpu}/trace_pipe_raw"
                raws[cpu] = os.open(place, os.O_RDONLY | os.O_NONBLOCK)
            with contextlib.suppress(BlockingIOError):
                # What has come by now is no more than fits into a buffer, the page at each end of it not full.
                for _ in range(instance.room // instance.page + 2):
                    if not (page := os.read(raws[cpu], instance.page)):
                        break
                    say(PAGE, page, cpu)
        say(MARK, TIME.pack(now_ns))
        time.sleep(PAUSE_SECONDS)


def main(argument: str) -> int:
    """Tell; return the exit status."""
    be_called("lab-stream")
    asked = json.loads(argument)
    threading.Thread(target=end_with_stdin, daemon=True).start()
    try:
        with ask_keeper(LIVE_SOCKET):
            instance = Instance(asked["name"], asked["buffer_kb"])
            wanted = Wanted(asked["addresses"], asked["programs"], asked["calls"], everywhere=True)
            instance.choose((*OF_SOCKETS, *OF_PROGRAMS), wanted)
            tell(instance)
    except BrokenPipeError:
        return 0
    except TimeoutError:
        say(END, b"busy: somebody else looks on")
    except OSError as error:
        say(END, why(error).encode())
    return 1


if __name__ == "__main__":
    os._exit(main(*sys.argv[1:]))
