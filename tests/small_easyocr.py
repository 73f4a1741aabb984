"""A small network in the layout of EasyOCR's files, and EasyOCR's own steps from a crop to its input."""

from __future__ import annotations

import math
from collections import OrderedDict

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from recognizers.dtrb import VggBiLstmCtc
from recognizers.families.easyocr import EASYOCR, character_tables


def easyocr_state(name: str = "english_g2", *, seed: int = 0) -> OrderedDict[str, Tensor]:
    """Return the tensors of a small network as EasyOCR saves one of that name: in DataParallel, BatchNorm's alive."""
    torch.manual_seed(seed)
    charset = character_tables()[name]
    network = VggBiLstmCtc(charset=charset, input_spec=EASYOCR, widths=(32, 4, 4, 4, 6, 6, 8), hidden=8)
    network.train()
    network(torch.rand(8, 1, 64, 128) * 2 - 1)
    with torch.no_grad():
        for parameter in (*network.SequenceModeling.parameters(), *network.Prediction.parameters()):
            parameter.normal_(0, 1) if parameter.ndim == 2 else parameter.zero_()
    return OrderedDict((f"module.{key}", tensor) for key, tensor in network.state_dict().items())


def easyocr_input(crop: np.ndarray) -> Tensor:
    """Return (1, 1, 64, W): what the steps of EasyOCR 1.7.2 make of an RGB crop (`get_image_list`, `AlignCollate`)."""
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    height, width = grey.shape
    ratio = width / height
    if ratio < 1:
        ratio = 1.0 / ratio
        grey = cv2.resize(grey, (64, int(64 * ratio)), interpolation=cv2.INTER_LINEAR)
    else:
        grey = cv2.resize(grey, (int(64 * ratio), 64), interpolation=cv2.INTER_LINEAR)
    whole = math.ceil(ratio) * 64
    own = min(whole, math.ceil(64 * (grey.shape[1] / grey.shape[0])))
    resized = np.asarray(Image.fromarray(grey).resize((own, 64), Image.Resampling.BICUBIC))
    padded = np.concatenate((resized, np.repeat(resized[:, -1:], whole - own, axis=1)), axis=1)
    return torch.from_numpy(padded).float().div(255).sub(0.5).div(0.5)[None, None]
