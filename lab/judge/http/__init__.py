"""Expectations of HTTP messages, as the captured bytes of a conversation hold them."""
