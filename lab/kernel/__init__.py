"""Pure: what the kernel says of its sockets, parsed from what the tools print."""
