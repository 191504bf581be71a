"""Runs inside a host, by itself: starts programs bare and tells how long each took. Standard library only.

A request is a line of JSON: {"argv": […], "user": name, "word": text} starts a program and is answered with {"seconds": …},
the time from before the fork until its first line that holds the word, or until its end; {"stop": true} ends all.
End-of-file on stdin ends this and what it started.
"""

from __future__ import annotations

import json
import os
import pwd
import select
import subprocess
import sys
import time

DEADLINE_SECONDS = 10.0


def start(argv: list[str], user: str, word: str) -> tuple[float, subprocess.Popen[bytes]]:
    """Start a program; return how long it took to speak, in seconds, and the program."""
    who = pwd.getpwnam(user)
    begun = time.perf_counter()
    program = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd="/tmp",  # noqa: S108 - the host's own
        user=who.pw_uid,
        group=who.pw_gid,
        extra_groups=[],
    )
    said = b""
    while program.stdout and time.perf_counter() - begun < DEADLINE_SECONDS:
        if not select.select([program.stdout], [], [], DEADLINE_SECONDS)[0]:
            break
        data = os.read(program.stdout.fileno(), 65536)
        said += data
        if not data or any(word.encode() in line for line in said.split(b"\n")[:-1]):
            break
    return time.perf_counter() - begun, program


def main() -> None:
    """Answer requests until end-of-file."""
    programs: list[subprocess.Popen[bytes]] = []

    def stop() -> None:
        for program in programs:
            program.kill()
            program.wait()
        programs.clear()

    try:
        for line in sys.stdin:
            request = json.loads(line)
            if "stop" in request:
                stop()
                answer = 0.0
            else:
                answer, program = start(request["argv"], request["user"], request["word"])
                programs.append(program)
            print(json.dumps({"seconds": answer}), flush=True)  # noqa: T201 - its way to answer
    finally:
        stop()


if __name__ == "__main__":
    main()
