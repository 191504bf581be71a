#!/usr/bin/python3
"""Broken on purpose: `exit` ends the client itself, and the server is never asked.

So the client closes first: TIME-WAIT is on its side, and the server has none.

The right one: images/clients/prompt.py
"""

import argparse
import codecs
import signal
import socket
import sys


def main() -> int:
    """Connect, then send a line and print the answer until one side closes."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("host")
    arguments.add_argument("port", type=int)
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
    decoder = codecs.getincrementaldecoder("utf-8")("replace")  # half a character waits for its other half

    with connection:
        while True:
            print("input>>>", flush=True)
            line = sys.stdin.readline()
            if not line:  # Ctrl-D
                print("bye", flush=True)
                return 0
            text = line.strip()
            if not text:
                continue
            if text == "exit":  # the mistake: it was to ask the server
                return 0
            try:
                connection.sendall(text.encode())
                answer = connection.recv(1024)
            except OSError as error:
                print(f"connection lost: {error.strerror}", file=sys.stderr)
                return 1
            if not answer:
                print("the server closed the connection", flush=True)
                return 0
            print(decoder.decode(answer), flush=True)


if __name__ == "__main__":
    sys.exit(main())
