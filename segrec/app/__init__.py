"""The page of `segrec app`: pictures dropped, masked, read and edited in a browser."""
