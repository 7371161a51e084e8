"""Mutants of the reference answers: made, tried, and counted. The command is benchmarks/mutants.py."""
