#!/usr/bin/env bash
# With tcp_fin_timeout at 61 an orphan leaves FIN-WAIT-2 after 2 seconds, with 60 after 60: above 60 it is 2 × (value − 60).
#
# The kernel waits what is above 60 under the timer `keepalive`, and then as long again under the timer `timewait`, where it
# should wait the 60. A value of 90 gives 60 seconds, 120 gives 120, 180 gives four minutes.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
uname -sr
ss -V
python3 --version
cat >"$folder/show.py" <<'PYTHON'
import pathlib
import socket
import subprocess
import sys
import time

SETTING = pathlib.Path("/proc/sys/net/ipv4/tcp_fin_timeout")
listener = socket.socket()
listener.bind(("127.0.0.1", 8000))
listener.listen()
kept = []


def orphan(value):
    """Close a client while its server does not; return its port."""
    SETTING.write_text(str(value))
    client = socket.create_connection(("127.0.0.1", 8000))
    kept.append(listener.accept())
    port = client.getsockname()[1]
    client.close()
    while "FIN-WAIT-2" not in row(port):  # until then its FIN is not acknowledged, and the setting not yet asked for
        time.sleep(0.01)
    return port


def row(port):
    return " ".join(
        subprocess.run(["ss", "-Htano", "sport", f"= :{port}"], check=True, capture_output=True, text=True).stdout.split()
    )


long, short = orphan(60), orphan(61)
begun = time.monotonic()
seen = {"keepalive": False, "timewait": False}
print("60:", row(long))
print("61:", row(short))
while (now := row(short)) and time.monotonic() < begun + 20:
    for name in seen:
        seen[name] |= f"timer:({name}" in now
    time.sleep(0.1)
took = time.monotonic() - begun
print(f"61: gone after {took:.1f} s; timers seen meanwhile: {[name for name in seen if seen[name]]}")
print("60:", row(long))
sys.exit(not (1 < took < 10 and all(seen.values()) and "FIN-WAIT-2" in row(long)))
PYTHON
# The namespace ends with the program in it.
unshare --net sh -c "ip link set lo up && exec python3 '$folder/show.py'"
