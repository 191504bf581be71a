#!/usr/bin/env bash
# From its own TIME-WAIT a client connects again at once with tcp_tw_reuse at 0, when it names the port by bind() itself.
#
# That setting matters only where the kernel picks the port. What decides here is SO_REUSEADDR, and not only on the new
# socket: a TIME-WAIT keeps the old one's setting. And timestamps must be on: else EADDRNOTAVAIL.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
uname -sr
ss -V
python3 --version
cat >"$folder/show.py" <<'PYTHON'
import errno
import pathlib
import socket
import sys

PLACE = ("127.0.0.1", 8000)
SETTINGS = pathlib.Path("/proc/sys/net/ipv4")
(SETTINGS / "tcp_tw_reuse").write_text("0")
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(PLACE)
listener.listen()


def again(timestamps, old, new):
    """Connect, close first, and connect from the same port once more; return what came of it."""
    (SETTINGS / "tcp_timestamps").write_text(str(timestamps))
    first = socket.socket()
    first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, old)
    first.connect(PLACE)
    server, _ = listener.accept()
    port = first.getsockname()[1]
    first.close()
    server.recv(1)
    server.close()
    second = socket.socket()
    second.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, new)
    try:
        second.bind(("127.0.0.1", port))
        second.connect(PLACE)
    except OSError as error:
        return errno.errorcode[error.errno]
    return "connected"


expected = {
    (1, 1, 1): "connected",
    (1, 0, 1): "EADDRINUSE",
    (1, 1, 0): "EADDRINUSE",
    (0, 1, 1): "EADDRNOTAVAIL",
}
found = {case: again(*case) for case in expected}
print("tcp_tw_reuse is 0; the port of the second socket is in TIME-WAIT.")
for (timestamps, old, new), came in found.items():
    print(f"  time stamps {timestamps}, SO_REUSEADDR of the old socket {old}, of the new one {new}: {came}")
sys.exit(found != expected)
PYTHON
# The namespace ends with the program in it.
unshare --net sh -c "ip link set lo up && exec python3 '$folder/show.py'"
