"""Expectations of programs: what they printed, which processes they are, how they ended."""
