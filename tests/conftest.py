"""What all tests share."""

from __future__ import annotations

import signal

from hypothesis import settings

# A slow or busy machine is no defect of the code, and a failure must come again when it is run again.
settings.register_profile("untimed", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("untimed")

# A shell's background jobs ignore Ctrl-C, and so would all that is started and interrupted here.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# And what nohup begins ignores that a terminal goes away.
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
