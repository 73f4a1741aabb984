"""The dense CRF loss of Eq. 4 and three ways to compute it."""

from segmenter.crf.loss import BACKENDS, dense_crf_loss

__all__ = ["BACKENDS", "dense_crf_loss"]
