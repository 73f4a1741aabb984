"""Rendered words and scenes with exact text masks and polygons."""
