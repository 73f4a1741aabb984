"""Original releases of word datasets, each read by a file of its own and written in the standard LMDB layout."""
