"""What is told while a long part is under way."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from lab.text.catalog import messages

if TYPE_CHECKING:
    from lab.hosts.images import Say
    from lab.settings import Settings


def progress(settings: Settings) -> Say:
    """Return what tells of each long part, on stderr: stdout is for answers."""

    def say(code: str, fields: dict[str, object]) -> None:
        print(messages(settings.language).get(f"cli.say.{code}", **fields), file=sys.stderr, flush=True)

    return say
