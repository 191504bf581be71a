"""Expectations of the states that an end went through, as the kernel's own tracer told them."""
