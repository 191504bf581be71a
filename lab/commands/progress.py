"""What the commands say beside their answers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from lab.text.catalog import messages

if TYPE_CHECKING:
    from lab.hosts.images import Say
    from lab.settings import Settings


def say(settings: Settings, code: str, **fields: object) -> None:
    """Print a text of `cli.say`."""
    print(messages(settings.language).get(f"cli.say.{code}", **fields), flush=True)


def progress(settings: Settings) -> Say:
    """Return what tells of each long part, on stderr: stdout is for answers."""

    def tell(code: str, fields: dict[str, object]) -> None:
        print(messages(settings.language).get(f"cli.say.{code}", **fields), file=sys.stderr, flush=True)

    return tell
