"""Large recordings of the kernel's tracer in columns: an array for each field of all transitions, and of all calls.

It alone of lab/kernel needs NumPy, which takes a tenth of a second to load: only lab/kernel/reading.py imports it.
"""
