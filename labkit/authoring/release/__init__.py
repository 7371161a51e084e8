"""The handout of a course, and what nbgrader and Gradescope need of it, from the one source of each stage."""

from labkit.authoring.release.planning import COURSE, Plan, plan
from labkit.authoring.release.writing import Released, release

__all__ = ["COURSE", "Plan", "Released", "plan", "release"]
