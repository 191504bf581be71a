#!/usr/bin/python3
"""Called non-blocking, and blocks: only accept() is polled. One client at a time, as in serve_blocking.

On Linux an accepted socket does not inherit the listener's mode: recv() waits here, and all others with it.
Who connects while nobody is there waits for the next look at the queue, up to --interval seconds.
"""

import argparse
import signal
import socket
import sys
import time


def converse(connection: socket.socket) -> bool:
    """Answer one client until it leaves; False when it asked the whole server to end."""
    while True:
        message = connection.recv(1024)  # blocks all the same: this socket is a new one, with a mode of its own
        if not message:  # end-of-file: the client has closed its side
            return True
        print("received", message, flush=True)
        if message == b"exit":
            return True
        if message == b"exitall":
            return False
        connection.sendall(message.upper())


def main() -> None:
    """Listen, and serve one client after the other."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("host")
    arguments.add_argument("port", type=int)
    arguments.add_argument("--backlog", type=int, default=5)
    arguments.add_argument("--interval", type=float, default=1.0, help="pause (s) when nobody is there")
    options = arguments.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, wherever it waits

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # Else bind() fails while a connection of the last run is still in TIME-WAIT on this port.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((options.host, options.port))
    except (OSError, OverflowError) as error:
        sys.exit(f"cannot listen on {options.host}:{options.port}: {error}")
    listener.listen(options.backlog)
    listener.setblocking(False)  # accept() fails at once when nobody is there
    print(f"waiting on {options.host}:{options.port}", flush=True)

    running = True
    while running:
        try:
            connection, _ = listener.accept()
        except BlockingIOError:  # EAGAIN: nobody
            time.sleep(options.interval)
            continue
        try:
            with connection:  # closes it, also when the client closed first
                running = converse(connection)
        except OSError as error:  # a reset, say: this client is lost, and only this one
            print("lost a client:", error, flush=True)
    listener.close()


if __name__ == "__main__":
    main()
