"""The families of public checkpoints, one file each."""

from recognizers.families.family import Family
from recognizers.families.registry import FAMILIES, family_of
from recognizers.families.report import Conversion, LoadReport

__all__ = ["FAMILIES", "Conversion", "Family", "LoadReport", "family_of"]
