#!/usr/bin/env bash
# The timer `persist` in `ss -o` does not mean that the peer's window is shut: it also runs for corked bytes and without a route.
#
# A route that is gone makes no send() fail: the bytes wait, and the timer counts as if a peer had not answered its probes,
# though none has left. The counter TcpExtTCPWinProbe stays 0.
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


def timer(client):
    shown = subprocess.run(
        ["ss", "-Htano", "sport", f"= :{client.getsockname()[1]}"], check=True, capture_output=True, text=True
    ).stdout
    found = re.search(r"timer:\((\w+),[^,]*,(\d+)\)", shown)
    return (found[1], int(found[2])) if found else None


def connected(address):
    listener = socket.socket()
    listener.bind((address, 8000))
    listener.listen()
    client = socket.create_connection((address, 8000))
    return client, listener.accept()[0]


# Else the kernel sends corked bytes after 200 ms all the same.
subprocess.run("ip route change local 127.0.0.1 dev lo table local rto_min 10s".split(), check=True)
client, server = connected("127.0.0.1")
client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
client.send(b"held back")
corked = timer(client)
print("Bytes held back by TCP_CORK: ", corked)
subprocess.run("ip address add 10.9.9.1/32 dev lo".split(), check=True)
client, server = connected("10.9.9.1")
subprocess.run("ip address del 10.9.9.1/32 dev lo".split(), check=True)
taken = client.send(b"nowhere to go")
time.sleep(2)
lost = timer(client)
names, values = re.findall(r"^TcpExt: (.*)$", pathlib.Path("/proc/net/netstat").read_text(), re.MULTILINE)
probes = dict(zip(names.split(), values.split()))["TCPWinProbe"]
print(f"The address is gone: send() took {taken} bytes; 2 s later: ", lost, " probes that left:", probes)
sys.exit(not (corked == ("persist", 0) and lost and lost[0] == "persist" and lost[1] >= 2))
PYTHON
# The namespace ends with the program in it.
unshare --net sh -c "ip link set lo up && exec python3 '$folder/show.py'"
