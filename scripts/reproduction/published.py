"""The figures that the paper printed, in per cent, of TotalText and ICDAR-2013-WARP in this order."""

from __future__ import annotations

from typing import NamedTuple

Pair = tuple[float, float]


class Printed(NamedTuple):
    """A row of a table.

    Attributes:
        key: of the row here, see `reproduction.recipes`.
        label: the method's name in the paper.
        f1, precision, recall: means over images.
        top1: F1 Top-1 rates; None where the table has none.
    """

    key: str
    label: str
    f1: Pair
    precision: Pair
    recall: Pair
    top1: Pair | None = None


_MSER = ((33.3, 43.8), (24.9, 39.4), (72.3, 69.6))
_SYNTH = ((50.0, 59.1), (60.2, 73.9), (52.0, 56.2))
_OURS = ((80.5, 74.5), (83.3, 79.0), (81.6, 77.0))

TABLES: dict[str, tuple[Printed, ...]] = {
    "table2": (
        Printed("mser-swt", "MSER + SWT", *_MSER, (0.67, 3.00)),
        Printed("cenet", "CENet", (60.5, 59.9), (63.1, 62.7), (63.5, 63.7), (0.67, 3.00)),
        Printed("segnet", "SegNet", (72.3, 68.1), (78.7, 75.4), (72.3, 68.8), (4.67, 3.43)),
        Printed("unet", "UNet", (75.3, 70.8), (81.2, 76.8), (75.9, 73.0), (14.0, 18.5)),
        Printed("deeplab-v3", "DeepLab-v3", (54.9, 56.7), (48.1, 52.1), (70.0, 71.2), (1.33, 3.86)),
        Printed("smanet", "SMANet", (77.5, 71.3), (86.6, 74.4), (73.9, 73.8), (28.7, 14.2)),
        Printed("synth-dt", "Ours (Synth+D.T.)", *_SYNTH, (2.33, 15.5)),
        Printed("ours", "Ours", *_OURS, (47.7, 38.6)),
    ),
    "table3a": (
        Printed("mser-swt", "MSER + SWT", *_MSER, (1.67, 3.00)),
        Printed("cenet-exp1", "CENet", (69.5, 65.8), (72.2, 66.0), (71.4, 72.0), (4.67, 4.72)),
        Printed("segnet-exp1", "SegNet", (74.7, 68.9), (76.4, 74.0), (78.4, 70.9), (10.0, 8.15)),
        Printed("unet-exp1", "UNet", (77.1, 70.6), (80.2, 73.1), (78.8, 75.4), (16.7, 13.3)),
        Printed("deeplab-v3-exp1", "DeepLab-v3", (55.1, 56.8), (49.1, 53.1), (69.0, 69.5), (0.67, 1.72)),
        Printed("smanet-exp1", "SMANet", (73.6, 67.8), (75.2, 71.0), (76.2, 71.7), (10.0, 6.87)),
        Printed("synth-dt", "Ours (Synth+D.T.)", *_SYNTH, (2.00, 16.3)),
        Printed("ours", "Ours", *_OURS, (54.3, 45.9)),
    ),
    "table3b": (
        Printed("mser-swt", "MSER + SWT", *_MSER, (1.33, 3.43)),
        Printed("cenet-exp2", "CENet", (63.8, 65.9), (63.9, 67.4), (68.9, 71.0), (2.00, 1.72)),
        Printed("segnet-exp2", "SegNet", (72.2, 69.2), (75.1, 73.4), (74.1, 72.2), (9.67, 3.86)),
        Printed("unet-exp2", "UNet", (73.1, 71.6), (78.1, 77.7), (73.6, 72.4), (11.7, 17.2)),
        Printed("deeplab-v3-exp2", "DeepLab-v3", (53.9, 58.2), (46.5, 52.6), (70.4, 72.4), (1.67, 8.58)),
        Printed("smanet-exp2", "SMANet", (72.0, 67.0), (72.6, 71.8), (75.9, 69.1), (4.67, 3.86)),
        Printed("synth-dt", "Ours (Synth+D.T.)", *_SYNTH, (2.00, 13.7)),
        Printed("ours", "Ours", *_OURS, (67.0, 47.6)),
    ),
    "table4a": (
        Printed("unet", "UNet", (75.3, 70.8), (81.2, 76.8), (75.9, 73.0)),
        Printed("smanet", "SMANet", (77.5, 71.3), (86.6, 74.4), (73.9, 73.8)),
        Printed("alpha-table", "Ours-alpha, as in the table", (79.2, 74.1), (83.6, 79.7), (79.0, 74.6)),
        Printed("alpha-text", "Ours-alpha, as in the text", (79.2, 74.1), (83.6, 79.7), (79.0, 74.6)),
        Printed("beta", "Ours-beta", (79.9, 74.1), (84.7, 79.7), (79.7, 74.9)),
        Printed("gamma", "Ours-gamma", (80.3, 74.4), (82.3, 77.6), (82.1, 77.7)),
        Printed("ours", "Ours", *_OURS),
    ),
}

TITLES = {
    "table2": "Table II: text segmentation",
    "table3a": "Table III(a): Exp-1, polygon pre-training, then pixel masks",
    "table3b": "Table III(b): Exp-2, a branch for polygons",
    "table4a": "Table IV(a): mutual guidance, subset loss and CRF loss",
    "table4b": "Table IV(b): recognition with masks",
}
