"""What one submission may cost."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds for one submission.

    cell_timeout_s: a cell; a check gets half of it
    timeout_s:      everything, running again without a cell that hangs included
    memory_mb:      each of its processes, and twice that all of them together
    processes:      at one time
    files_mb:       what it may leave in its folder
    again:          how often it is run again without a cell that hangs or ends the kernel
    """

    cell_timeout_s: float = 60
    timeout_s: float = 600
    memory_mb: int = 6144
    processes: int = 256
    files_mb: int = 1024
    again: int = 4


USUAL = Limits()
