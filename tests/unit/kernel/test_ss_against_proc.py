"""The rows of ss against a second reader of the kernel's sockets: /proc/net/tcp and tcp6."""

from __future__ import annotations

import ipaddress
import shutil
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from lab.kernel.rows import SocketRow
from lab.kernel.sockets import SS_COMMAND, parse_ss
from lab.wire.state import State

FIXTURES = Path(__file__).parents[2] / "fixtures" / "ss"
# include/net/tcp_states.h; /proc shows a half-open request as 3 and an orphan in FIN-WAIT-2 as 5.
STATES = {
    1: State.ESTABLISHED,
    2: State.SYN_SENT,
    3: State.SYN_RECEIVED,
    4: State.FIN_WAIT_1,
    5: State.FIN_WAIT_2,
    6: State.TIME_WAIT,
    8: State.CLOSE_WAIT,
    9: State.LAST_ACK,
    10: State.LISTEN,
    11: State.CLOSING,
}
Sketch = tuple[State, str, int, str, int, int, int]
"""State, local address and port, peer's, rx queue, tx queue."""


def read_address(text: str) -> tuple[str, int]:
    """Read `0100007F:1F90`: 32-bit words in the machine's byte order, and a port."""
    host, _, port = text.partition(":")
    words = [int(host[start : start + 8], 16).to_bytes(4, sys.byteorder) for start in range(0, len(host), 8)]
    found = ipaddress.ip_address(b"".join(words))
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found), int(port, 16)


def read_table(text: str) -> list[Sketch]:
    rows = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        state = STATES[int(fields[3], 16)]
        tx, rx = (int(part, 16) for part in fields[4].split(":"))
        rows.append((state, *read_address(fields[1]), *read_address(fields[2]), rx, tx))
    return rows


def sketch(row: SocketRow) -> Sketch:
    """Put a row in /proc's terms, which know no `*` and no backlog."""
    any_address = "::" if row.local.address == "*" or ":" in row.local.address else "0.0.0.0"  # noqa: S104
    local = any_address if row.local.address == "*" else row.local.address
    peer, port = row.peer or (any_address, 0)
    backlog_aside = 0 if row.state is State.LISTEN else row.send_q
    return (row.state, local, row.local.port, peer, port, row.recv_q, backlog_aside)


@pytest.mark.parametrize("side", ["server", "client"])
@pytest.mark.parametrize("version", ["5.10", "6.1", "6.15"])
def test_recorded_rows_are_the_kernels_own(version: str, side: str) -> None:
    folder = FIXTURES / version
    rows = parse_ss((folder / f"{side}-tanpo.txt").read_text(encoding="utf-8"))
    tables = [
        line
        for table in ("tcp", "tcp6")
        for line in read_table((folder / f"{side}-proc-net-{table}.txt").read_text(encoding="utf-8"))
    ]
    # ss 6.8 and later lists bound sockets, /proc does not.
    assert Counter(sketch(row) for row in rows if row.state is not State.CLOSED) == Counter(tables)


@pytest.mark.skipif(shutil.which("ss") is None, reason="this machine has no ss")
def test_live_rows_are_the_kernels_own() -> None:
    with (
        socket.create_server(("127.0.0.1", 0), backlog=5) as listening,
        socket.create_connection(listening.getsockname()) as client,
        listening.accept()[0] as server,
        socket.create_connection(listening.getsockname()),
    ):
        client.sendall(b"unread")
        server.shutdown(socket.SHUT_WR)
        ports = {listening.getsockname()[1], client.getsockname()[1]}
        printed = subprocess.run(SS_COMMAND, capture_output=True, check=True, text=True).stdout
        table = read_table(Path("/proc/net/tcp").read_text(encoding="utf-8"))
    ours = [row for row in parse_ss(printed) if row.local.port in ports]
    assert Counter(map(sketch, ours)) == Counter(line for line in table if line[2] in ports)
    assert {row.state.value for row in ours} == {"LISTEN", "ESTAB", "FIN-WAIT-2", "CLOSE-WAIT"}
