"""Pixel masks of real words from their transcripts alone: many binarisations, of which those that read right stay."""
