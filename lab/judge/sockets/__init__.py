"""Expectations of socket rows: what `ss` printed, at one moment or over time."""
