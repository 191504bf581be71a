#!/usr/bin/python3
"""Broken on purpose: told to wait, it sends a third of its request, and the rest when it has been answered.

A server that takes one recv() for a request answers the third. One that reads to the end of the headers would wait for
the rest, and the client for the answer: nobody would ever go on.

The right one: images/clients/get_page.py
"""

import argparse
import signal
import socket
import sys

BROWSER = {
    "Connection": "keep-alive",
    "Pragma": "no-cache",
    "Cache-Control": "no-cache",
    "Upgrade-Insecure-Requests": "1",
    "User-Agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_13_4) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/66.0.3359.139 Safari/537.36",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,image/apng,*/*;q=0.8",
    "Accept-Encoding": "gzip, deflate",
    "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8,cy;q=0.7",
}


def compose(options: argparse.Namespace) -> bytes:
    """Return the request's bytes."""
    target = options.path
    if options.query:
        target += "?q=" + "x" * (options.query - len("q="))
    headers = {"Host": f"{options.host}:{options.port}"} | BROWSER
    if options.cookie:
        headers["Cookie"] = options.cookie
    if options.copy:
        headers["If-None-Match"] = f'"{options.copy}"'
    body: bytes = options.body.encode()
    if body:
        headers["Content-Length"] = str(len(body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{options.method} {target} HTTP/1.1\r\n{lines}\r\n".encode() + body


def read(connection: socket.socket) -> tuple[bytes, str]:
    """Return all that the server sends until it closes, and how that ended."""
    data = b""
    try:
        while piece := connection.recv(65536):
            data += piece
    except OSError as error:
        return data, f"cut off: {error.strerror}"
    return data, "closed"


def tell(data: bytes, ended: str) -> None:
    """Print the status, how many bytes of the body came, what ended them, and the body."""
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    status = first.partition(" ")[2] or "no answer"
    length = headers.get("content-length")
    if ended == "closed" and length is not None:
        ended = "complete" if len(body) == int(length) else f"{int(length) - len(body)} bytes are missing"
    print(f"{status}: {len(body)} bytes, {ended}", flush=True)
    for name in ("set-cookie", "etag"):
        if name in headers:
            print(f"{name}: {headers[name]}", flush=True)
    if body:
        print(body.decode(errors="replace").rstrip(), flush=True)


def main() -> int:
    """Connect, ask, read until the server closes."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("host")
    arguments.add_argument("port", type=int)
    arguments.add_argument("path", nargs="?", default="/")
    arguments.add_argument("--method", default="GET")
    arguments.add_argument("--query", type=int, default=0, help="append a query of so many bytes")
    arguments.add_argument("--body", default="", help="a body behind the headers, with its Content-Length")
    arguments.add_argument("--cookie", default="")
    arguments.add_argument("--copy", default="", help="the ETag of the copy one has, without its quotes")
    arguments.add_argument("--wait", action="store_true", help="wait for Enter before the request is sent")
    options = arguments.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, wherever it waits

    try:
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.connect((options.host, options.port))
    except (OSError, OverflowError) as error:
        print(f"cannot connect to {options.host}:{options.port}: {error.args[-1]}", file=sys.stderr)
        return 1
    address, port = connection.getsockname()[:2]
    print(f"connected from {address}:{port}", flush=True)

    with connection:
        if options.wait:
            print("Enter sends the request", flush=True)
            sys.stdin.readline()
        request = compose(options)
        first = len(request) // 3 if options.wait else len(request)
        try:
            connection.sendall(request[:first])
        except OSError as error:
            print(f"connection lost: {error.strerror}", file=sys.stderr)
            return 1
        print(f"sent {first} bytes", flush=True)
        data, ended = read(connection)
        connection.sendall(request[first:])  # the mistake: it was answered before it had asked
    tell(data, ended)
    return int(ended != "closed")


if __name__ == "__main__":
    sys.exit(main())
