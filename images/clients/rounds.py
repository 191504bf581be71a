#!/usr/bin/python3
"""Open a connection, say `exit`, close when the server has closed; again and again, one after the other."""

import argparse
import socket


def main() -> None:
    """Make `count` connections in turn."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("host")
    arguments.add_argument("port", type=int)
    arguments.add_argument("count", type=int, nargs="?", default=20)
    options = arguments.parse_args()

    for _ in range(options.count):
        with socket.create_connection((options.host, options.port)) as connection:
            connection.sendall(b"exit")
            while connection.recv(1024):
                pass
    print(f"{options.count} connections", flush=True)


if __name__ == "__main__":
    main()
