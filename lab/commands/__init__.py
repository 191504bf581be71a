"""What each command of `lab` does: it ties the rooms together and returns an exit code."""
