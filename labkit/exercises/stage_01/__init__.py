"""Stage 01, first-layer filters: one file an exercise."""

from labkit.checks.exercise import collect

EXERCISES = collect(__name__, __path__)
