"""The jobs that the commands and the Python API run."""
