"""Speeds that have a meaning everywhere."""

DEFAULT_SPEED = 0.5
"""Uncertainty below which a row leaves where nobody chose a speed, in [0, 1]."""
LEAST_SPEED = 1e-9
"""A speed that asks every branch, at which hardly a row leaves."""
