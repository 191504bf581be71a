"""Pure: segments, conversations and the TCP state machine, read from capture files."""
