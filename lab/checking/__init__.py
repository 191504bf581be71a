"""Refuse an exercise that is written wrongly: each mistake with its file and line."""
