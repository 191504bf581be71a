"""The world: the engine, the two hosts, the channel to each and the probes inside them."""
