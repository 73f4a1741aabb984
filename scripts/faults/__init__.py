"""What `scripts/chaos.py` does to a run, and how it judges what is left."""
