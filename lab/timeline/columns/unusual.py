"""What a recording holds that columns have no rule for: then all of it goes the exact way."""

from __future__ import annotations


class UnusualError(Exception):
    """A recording of which columns cannot tell a timeline; its argument names what it holds."""
