"""The host's end of the control channel: JSON lines in on stdin, JSON lines out on stdout, standard library only.

A request is {"id": n, "op": name, ...}; its answer is {"id": n, "ok": {...}} or {"id": n, "error": {...}}. What has
no id is an event: {"event": "output" | "exit" | "lost" | "stalled", "name": ..., "time_ns": ...}. The first line is the
greeting: {"event": "ready", ...}, or "unguarded", "misaddressed" or "busy" and then the end.

Two processes do it: the agent proper, and the warden, which ends what the agent leaves behind when it is killed.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time

from children import Children
from gate import guarded, state, take_turn, wrong_address
from loop import Loop
from operations import Operations
from process import adopt_orphans, be_called, end_with
from stall import tell_stalls
from warden import watch_over

VERSIONS = "/lab/versions.json"  # written when the image was built: the tools cannot change later
TURN_SECONDS = 3.0
NAME = "lab-agent"  # `lab live` asks the kernel for what Python runs, and this is none of the learner's


def greeting() -> dict[str, object]:
    """Return what the other side needs to know before anything else, and what never changes."""
    with open(VERSIONS, encoding="utf-8") as file:
        facts: dict[str, str] = json.load(file)
    facts["python"] = f"Python {sys.version.split()[0]}"
    facts["kernel.osrelease"] = os.uname().release
    facts["kernel.machine"] = os.uname().machine
    made = {name: os.environ.get(f"LAB_{name.upper()}", "") for name in ("config", "owner")}
    return {"event": "ready", **made, "state": state(), "facts": facts, "time_ns": time.time_ns()}


def serve(warden: int) -> int:
    """Do what is asked until nobody is there to ask; return the exit status."""
    adopt_orphans()
    # A server of many clients needs many descriptors, and what one gets at first is often 1024.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    loop = Loop()
    end_with(warden, signal.SIGTERM)
    children = Children(loop)
    operations = Operations(loop, children)
    tell_stalls(loop)
    loop.send(greeting())
    try:
        loop.run(operations.handle, children.reap)
    finally:
        children.end_all()
    return 0


def main() -> int:
    """Become the warden of an agent; return the exit status. One argument: how long (s) to wait for another's end."""
    if not guarded():
        os.write(1, b'{"event":"unguarded"}\n')
        return 1
    if seen := wrong_address():
        os.write(1, json.dumps({"event": "misaddressed", "detail": seen}).encode() + b"\n")
        return 1
    # The turn is held by warden and agent: it is over only when nobody of ours is left.
    if not take_turn(float(sys.argv[1]) if len(sys.argv) > 1 else TURN_SECONDS):
        os.write(1, b'{"event":"busy"}\n')
        return 1
    be_called(NAME)
    adopt_orphans()
    warden = os.getpid()
    agent = os.fork()
    return watch_over(agent) if agent else serve(warden)


if __name__ == "__main__":
    # Nothing is buffered here, and tidying up two interpreters would take 15 ms of every run.
    os._exit(main())
