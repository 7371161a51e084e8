"""How PyTorch's threads wait for each other, which decides how two programs share a machine."""

import os

WAITING = {
    "OMP_WAIT_POLICY": "PASSIVE",  # every OpenMP
    "GOMP_SPINCOUNT": "5000",  # GNU's, which PyTorch brings on Linux
}


def set_openmp_wait_policy() -> None:
    """Let threads that wait spin for some microseconds, then sleep; unless the user has said otherwise.

    Those that only spin, the default, hold up every other program, such as a second notebook; those that sleep
    at once hold up themselves (benchmarks/waiting.py). PyTorch reads this once, so call it before torch is
    imported; processes that are started from here, such as a notebook's kernel, inherit it.
    """
    for name, value in WAITING.items():
        os.environ.setdefault(name, value)
