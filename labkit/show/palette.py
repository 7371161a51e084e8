"""The figures' colours: mid tones, which can be read on a white page and on a nearly black one.

Each has a contrast of at least 3.6 to both #ffffff and #1e1e1e (tests/test_plots.py measures it), FAINT less.
"""

INK = "#797979"  # text and axes
FAINT = "#9a9a9a80"  # rules and grids, half transparent
BLUE = "#3b78d8"
ORANGE = "#c4620f"
PURPLE = "#9365d4"
GREEN = "#2a8745"
RED = "#d64550"
ON_PHOTOS = (BLUE, ORANGE, PURPLE, GREEN, RED)  # grey would not be seen on a grey photo
HUES = (*ON_PHOTOS, INK)
RIGHT, WRONG = GREEN, RED
DASHES = ("-", "--", "-.", ":")  # lines that differ without their colours, too
