"""One run as one timeline: system calls, socket states, segments and queues of every connection, on one clock."""
