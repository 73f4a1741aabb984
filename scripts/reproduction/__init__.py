"""The tables and figures of Wang et al., IEEE TIP 2021, from data to a page; `scripts/reproduce.py` runs them."""
