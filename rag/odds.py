"""Probabilities on the scale on which they add up."""

import math

LEAST_PROBABILITY = 1e-3
"""Log odds end here, on both sides: what a model is surer of than that, it only says."""


def log_odds(probability: float) -> float:
    """The logarithm of p / (1 - p), from -6.9 to 6.9."""
    kept = min(max(probability, LEAST_PROBABILITY), 1 - LEAST_PROBABILITY)
    return math.log(kept / (1 - kept))
