"""Text in HTML and SVG: it stands there as it is, and is no markup."""

from __future__ import annotations

import html

from lab.foreign import shown


def escape(text: str) -> str:
    """Return the text as the content of an element or of a quoted attribute, every character of it printable."""
    return html.escape(shown(text))
