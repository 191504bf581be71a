#!/usr/bin/env bash
# `ss -p` looks for the holders first and asks for the sockets afterwards: it shows bytes that were read, and nobody who read.
#
# ss walks /proc/PID/fd of every process, and only then sends its request for the rows. A connection that is accepted and
# read in between has Recv-Q 0 and no `users:`, as if the kernel had read for itself; it was in no state like that. On a
# machine with many processes the time between is some milliseconds; here strace holds that request up for two seconds.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -qq -o APT::Sandbox::User=root download strace=6.1-0.1 libunwind8=1.6.2-3
for package in *.deb; do dpkg -x "$package" .; done
machine=$(uname -m)
export LD_LIBRARY_PATH=$folder/usr/lib/$machine-linux-gnu
uname -sr
ss -V
python3 --version
"$folder/usr/bin/strace" -V | head -1
cat >show.py <<'PYTHON'
import socket
import subprocess
import sys
import time

listener = socket.socket()
listener.bind(("127.0.0.1", 8000))
listener.listen()
client = socket.create_connection(("127.0.0.1", 8000))
client.sendall(b"hello")
LOOK = ["ss", "-Htnp", "sport = :8000"]
HELD_UP = ["strace", "-o", "/dev/null", "-e", "inject=sendmsg:delay_enter=2000000:when=1", *LOOK]


def row(text):
    state, recv_q, *_, last = text.split()
    return state, recv_q, "held" if last.startswith("users:") else "held by nobody"


def shown(when, text):
    print(when, text.strip(), sep="\n  ")
    return row(text)


before = shown("waiting for accept():", subprocess.run(LOOK, check=True, capture_output=True, text=True).stdout)
looking = subprocess.Popen([sys.argv[1], *HELD_UP[1:]], stdout=subprocess.PIPE, text=True)
time.sleep(1)
connection, _ = listener.accept()
connection.recv(5)
assert looking.poll() is None, "strace did not hold it up"
meanwhile = shown("accepted and read while ss looked:", looking.communicate()[0])
after = shown("a look later:", subprocess.run(LOOK, check=True, capture_output=True, text=True).stdout)
seen = (before, meanwhile, after)
sys.exit(seen != (("ESTAB", "5", "held by nobody"), ("ESTAB", "0", "held by nobody"), ("ESTAB", "0", "held")))
PYTHON
unshare --net sh -c "ip link set lo up && exec python3 show.py '$folder/usr/bin/strace'"
