#!/usr/bin/python3
"""Broken on purpose: it writes its pairs into the form as they are.

A value that holds `&` or `=` then means something else, and what bytes a Chinese character has is left to luck.

The right one: images/clients/post_form.py
"""

import argparse
import signal
import sys

import requests


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
    form = "&".join(f"{name}={value}" for name, value in pairs.items())  # the mistake: nothing is encoded
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return requests.post(url, data=form.encode(), headers=headers, timeout=10)


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
