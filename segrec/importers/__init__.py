"""Original releases of word datasets, each read by a file of its own and written as the field's lmdb."""
