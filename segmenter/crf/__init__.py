"""The dense CRF loss of Eq. 4 and three ways to compute it."""

from segmenter.crf.loss import BACKENDS, EXACT_SIDE, dense_crf_loss, fits_exact

__all__ = ["BACKENDS", "EXACT_SIDE", "dense_crf_loss", "fits_exact"]
