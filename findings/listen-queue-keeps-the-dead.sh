#!/usr/bin/env bash
# A connection that is reset while it waits for accept() has no row in `ss` any more, and still counts in Recv-Q of LISTEN.
#
# With a backlog of 0 one such connection keeps the next client out: its SYN is dropped, although `ss` shows no connection.
# accept() then returns a socket that has no peer (ENOTCONN) and still gives the bytes that its client had sent.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
uname -sr
ss -V
python3 --version
cat >"$folder/show.py" <<'PYTHON'
import errno
import socket
import struct
import subprocess
import sys
import time

PLACE = ("127.0.0.1", 8000)


def ss():
    return subprocess.run(["ss", "-Htan"], check=True, capture_output=True, text=True).stdout


listener = socket.socket()
listener.bind(PLACE)
listener.listen(0)
first = socket.create_connection(PLACE)
first.send(b"hello")
first.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
first.close()
rows = ss()
print("One client came, sent hello and reset its connection; nobody has called accept(). All sockets that ss knows:")
print(rows)
second = socket.socket()
second.setblocking(False)
second.connect_ex(PLACE)
time.sleep(0.5)
late = [line.split()[0] for line in ss().splitlines() if line.split()[0] != "LISTEN"]
print("Half a second after the next client's connect():", late)
dead, _ = listener.accept()
try:
    peer = str(dead.getpeername())
except OSError as error:
    peer = errno.errorcode[error.errno]
given = dead.recv(100)
print("accept() returns; getpeername():", peer, " recv():", given)
as_found = [line.split()[:3] for line in rows.splitlines()] == [["LISTEN", "1", "0"]]
sys.exit(not (as_found and late == ["SYN-SENT"] and (peer, given) == ("ENOTCONN", b"hello")))
PYTHON
# The namespace ends with the program in it.
unshare --net sh -c "ip link set lo up && exec python3 '$folder/show.py'"
