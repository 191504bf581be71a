#!/usr/bin/python3
"""Broken on purpose: epoll with blocking sockets.

It only reads where there is something to read, but send() does not return until the kernel has taken all: one client
that does not read, and everybody waits with the server for it.

The right one: images/servers/serve_epoll_lt.py
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
        # The mistake: no setblocking(False). On Linux it is not inherited from the listener.
        self.connection = connection
        self.fileno = connection.fileno
        self.owed = bytearray()
        self.ended = False  # it has sent end-of-file; it may still be reading

    def events(self) -> int:
        """Tell what to wait for: room only with something to write, more only from who takes it back."""
        more = not self.ended and len(self.owed) < ENOUGH
        return (select.EPOLLIN if more else 0) | (select.EPOLLOUT if self.owed else 0)

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
    clients: dict[int, Client] = {}
    room = True  # for one more descriptor
    poller = select.epoll()  # a list in the kernel
    poller.register(listener, select.EPOLLIN)
    while True:
        for descriptor, events in poller.poll():
            if descriptor != listener.fileno():
                client = clients[descriptor]
                before = client.events()
                if client.serve(readable=events != select.EPOLLOUT):  # HUP and ERR come unasked: recv() tells why
                    if client.events() != before:  # a system call: only when something changed
                        poller.modify(client, client.events())
                    continue
                del clients[descriptor]
                poller.unregister(client)
                client.connection.close()
                if not room:
                    poller.register(listener, select.EPOLLIN)
                    room = True
                continue
            try:
                connection, _ = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                continue  # it was ready, and is gone again
            except OSError as error:  # EMFILE: the listener stays ready, so look away until a client leaves
                print(f"no room for a client: {error}", flush=True)
                poller.unregister(listener)
                room = False
                continue
            clients[connection.fileno()] = Client(connection)
            poller.register(connection, select.EPOLLIN)


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
