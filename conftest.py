"""What holds for every pytest run here, nbval's kernels included."""

from labkit.threads import set_openmp_wait_policy

set_openmp_wait_policy()
