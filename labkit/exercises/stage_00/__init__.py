"""Stage 00, fully convolutional networks and YOLO's grid: one file an exercise."""

from labkit.checks.exercise import collect

EXERCISES = collect(__name__, __path__)
