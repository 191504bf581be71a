"""What all tests share."""

from __future__ import annotations

from hypothesis import settings

# A slow or busy machine is no defect of the code, and a failure must come again when it is run again.
settings.register_profile("untimed", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("untimed")
