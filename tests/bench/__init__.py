"""The benchmark: `make bench`. It measures ratios in one run and never fails for being slow."""
