#!/usr/bin/python3
"""Non-blocking, and every client polled in turn. Protocol of serve_blocking.

One thread serves many. The price: it asks each socket again and again whether there is something, idle or not. A long
--interval makes answers late, a short one burns the processor.
"""

import argparse
import signal
import socket
import sys
import time


class StopServingError(Exception):
    """A client has asked the whole server to end."""


def serve(connection: socket.socket) -> bool:
    """Look whether a client has said something, and answer; False when it has left."""
    try:
        message = connection.recv(1024)
    except BlockingIOError:  # EAGAIN: nothing has come
        return True
    print("received", message, flush=True)
    if message == b"exitall":
        raise StopServingError
    if message in (b"exit", b""):  # b"" is end-of-file: the client has closed its side
        return False
    connection.sendall(message.upper())  # fails when the client does not take its answers: it is lost then
    return True


def main() -> None:
    """Listen, and look at every client in turn, again and again."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("host")
    arguments.add_argument("port", type=int)
    arguments.add_argument("--backlog", type=int, default=5)
    arguments.add_argument("--interval", type=float, default=0.01, help="pause (s) between two rounds")
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

    clients: list[socket.socket] = []
    try:
        while True:
            try:
                connection, _ = listener.accept()
                connection.setblocking(False)  # the listener's mode is not inherited
                clients.append(connection)
            except BlockingIOError:  # EAGAIN: nobody
                pass
            for connection in list(clients):
                try:
                    stays = serve(connection)
                except OSError as error:  # a reset, say: this client is lost, and only this one
                    print("lost a client:", error, flush=True)
                    stays = False
                if not stays:
                    clients.remove(connection)
                    connection.close()
            time.sleep(options.interval)
    except StopServingError:
        for connection in clients:
            connection.close()
    listener.close()


if __name__ == "__main__":
    main()
