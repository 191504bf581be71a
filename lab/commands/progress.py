"""What the commands say beside their answers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from lab.foreign import shown
from lab.text.catalog import messages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.hosts.images import Say
    from lab.settings import Settings


def say(settings: Settings, code: str, **fields: object) -> None:
    """Print a text of `cli.say`."""
    print(_filled(settings, code, fields), flush=True)


def progress(settings: Settings) -> Say:
    """Return what tells of each long part, on stderr: stdout is for answers."""

    def tell(code: str, fields: dict[str, object]) -> None:
        print(_filled(settings, code, fields), file=sys.stderr, flush=True)

    return tell


def _filled(settings: Settings, code: str, fields: Mapping[str, object]) -> str:
    """Return a text of `cli.say`. Its fields may be names that others gave: a lab's owner, its folder, an image."""
    harmless = {name: shown(value) if isinstance(value, str) else value for name, value in fields.items()}
    return messages(settings.language).get(f"cli.say.{code}", **harmless)
