#!/usr/bin/python3
"""Broken on purpose: edge-triggered, it reads one piece for each edge.

What is left in the kernel's buffer is no news, so epoll_wait() does not mention it again: the rest of a long message
lies there until the client sends more, and the client waits for its answer.

The right one: images/servers/serve_epoll_et.py
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

    def serve(self) -> bool:
        """Read and write a piece; False when nothing is left to do for it."""
        try:
            if not self.ended and len(self.owed) < ENOUGH:
                self.receive()  # the mistake: once for each edge, and there is no more edge for what is left
            self.send()
        except OSError as error:  # its connection is lost, and nobody else's
            print(f"lost a client: {error}", flush=True)
            return False
        return bool(self.owed) or not self.ended

    def receive(self) -> bool:
        """Read a piece; False when nothing is there."""
        try:
            data = self.connection.recv(PIECE)
        except BlockingIOError:
            return False  # EAGAIN, nothing there: now there will be another edge
        self.ended = not data
        self.owed += data
        return True

    def send(self) -> bool:
        """Write what the kernel takes; False when it takes nothing, or nothing is owed."""
        try:
            sent = self.connection.send(self.owed) if self.owed else 0
        except BlockingIOError:
            return False  # EAGAIN, no room: now there will be another edge
        del self.owed[:sent]  # perhaps only a part: the rest stays owed
        return sent > 0


def serve_all(listener: socket.socket) -> None:
    """Wait for whoever has become ready, for ever."""
    clients: dict[int, Client] = {}
    poller = select.epoll()  # a list in the kernel
    poller.register(listener, select.EPOLLIN | select.EPOLLET)
    knocking = False
    while True:
        for descriptor, _ in poller.poll():
            if descriptor == listener.fileno():
                knocking = True
            elif not clients[descriptor].serve():
                poller.unregister(descriptor)
                clients.pop(descriptor).connection.close()
        while knocking:
            try:
                connection, _ = listener.accept()
            except BlockingIOError:
                knocking = False  # EAGAIN, nobody left: now there will be another edge
            except ConnectionAbortedError:
                continue  # it was ready, and is gone again
            except OSError as error:  # EMFILE: somebody goes on knocking, so try again after the next wait
                print(f"no room for a client: {error}", flush=True)
                break
            else:
                clients[connection.fileno()] = Client(connection)
                poller.register(connection, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)  # once, for good


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
