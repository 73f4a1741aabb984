"""ASTER: a rectifier, a residual network with two LSTMs, and an attention decoder (Shi et al., TPAMI 2019)."""

from recognizers.aster.decoder import GruDecoder
from recognizers.aster.encoder import Encoder
from recognizers.aster.model import Aster, aster_slim
from recognizers.aster.rectifier import Localiser, Rectifier

__all__ = ["Aster", "Encoder", "GruDecoder", "Localiser", "Rectifier", "aster_slim"]
