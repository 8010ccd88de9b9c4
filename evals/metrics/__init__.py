"""Metrics by their standard definitions, computed from records alone."""

SEED = 0
