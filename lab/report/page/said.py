"""What a sentence about a moment is made of, before it has words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

Field = str | int


class Said(NamedTuple):
    """The ids of the sentences that are said one after another (`page.say.<id>`), and the fields of all of them."""

    parts: tuple[str, ...]
    fields: Mapping[str, Field]
