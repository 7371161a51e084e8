"""What holds for every pytest run here, nbval's kernels included."""

from labkit.threads import wait_politely

wait_politely()
