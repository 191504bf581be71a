#!/usr/bin/python3
"""asyncio: one thread, many clients, each with a coroutine that reads like blocking code. Echoes bytes unchanged.

The event loop below it is epoll; each await is a place where it may turn to another client.
"""

import argparse
import asyncio
import signal
import socket
import sys

PIECE = 4096  # what one read() takes: a longer message comes in pieces, perhaps within a character


async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Echo to one client until it has sent end-of-file."""
    try:
        while data := await reader.read(PIECE):
            writer.write(data)  # never blocks: what the kernel does not take is kept
            await writer.drain()  # waits while too much is kept: then no more is read from this client
        writer.close()
        await writer.wait_closed()  # first all that is kept goes out
    except OSError as error:  # its connection is lost, and nobody else's
        print(f"lost a client: {error}", flush=True)
        writer.close()


async def serve_all(listener: socket.socket, backlog: int) -> None:
    """Serve whoever is ready, until a signal comes."""
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    # It survives EMFILE by itself: it says so and looks away from the listener for a second.
    server = await asyncio.start_server(converse, sock=listener, backlog=backlog)
    await ended.wait()
    server.close()


def main() -> None:
    """Listen, and serve."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("host")
    arguments.add_argument("port", type=int)
    arguments.add_argument("--backlog", type=int, default=5)
    arguments.add_argument("--send-buffer", type=int, help="SO_SNDBUF of each connection, bytes")
    arguments.add_argument("--recv-buffer", type=int, help="SO_RCVBUF of each connection, bytes")
    options = arguments.parse_args()

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
    asyncio.run(serve_all(listener, options.backlog))


if __name__ == "__main__":
    main()
