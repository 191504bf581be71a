#!/usr/bin/python3
"""Broken on purpose: it sends the body in two pieces.

That is no mistake in TCP, which has no borders; a server that takes one recv() for a message is the one that errs.

The right one: images/clients/post_form.py
"""

import argparse
import io
import signal
import sys
from urllib.parse import urlencode

import requests


class Drip(io.BytesIO):
    """A body that is read in two pieces."""

    def read(self, _size: int | None = -1, /) -> bytes:
        """Return 9 bytes, then the rest."""  # the mistake: two sends for one form
        return super().read(-1 if self.tell() else 9)


def reason(error: BaseException) -> str:
    """Return what the kernel said: requests wraps the error of a socket in several of its own."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return str(error)


def post(options: argparse.Namespace) -> requests.Response:
    """Send one POST; return the answer."""
    url = f"http://{options.host}:{options.port}{options.path}"
    pairs = dict(pair.split("=", 1) for pair in options.pair)
    if options.size:
        pairs = {"text": "x" * (options.size - len("text="))}
    if options.kind == "json":
        return requests.post(url, json=pairs, timeout=10)
    if options.kind == "raw":
        return requests.post(
            url, data="&".join(f"{name}={value}" for name, value in pairs.items()).encode(), timeout=10
        )
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return requests.post(url, data=Drip(urlencode(pairs).encode()), headers=headers, timeout=10)


def main() -> int:
    """Post once, or several times; tell what came back."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("host")
    arguments.add_argument("port", type=int)
    arguments.add_argument("pair", nargs="*", default=["key1=value1", "key2=value2"], help="name=value")
    arguments.add_argument("--path", default="/")
    arguments.add_argument("--kind", choices=("form", "json", "raw"), default="form")
    arguments.add_argument("--size", type=int, default=0, help="a form whose body has so many bytes")
    arguments.add_argument("--times", type=int, default=1, help="post so often, and only count")
    options = arguments.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, wherever it waits
    for pair in options.pair:
        if "=" not in pair:
            arguments.error(f"not name=value: {pair}")

    print(f"posting to {options.host}:{options.port}", flush=True)
    answered = 0
    for _ in range(options.times):
        try:
            answer = post(options)
        except requests.RequestException as error:
            if options.times == 1:
                print(f"the answer is lost: {reason(error)}", file=sys.stderr)
                return 1
            continue
        answered += 1
        if options.times == 1:
            print(answer, flush=True)
            print(answer.text.rstrip(), flush=True)
    if options.times > 1:
        print(f"{answered} of {options.times} answered", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
