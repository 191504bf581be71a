"""One thing that the doctor found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Health(StrEnum):
    """How good a finding is: all right, worth knowing, something that some exercises do without, or no lab at all."""

    OK = "ok"
    NOTE = "note"
    LACKS = "lacks"
    STOPS = "stops"


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding: `id` and `variant` find its words (`doctor.<id>.<variant>.says` and `.remedy`), `fields` fill them."""

    id: str
    variant: str
    health: Health
    fields: Mapping[str, object] = field(default_factory=dict)
