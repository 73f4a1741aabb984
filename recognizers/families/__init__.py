"""The families of public checkpoints, one file each."""

from recognizers.families.family import Family, LoadReport
from recognizers.families.registry import FAMILIES, family_of

__all__ = ["FAMILIES", "Family", "LoadReport", "family_of"]
