#!/usr/bin/python3
"""Broken on purpose: it answers before it has read the body to its end.

When it then closes, bytes are left unread, and the kernel sends a reset (R) in place of a FIN: a client that meets this
error may throw away the answer that it has. A small body mostly comes with the head, and all seems well.

The right one: images/servers/serve_http_full.py
"""

import argparse
import signal
import socket
import sys
import time

SAMPLE = {
    "Server": "WSGIServer/0.2 CPython/3.5.2",
    "Content-Type": "text/html;charset=UTF-8",
    "Content-Length": "724",
    "Set-Cookie": "JSESSIONID=C97E2B4C55553EAB46079A4F263435A4; Path=/hello",
    "Date": "Wed, 25 Sep 2012 04:15:03 GMT",
}
ETAG = '"v1"'


def read_request(connection: socket.socket) -> tuple[str, dict[str, str], bytes]:
    """Return the request line, the headers and the body; EOFError when the client leaves before it has asked."""
    data = b""
    while b"\r\n\r\n" not in data:  # TCP has no borders: even a head may come in pieces
        data += receive(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = int(headers.get("content-length", 0))
    # the mistake: what has not come with the head is never read
    return first, headers, body[:length]


def receive(connection: socket.socket) -> bytes:
    """Return what has come, at least a byte."""
    piece = connection.recv(1024)
    if not piece:
        raise EOFError("it left before it had asked")
    return piece


def respond(first: str, headers: dict[str, str], body: bytes) -> tuple[str, dict[str, str], bytes]:
    """Return status, headers and body of the answer to a request."""
    if "transfer-encoding" in headers:
        return "501 Not Implemented", {}, b"This server reads a body by its Content-Length alone.\n"
    method, target, _ = first.split(" ")
    path = target.partition("?")[0]
    if path == "/sample":
        return "200 OK", SAMPLE, (b"Hello World\n" * 61)[:724]
    if path == "/visits":
        seen = headers.get("cookie", "").partition("visits=")[2]
        visits = int(seen) + 1 if seen.isdigit() else 1
        return "200 OK", {"Set-Cookie": f"visits={visits}; Path=/visits"}, f"visit {visits}\n".encode()
    if path == "/page":
        same = headers.get("if-none-match") == ETAG
        return "304 Not Modified" if same else "200 OK", {"ETag": ETAG}, b"" if same else b"This page never changes.\n"
    return "200 OK", {}, f"{method} {target}: the body has {len(body)} bytes\n".encode()


def answer(connection: socket.socket) -> None:
    """Read a request, answer it, write it down."""
    first, headers, body = read_request(connection)
    status, more, content = respond(first, headers, body)
    told = {
        "Server": "serve_http_full",
        "Date": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime()),
        "Content-Type": "text/plain;charset=UTF-8",
        "Content-Length": str(len(content)),
        "Connection": "close",
    } | more
    if more is SAMPLE:
        told = SAMPLE
    if status.startswith("304"):
        del told["Content-Type"], told["Content-Length"]  # no body follows
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    head = f"HTTP/1.1 {status}\r\n{lines}\r\n".encode("latin-1")
    connection.sendall(head + content)
    print(f'"{first}" {status.split()[0]} {len(content)}', flush=True)


def main() -> None:
    """Listen, and answer one client after the other."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("host")
    arguments.add_argument("port", type=int)
    arguments.add_argument("--backlog", type=int, default=5)
    arguments.add_argument("--no-reuseaddr", action="store_true", help="bind without SO_REUSEADDR")
    options = arguments.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, wherever it waits

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if not options.no_reuseaddr:
        # Else bind() fails while a connection of the last run is still in TIME-WAIT on this port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((options.host, options.port))
    except (OSError, OverflowError) as error:
        sys.exit(f"cannot listen on {options.host}:{options.port}: {error}")
    listener.listen(options.backlog)
    print(f"waiting on {options.host}:{options.port}", flush=True)

    while True:
        connection, _ = listener.accept()
        try:
            with connection:
                answer(connection)
        except (OSError, EOFError, ValueError) as error:  # this client is lost, and only this one
            print("lost a client:", error, flush=True)


if __name__ == "__main__":
    main()
