"""Large captures in columns: an array for each field of all segments, and of all conversations, one for each fact.

It alone of lab/wire needs NumPy, which takes a tenth of a second to load: nothing imports it but who reads a recording.
"""
