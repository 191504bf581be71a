#!/usr/bin/env bash
# The last number of `timer:(on,…,N)` in `ss -o` is not how often the segment was sent again: after the first resend it is 0.
#
# The first resend is a tail loss probe, which is not a time-out. Only `retrans:0/1` of `ss -i` shows it, and tcpdump or the
# counter TcpExtTCPLossProbes. With three small segments on their way it leaves after some 6 ms, although
# "at least 200 ms" is the usual statement.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
uname -sr
ss -V
python3 --version
cat >"$folder/show.py" <<'PYTHON'
import ctypes
import re
import socket
import struct
import subprocess
import sys
import time

# One instruction of the classic packet filter, `ret 0`: what comes to a socket that has it is lost.
NOTHING = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))
SO_ATTACH_FILTER = 26

# Else the time-out would come 200 ms later and hide what there is to be seen.
subprocess.run("ip route change local 127.0.0.1 dev lo table local rto_min 10s".split(), check=True)
listener = socket.socket()
listener.bind(("127.0.0.1", 8000))
listener.listen()
client = socket.create_connection(("127.0.0.1", 8000))
client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
server, _ = listener.accept()
client.send(b"x")
server.recv(1)
time.sleep(0.1)
server.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(NOTHING)))
for _ in range(3):
    client.send(b"lost")
time.sleep(1)
ask = ["ss", "-Htanoi", "sport", f"= :{client.getsockname()[1]}"]
shown = subprocess.run(ask, check=True, capture_output=True, text=True)
timer, resent = re.search(r"timer:\(on,[^)]*\)", shown.stdout), re.search(r"(?<= )retrans:\S+", shown.stdout)
print("Three segments are lost; a second later, and 9 s before the first time-out, ss -oi says of the sender:")
print(" ", timer and timer[0], " ", resent and resent[0])
sys.exit(not (timer and timer[0].endswith(",0)") and resent and resent[0] == "retrans:0/1"))
PYTHON
# The namespace ends with the program in it.
unshare --net sh -c "ip link set lo up && exec python3 '$folder/show.py'"
