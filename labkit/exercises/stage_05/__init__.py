"""Stage 05, gradients, deconvnet and guided backprop: one file an exercise."""

from labkit.checks.exercise import collect

EXERCISES = collect(__name__, __path__)
