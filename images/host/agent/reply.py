"""The answer to a request: given once, at once or later."""

from __future__ import annotations

from loop import Loop


class RefusedError(Exception):
    """A request that cannot be done: a code, and details for the other side."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


class Reply:
    """Answers the request of that number; whoever comes second is not heard."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self.number: object = None
        self.given = False

    def ok(self, **answer: object) -> None:
        """Say that it is done, and what came of it."""
        self._give("ok", answer)

    def error(self, code: str, detail: str) -> None:
        """Say why it is not done."""
        self._give("error", {"code": code, "detail": detail})

    def _give(self, kind: str, answer: dict[str, object]) -> None:
        if not self.given:
            self.given = True
            self._loop.send({"id": self.number, kind: answer})
