"""The wrong servers of the echo family, and the case of `lab conform` that catches each."""

from __future__ import annotations

from typing import Final

CAUGHT: Final = {
    ("partial", "et_no_drain"): r"\d+ of 131072 bytes came back, then nothing for 1 s",
    ("split", "counts_on_lines"): r"0 of 6 bytes came back, then nothing for 1 s",
    ("utf8", "splits_chars"): r"0 bytes came back, then ef in place of e6",
    (
        "large",
        "drops_rest",
    ): r"\d+ bytes came back, then .* in place of .*|\d+ of \d+ bytes came back, then the server closed.*",
    ("large", "dies_of_eagain"): r"\d+ of 1000003 bytes came back, then the server closed; BlockingIOError: .*",
    ("half-close", "cuts_at_eof"): r"\d+ of \d+ bytes came back, then the server closed.*",
    ("reset", "reset_ends_all"): r".*(reset by peer|server closed|refused).*; ConnectionResetError: .*",
    ("stalled", "blocks_in_send"): r"\d of \d bytes came back, then nothing for 1 s",
    ("many", "one_at_a_time"): r"0 of 13 bytes came back, then nothing for 1 s",
    ("leaves", "never_removes"): r"after our end-of-file the server does not close for 1 s",
}
"""A case, a wrong server that it catches, and how it says so."""
