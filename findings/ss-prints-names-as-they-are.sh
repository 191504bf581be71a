#!/usr/bin/env bash
# `ss -p` prints a process's name as it is: a newline in it cuts the row in two, and a `)` ends what is printed of it.
#
# A name has any 15 bytes (prctl, PR_SET_NAME). Of "a, newline, b" there are two lines, the second without a state; of
# "x) y" only x is left, since ss reads /proc/PID/stat up to the first `)`. What reads ss line by line takes that for damage.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
uname -sr
ss -V
python3 --version
cat >"$folder/show.py" <<'PYTHON'
import ctypes
import os
import socket
import subprocess
import sys

listener = socket.socket()
listener.bind(("127.0.0.1", 8000))
listener.listen()
shown = {}
for name in (b"plain", b"a\nb", b'say "hi"', b"x) y"):
    ctypes.CDLL(None).prctl(15, name)
    rows = subprocess.run(["ss", "-Htlnp"], check=True, capture_output=True).stdout
    shown[name] = rows.partition(b"users:((")[2].strip().replace(str(os.getpid()).encode(), b"PID")
    print(name, "->", shown[name])
expected = {name: b'"%s",pid=PID,fd=3))' % told for name, told in zip(shown, (b"plain", b"a\nb", b'say "hi"', b"x"))}
sys.exit(shown != expected)
PYTHON
# The namespace ends with the program in it.
unshare --net sh -c "ip link set lo up && exec python3 '$folder/show.py'"
