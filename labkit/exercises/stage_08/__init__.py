"""Stage 08, adversarial examples: one file an exercise."""

from labkit.checks.exercise import collect

EXERCISES = collect(__name__, __path__)
