"""One file per form in which a judged run is shown."""
