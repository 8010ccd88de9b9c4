"""Smooth expected calibration error (Blasiok & Nakkiran 2023, arXiv:2309.12236)."""

import numpy as np
from scipy.fft import dct, idct
from scipy.sparse import csr_array

from evals.metrics.statistic import Statistic, Values, Weights, divide, total

GRID = 512  # cells of [0, 1]; bandwidths that matter are above .01, five cells
_HALVINGS = 14  # bandwidth to 6e-5


def smooth_calibration_error(p: Values, y: Values, known: Values) -> Statistic:
    """smECE of predictions `p` for outcomes `y` (1.0 or 0.0), over those that are `known` (1.0).

    Residuals y - p are smoothed over [0, 1] by a Gaussian reflected at both ends; the error at bandwidth s
    is the integral of what is left, in absolute value. It falls with s; smECE is where it equals s. The
    reflected Gaussian is diagonal in cosines, so each smoothing is a product between two transforms.
    """
    spread = _onto_grid(p, known * (y - p))

    def statistic(weights: Weights) -> Values:
        residuals = divide((spread.T @ weights.T).T, total(weights, known)[:, None])
        is_defined = np.isfinite(residuals).all(axis=1)
        errors = np.full(len(weights), np.nan)
        if is_defined.any():
            errors[is_defined] = _fixed_point(dct(residuals[is_defined], type=2, norm="ortho", axis=1))
        return errors

    return statistic


def _onto_grid(p: Values, residuals: Values) -> csr_array:
    """Each residual shared by the two cells whose centres are next to its `p`; shape (questions, GRID)."""
    place = np.clip(p * GRID - 0.5, 0, GRID - 1)
    below = np.minimum(place.astype(np.int64), GRID - 2)
    share_above = place - below
    rows = np.arange(len(p))
    shares = np.concatenate([residuals * (1 - share_above), residuals * share_above])
    cells = np.concatenate([below, below + 1])
    return csr_array((shares, (np.concatenate([rows, rows]), cells)), shape=(len(p), GRID))


def _fixed_point(spectra: Weights) -> Values:
    """The bandwidth at which the error equals it, by halving; one per row of cosine spectra."""
    low, high = np.zeros(len(spectra)), np.ones(len(spectra))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        is_below = _error(spectra, middle) > middle
        low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
    return _error(spectra, high)


def _error(spectra: Weights, bandwidths: Values) -> Values:
    frequencies = np.pi * np.arange(spectra.shape[1])
    damping = np.exp(-0.5 * (bandwidths[:, None] * frequencies) ** 2)
    smoothed = idct(spectra * damping, type=2, norm="ortho", axis=1)
    errors: Values = np.abs(smoothed).sum(axis=1)
    return errors
