"""Running a submission where it can do no harm: its cells between the released ones, in a sandbox, with nbval."""

from labkit.grading.executing.fingerprint import package_fingerprint
from labkit.grading.executing.limits import Limits
from labkit.grading.executing.passes import get_ready
from labkit.grading.executing.running import Executed, execute
from labkit.grading.executing.sandbox import isolation, why_not
from labkit.grading.executing.student_side import student_side

__all__ = [
    "Executed",
    "Limits",
    "execute",
    "get_ready",
    "isolation",
    "package_fingerprint",
    "student_side",
    "why_not",
]
