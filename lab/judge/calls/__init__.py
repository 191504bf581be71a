"""Expectations of system calls: what a program's trace holds."""
