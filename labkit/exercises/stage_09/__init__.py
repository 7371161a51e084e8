"""Stage 09, planted truth: one file an exercise."""

from labkit.checks.exercise import collect

EXERCISES = collect(__name__, __path__)
