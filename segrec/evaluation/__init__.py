"""Scores of recognizers and segmenters, and what masks gain, with intervals over words and seeds."""
