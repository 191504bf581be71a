"""Pure: expectations read a run and return a verdict with its reason."""
