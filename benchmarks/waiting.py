"""What OpenMP's threads do while they wait: spin (the default) or sleep (as labkit sets it).

    python benchmarks/waiting.py [--rounds 3]

A forward and backward pass of the embedded network at 224 x 224, median of 12, alone on the machine and beside
another process that does the same, such as a second open notebook. Ratios are sleep over spin.
"""

import argparse
import os
import statistics
import subprocess
import sys

STEPS = """
import sys, time, torch
from labkit import models
model, photo = models.load(), torch.rand(1, 3, 224, 224, generator=torch.manual_seed(0))
def step():
    start, leaf = time.perf_counter(), photo.clone().requires_grad_()
    model(leaf)[0, 105].backward()
    return time.perf_counter() - start
step()
while len(sys.argv) > 1:
    step()
print(sorted(step() for _ in range(12))[6])
"""


def start(policy: str, *endless: str) -> subprocess.Popen:
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    environment |= {"OMP_WAIT_POLICY": policy} if policy else {}
    return subprocess.Popen(
        [sys.executable, "-c", STEPS, *endless], env=environment, stdout=subprocess.PIPE, text=True
    )


def seconds(policy: str, *, beside: bool) -> float:
    """The median time of a step; beside: while another process keeps all cores busy, too."""
    neighbour = start(policy, "endless") if beside else None
    try:
        return float(start(policy).communicate()[0])
    finally:
        if neighbour is not None:
            neighbour.kill()
            neighbour.communicate()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    for beside in (False, True):
        spin, sleep = (
            statistics.median(seconds(policy, beside=beside) for _ in range(rounds))
            for policy in ("", "PASSIVE")
        )
        where = "beside another process" if beside else "alone"
        print(
            f"{where:24} spin {spin * 1e3:6.0f} ms   sleep {sleep * 1e3:6.0f} ms   ratio {sleep / spin:.2f}"
        )


if __name__ == "__main__":
    main()
