"""A timeline as text: five lanes side by side, from the client's program over the wire to the server's."""
