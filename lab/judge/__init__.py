"""Pure: expectations read evidence and return a verdict with its reason."""
