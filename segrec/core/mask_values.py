"""The values of a mask's pixels, which are (H, W) uint8 everywhere: on, 0 for off, and what lies between."""

ON = 255
"""Text, or inside a region."""

IGNORE = 128
"""Neither text nor background: no loss and no score looks at such a pixel.

In masks with soft edges any other value is the share of the pixel that is text, of 255.
"""
