"""Socket Lab: how a network server really behaves, proved on your own kernel."""
