#!/usr/bin/python3
"""Broken on purpose: it hands every descriptor to select(), whatever its number.

The first client whose connection gets the number 1024 (FD_SETSIZE) ends it with ValueError, and with it all others,
whatever the limit of descriptors (ulimit -n) is.

The right one: images/servers/serve_select.py
"""

import argparse
import select
import signal
import socket
import sys

PIECE = 4096  # what one recv() takes: a longer message comes in pieces, perhaps within a character
ENOUGH = 65536  # owed to a client that does not read: from here on no more is read from it either


class Client:
    """A connection, and the bytes it has not got back yet."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)  # on Linux this is not inherited from the listener
        self.connection = connection
        self.fileno = connection.fileno
        self.owed = bytearray()
        self.ended = False  # it has sent end-of-file; it may still be reading

    def serve(self, *, readable: bool) -> bool:
        """Read what is there, write what the kernel takes; False when nothing is left to do for it."""
        try:
            if readable:
                data = self.connection.recv(PIECE)
                self.ended = not data
                self.owed += data
            if self.owed:
                sent = self.connection.send(self.owed)  # perhaps only a part: the rest stays owed
                del self.owed[:sent]
        except BlockingIOError:
            pass  # EAGAIN, no room: we are told when there is some
        except OSError as error:  # its connection is lost, and nobody else's
            print(f"lost a client: {error}", flush=True)
            return False
        return bool(self.owed) or not self.ended


def serve_all(listener: socket.socket) -> None:
    """Wait for whoever is ready, for ever."""
    clients: set[Client] = set()
    watched: list[Client | socket.socket] = [listener]
    while True:
        readers = [*watched, *(client for client in clients if not client.ended and len(client.owed) < ENOUGH)]
        writers = [client for client in clients if client.owed]  # the others are always writable
        readable, writable, _ = select.select(readers, writers, [])
        for client in clients.intersection([*readable, *writable]):
            if not client.serve(readable=client in readable):
                clients.remove(client)
                client.connection.close()
                watched = [listener]
        if listener in readable:
            try:
                connection, _ = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                continue  # it was ready, and is gone again
            except OSError as error:  # EMFILE: the listener stays ready, so look away until a client leaves
                print(f"no room for a client: {error}", flush=True)
                watched = []
                continue
            clients.add(Client(connection))  # the mistake: select() takes no number beyond FD_SETSIZE


def main() -> None:
    """Listen, and serve."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("host")
    arguments.add_argument("port", type=int)
    arguments.add_argument("--backlog", type=int, default=5)
    arguments.add_argument("--send-buffer", type=int, help="SO_SNDBUF of each connection, bytes")
    arguments.add_argument("--recv-buffer", type=int, help="SO_RCVBUF of each connection, bytes")
    options = arguments.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, wherever it waits

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for name, size in ((socket.SO_SNDBUF, options.send_buffer), (socket.SO_RCVBUF, options.recv_buffer)):
        if size:
            listener.setsockopt(socket.SOL_SOCKET, name, size)  # accepted sockets inherit it
    try:
        listener.bind((options.host, options.port))
    except (OSError, OverflowError) as error:
        sys.exit(f"cannot listen on {options.host}:{options.port}: {error}")
    listener.listen(options.backlog)
    listener.setblocking(False)  # a client that was ready may be gone before accept()
    print(f"waiting on {options.host}:{options.port}", flush=True)
    serve_all(listener)


if __name__ == "__main__":
    main()
