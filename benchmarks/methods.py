"""Each method against what a user would else take, and against the bare passes of the same network and batch.

    python benchmarks/methods.py                          both embedded networks, batches of 8, seven rounds
    python benchmarks/methods.py --batch 1
    python benchmarks/methods.py --growth                 top patches of 100, 1,000 and 10,000 images instead

One thread. All ways of a row run in turn. Prints a table, and writes it into benchmarks/RESULTS.md; --only leaves that.
Libraries that are not installed are left out: captum and foolbox come with the lab, torchattacks does not.
"""

import argparse
import subprocess
import sys
import time
from resource import RUSAGE_CHILDREN, getrusage

import torch
from timing import in_turn, machine, ratio, table, write_section
from ways import Bench, Row

from labkit import images, models
from labkit.methods import filters

HEAD = ["method", "ours, ms", "peer", "ours / peer", "ours / bare passes"]
NOTE = """Ratios below 1 mean that the lab is faster. A ratio is taken in each round, of processor time; given are
the median and, in brackets, the middle half of the rounds. Peers run a plain network as its library gives it; the bare
passes are those of the lab's own network (frozen, channels_last) without the lab."""


def main() -> None:
    asked = options()
    torch.set_num_threads(1)
    if asked.growth:
        growth(asked)
        return
    for network in asked.networks:
        bench = Bench(network, asked.batch, asked.images, asked.side)
        rows = [
            line for row in bench.rows() if asked.only in row.name for line in measured(row, asked.rounds)
        ]
        if not asked.only:
            facts = f"{machine()} {asked.rounds} rounds; batches of {asked.batch} photos of 224 × 224."
            write_section(f"Methods on {network}", f"{facts}\n\n{NOTE}\n\n{table(HEAD, rows)}")
    if not asked.only:
        text = f"{machine()} {asked.rounds} rounds.\n\n{grown(asked.rounds)}\n\n{imports(asked.rounds)}"
        write_section("Filters and imports", text)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--networks", nargs="+", choices=models.EMBEDDED, default=models.EMBEDDED[::-1])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--images", type=int, default=1000, help="of the top patches")
    parser.add_argument("--side", type=int, default=128, help="of those images, in pixels")
    parser.add_argument("--growth", action="store_true", help="top patches of more and more images")
    parser.add_argument("--only", default="", help="methods with this in their name; nothing is written")
    return parser.parse_args()


def measured(row: Row, rounds: int) -> list[list[str]]:
    """Lines of the table: one for each peer, the fastest first."""
    times = in_turn({"ours": row.ours, "bare": row.bare, **row.peers}, rounds=rounds)
    ours = times["ours"]
    bare = ratio(ours, times["bare"], parts=row.parts)
    beside = {name: ratio(ours, times[name]) for name in row.peers}
    lines = [
        [row.name, f"{1000 * sorted(ours)[len(ours) // 2]:.0f}", name, str(found), str(bare)]
        for name, found in sorted(beside.items(), key=lambda item: -item[1].middle)
    ] or [[row.name, f"{1000 * sorted(ours)[len(ours) // 2]:.0f}", "", "", str(bare)]]
    for line in lines:
        print("   ".join(line), flush=True)
    return lines


def growth(asked: argparse.Namespace) -> None:
    """Top patches of more and more images of the first network; written into RESULTS.md."""
    rows = []
    for count in (100, 1000, 10_000):
        bench = Bench(asked.networks[0], asked.batch, count, asked.side)
        rounds = asked.rounds if count < 10_000 else min(asked.rounds, 3)
        row = next(row for row in bench.looking_rows() if row.peers)
        for ours, peer_, beside, bare in (line[1:] for line in measured(row, rounds)):
            rows.append([f"{count:,}", str(rounds), f"{float(ours) / count:.1f}", peer_, beside, bare])
    head = ["images", "rounds", "ours, ms an image", *HEAD[2:]]
    facts = f"{machine()} {asked.networks[0]}, images of {asked.side} × {asked.side}, 64 channels."
    write_section("Top patches, growth", f"{facts}\n\n{table(head, rows)}")


def grown(rounds: int) -> str:
    """Filters out of patches, against scikit-learn's dictionary on the same patches."""
    from sklearn.decomposition import MiniBatchDictionaryLearning

    bank = images.photos()

    def theirs() -> None:
        cut = filters.random_patches(bank.images, count=20_000, size=11)
        white = filters.zca_whiten(filters.normalize_contrast(cut))
        MiniBatchDictionaryLearning(64, max_iter=2, batch_size=256, random_state=0).fit(white.numpy())

    ours = lambda: filters.learn_filters(bank.images, patches=20_000)
    times = in_turn({"ours": ours, "theirs": theirs}, rounds=rounds)
    found = (
        f"{ratio(times['ours'], times['theirs'])} × the time of scikit-learn's `MiniBatchDictionaryLearning`"
    )
    text = (
        f"64 filters of 11 × 11 out of 20,000 patches, 20 rounds of k-means: {found} (two passes over them)."
    )
    print(text, flush=True)
    return text


def imports(rounds: int) -> str:
    """How long importing takes, each time in a process of its own."""
    names = ["torch", "labkit", "captum.attr", "foolbox"]
    times: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds + 1):
        for name in names:
            began = _of_children()
            subprocess.run([sys.executable, "-c", f"import {name}"], check=False, capture_output=True)
            times[name] += [_of_children() - began] if number else []
    lines = [
        [f"import {name}", f"{1000 * sorted(found)[len(found) // 2]:.0f}", str(ratio(found, times["torch"]))]
        for name, found in times.items()
    ]
    text = table(["", "ms", "/ import torch"], lines)
    print(text, flush=True)
    return text


def _of_children() -> float:
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    began = time.perf_counter()
    main()
    print(f"{time.perf_counter() - began:.0f} s")
