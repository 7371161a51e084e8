"""The exercises, a package a stage and a file an exercise, and how they are asked for in a notebook."""

from labkit.exercises import errors_told
from labkit.exercises.catalogue import exercises, find, stages
from labkit.exercises.notebook import check, hint
from labkit.exercises.own_functions import mine
from labkit.exercises.panel import progress

__all__ = ["check", "exercises", "find", "hint", "mine", "progress", "stages"]

errors_told.explain()
