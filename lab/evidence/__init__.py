"""The frozen record of one run: what was done, what the kernel said, what was on the wire."""
