"""Exercises and how answers to them are judged: one file a stage, and the machinery they share."""

from labkit.checks.notebook import check, hint

__all__ = ["check", "hint"]
