#!/usr/bin/env bash
# A peer that is alive but whose window is shut leaves probes unanswered: it answers one in half a second, and they come faster.
#
# The first probes come 200 and 400 ms apart. Linux takes a window probe for a segment out of order, and answers those at most
# once in tcp_invalid_ratelimit (500 ms): the sender's `ss -o` counts an unanswered probe, as with a peer that is gone.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
uname -sr
ss -V
python3 --version
cat >"$folder/show.py" <<'PYTHON'
import pathlib
import re
import socket
import subprocess
import sys
import time

SETTING = pathlib.Path("/proc/sys/net/ipv4/tcp_invalid_ratelimit")
NAMES = ("TCPWinProbe", "TCPACKSkippedSeq")


def counters():
    names, values = re.findall(r"^TcpExt: (.*)$", pathlib.Path("/proc/net/netstat").read_text(), re.MULTILINE)
    every = dict(zip(names.split(), map(int, values.split())))
    return [every[name] for name in NAMES]


def shut(limit, port):
    """Fill the window of a peer that does not read; return what the timer counted in the first three seconds."""
    SETTING.write_text(str(limit))
    listener = socket.socket()
    listener.bind(("127.0.0.1", port))
    listener.listen()
    client = socket.create_connection(("127.0.0.1", port))
    server, _ = listener.accept()
    client.setblocking(False)
    try:
        while True:
            client.send(bytes(65536))
    except BlockingIOError:
        pass
    before, begun, seen = counters(), time.monotonic(), set()
    while time.monotonic() < begun + 3:
        shown = subprocess.run(
            ["ss", "-Htano", "sport", f"= :{client.getsockname()[1]}"], check=True, capture_output=True, text=True
        ).stdout
        seen.update(int(number) for number in re.findall(r"timer:\(persist,[^,]*,(\d+)\)", shown))
        time.sleep(0.02)
    sent, skipped = (after - first for after, first in zip(counters(), before))
    print(f"tcp_invalid_ratelimit {limit}: {sent} probes, {skipped} left without an answer; the timer counted {sorted(seen)}")
    server.close()
    return skipped, max(seen)


usual, none = shut(500, 8000), shut(0, 8001)
sys.exit(not (usual[0] >= 1 and usual[1] >= 1 and none == (0, 0)))
PYTHON
# The namespace ends with the program in it.
unshare --net sh -c "ip link set lo up && exec python3 '$folder/show.py'"
