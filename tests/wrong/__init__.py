"""What every deliberately wrong program makes fail, one module for each exercise: see base.py."""
