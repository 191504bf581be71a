"""Expectations of who was served when, by the times in a capture."""
