"""Masks of words: the store on disk, and the sources that a recognizer's masks come from."""
