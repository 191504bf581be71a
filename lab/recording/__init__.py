"""What probes saw, what was played meanwhile, and the folder of a run that keeps both."""
