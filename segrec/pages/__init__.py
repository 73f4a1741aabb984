"""Photographs as pages: words found, ordered, turned upright and edited."""
