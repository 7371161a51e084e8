"""How long each solution notebook takes, cold and warm: python benchmarks/notebooks.py [STAGE …]

Cold is a new kernel, its start and all imports included; warm is the whole notebook once more in the same kernel,
where libraries, networks and photos are read already. Wall time, once each; written into benchmarks/RESULTS.md.
"""

import argparse
import os
import time
from pathlib import Path

import nbformat
import torch
from nbclient import NotebookClient
from timing import machine, table, write_section

SOLUTIONS = Path(__file__).resolve().parents[1] / "solutions"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("stages", nargs="*", help="such as 05; all unless named")
    asked = parser.parse_args().stages
    os.environ["OMP_NUM_THREADS"] = "1"  # of the kernels
    torch.set_num_threads(1)
    rows = []
    for path in sorted(SOLUTIONS.glob("[0-9][0-9]_*.ipynb")):
        if not asked or path.name[:2] in asked:
            cold, warm = seconds(path)
            rows.append([path.stem, f"{cold:.1f}", f"{warm:.1f}"])
            print("  ".join(rows[-1]), flush=True)
    lines = table(["notebook", "cold, s", "warm, s"], rows)
    facts = f"{machine()} Wall time, once each; cold with the kernel's start and all imports."
    write_section("Notebooks, from the first cell to the last", f"{facts}\n\n{lines}")


def seconds(path: Path) -> tuple[float, float]:
    """Of a first and of a second run in one kernel."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(path.parent)}})
    begun = time.perf_counter()
    with client.setup_kernel():
        run(client)
        first = time.perf_counter()
        run(client)
        return first - begun, time.perf_counter() - first


def run(client: NotebookClient) -> None:
    """All cells, in order."""
    for number, cell in enumerate(client.nb.cells):
        client.execute_cell(cell, number)


if __name__ == "__main__":
    main()
