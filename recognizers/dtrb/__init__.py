"""The two networks of deep-text-recognition-benchmark (Baek et al., ICCV 2019), with the names of its files."""

from recognizers.dtrb.trba import Trba
from recognizers.dtrb.vgg import VggBiLstmCtc

__all__ = ["Trba", "VggBiLstmCtc"]
