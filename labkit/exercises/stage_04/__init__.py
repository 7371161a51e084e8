"""Stage 04, maximally activating patches: one file an exercise."""

from labkit.checks.exercise import collect

EXERCISES = collect(__name__, __path__)
