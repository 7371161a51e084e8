"""How OpenMP's threads wait for each other: spin (the default), sleep, or, as labkit sets it, spin a moment first.

    python benchmarks/waiting.py [--rounds 3]

A forward and backward pass of the embedded network at 224 x 224, median of 12, alone on the machine and beside
another process that does the same, such as a second open notebook. Ratios are to spinning.
"""

import argparse
import os
import statistics
import subprocess
import sys

from labkit.threads import WAITING

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


SETTINGS: dict[str, dict[str, str]] = {
    "spin": {},
    "sleep": {"OMP_WAIT_POLICY": "PASSIVE"},
    "a moment": WAITING,
}


def start(setting: dict[str, str], *endless: str) -> subprocess.Popen:
    kept = {name: value for name, value in os.environ.items() if name not in WAITING}
    return subprocess.Popen(
        [sys.executable, "-c", STEPS, *endless], env=kept | setting, stdout=subprocess.PIPE, text=True
    )


def seconds(setting: dict[str, str], *, beside: bool) -> float:
    """The median time of a step; beside: while another process keeps all cores busy, too."""
    neighbour = start(setting, "endless") if beside else None
    try:
        return float(start(setting).communicate()[0])
    finally:
        if neighbour is not None:
            neighbour.kill()
            neighbour.communicate()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    for beside in (False, True):
        print("beside another process" if beside else "alone")
        found: dict[str, list[float]] = {name: [] for name in SETTINGS}
        for _ in range(rounds):  # in turn, since a shared machine has good and bad minutes
            for name, setting in SETTINGS.items():
                found[name].append(seconds(setting, beside=beside))
        usual = statistics.median(found["spin"])
        for name, times in found.items():
            median = statistics.median(times)
            print(f"    {name:10} {median * 1e3:6.0f} ms   ratio {median / usual:.2f}")


if __name__ == "__main__":
    main()
