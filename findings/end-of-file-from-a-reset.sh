#!/usr/bin/env bash
# recv() returns a clean end-of-file, 0 bytes and no error, on a connection that was reset, once SO_ERROR has been read.
#
# Linux reports a reset once. Event loops and connection pools read SO_ERROR to see whether a socket is healthy; after
# that nothing distinguishes a cut answer from a whole one, though no FIN ever came. send() takes the error in the same way.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
uname -sr
ss -V
python3 --version
cat >"$folder/show.py" <<'PYTHON'
import errno
import select
import socket
import struct
import sys

listener = socket.socket()
listener.bind(("127.0.0.1", 8000))
listener.listen()


def reset_after_half_an_answer():
    """Return a client to whom a server sent half of an answer and then a RST."""
    client = socket.create_connection(("127.0.0.1", 8000))
    server, _ = listener.accept()
    server.send(b"half of an ans")
    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.close()
    poll = select.poll()
    poll.register(client, select.POLLRDHUP)
    poll.poll(5000)
    return client


def reads(client):
    found = []
    for _ in range(3):
        try:
            found.append(client.recv(100))
        except OSError as error:
            found.append(errno.errorcode[error.errno])
    return found


plain = reads(reset_after_half_an_answer())
print("Three times recv():                        ", plain)
client = reset_after_half_an_answer()
asked = errno.errorcode[client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)]
after = reads(client)
print("The same, when SO_ERROR was asked for before:", after, "- it said", asked)
half = b"half of an ans"
sys.exit(not (plain == [half, "ECONNRESET", b""] and asked == "ECONNRESET" and after == [half, b"", b""]))
PYTHON
# The namespace ends with the program in it.
unshare --net sh -c "ip link set lo up && exec python3 '$folder/show.py'"
