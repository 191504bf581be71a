"""Expectations of segments: the conversations in a host's capture, how they opened, went on and closed."""
