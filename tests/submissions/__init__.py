"""Submissions that are right, faulty, odd and hostile, made by code, each with the states that it deserves.

All run in a kernel of their own. Those that cannot touch each other also come bundled, which is as strict and faster.
"""

from functools import cache

from submissions import editors, functions, kernels

SUBMISSIONS = {**editors.SINGLE, **functions.SINGLE, **kernels.SINGLE}
assert len(SUBMISSIONS) == len(editors.SINGLE) + len(functions.SINGLE) + len(kernels.SINGLE)


@cache
def runs():
    """All submissions in as few runs as they allow: (names, submission)."""
    bundles = [*functions.bundles(), *kernels.BUNDLES]
    bundled = {name for names, _ in bundles for name in names}
    return [*bundles, *(((name,), s) for name, s in SUBMISSIONS.items() if name not in bundled)]
