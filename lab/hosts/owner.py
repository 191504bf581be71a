"""Whose a lab is: several users may share one engine, and none may lose a lab to another without a word."""

from __future__ import annotations

import functools
import os
import platform
import pwd
from typing import Final

from lab.foreign import shown
from lab.hosts.endpoint import endpoint

OWNER: Final = "socketlab.owner"
"""The label that holds it, beside the lab's own."""


@functools.cache
def me() -> str:
    """Return the user who types, also behind sudo; on an engine elsewhere, which other machines use too, with ours.

    Two checkouts of one user are one owner: they use each other's hosts.
    """
    user = os.environ.get("SUDO_USER") if os.geteuid() == 0 else None
    if not user:
        try:
            user = pwd.getpwuid(os.geteuid()).pw_name
        except KeyError:  # a number without a name, as in many containers
            user = str(os.geteuid())
    user = user if endpoint().path is not None else f"{user}@{platform.node()}"
    return shown(user)  # the engine keeps no bytes that are no characters: the label would not be the same
