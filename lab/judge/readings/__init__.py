"""Expectations of numbers read at two moments: the kernel's counters, what a program used."""
