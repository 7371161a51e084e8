"""How much memory top_patches takes over many images, and whether a sample of it equals brute force.

    python benchmarks/patches_memory.py                  10,000 images of 224 × 224
    python benchmarks/patches_memory.py --images 1000

The images are the embedded photos, over and over, each time flipped or not and with fresh noise. They are
made one at a time; held all at once, 10,000 of them would take 5.6 GB.
"""

import argparse
import resource
import sys
import time

import torch
from timing import machine, table, write_section
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from labkit import images, models
from labkit.hooks import recording
from labkit.methods import patches

LAYER, CHANNELS = "blocks.2.1.bn1.drop", range(240)


class Noisy(Dataset):
    """The same photos over and over, each time flipped or not, with noise of its own."""

    def __init__(self, bank: Tensor, count: int):
        self.bank, self.count = bank, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> Tensor:
        generator = torch.Generator().manual_seed(number)
        image = self.bank[number % len(self.bank)]
        image = image.flip(2) if number // len(self.bank) % 2 else image
        return (image + 0.1 * torch.randn(image.shape, generator=generator)).clamp(0, 1)


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def brute_force_differs(model: models.Classifier, bank: Tensor, count: int) -> int:
    """Of all channels' nine best among the first `count` images, how many differ from sorting everything."""
    everything = []
    for batch in DataLoader(Noisy(bank, count), batch_size=8):
        with torch.no_grad(), recording(model.net, LAYER) as seen:
            model(batch)
        everything.append(seen[LAYER].amax(dim=(2, 3)))
    values, numbers = torch.cat(everything).T.sort(dim=1, descending=True, stable=True)
    top = patches.top_patches(model, Noisy(bank, count), LAYER, CHANNELS)
    return int(((top.images != numbers[:, :9]) | (top.values != values[:, :9])).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--sample", type=int, default=200, help="images of the comparison with brute force")
    given = parser.parse_args()
    model, bank = models.load(), images.photos().images
    rows = [["0", f"{peak_mb():.0f}", "", ""]]
    for count in (max(given.images // 10, 10), given.images):
        began = time.perf_counter()
        top = patches.top_patches(model, Noisy(bank, count), LAYER, CHANNELS)
        took = time.perf_counter() - began
        kept = sum(crop.nbytes for row in top.patches for crop in row) / 2**20
        rows.append([f"{count:,}", f"{peak_mb():.0f}", f"{kept:.1f}", f"{1000 * took / count:.0f}"])
    lines = table(["images", "MB at most", "of these patches, MB", "ms an image"], rows)
    print(lines)
    differ = brute_force_differs(model, bank, given.sample)
    facts = (
        f"{machine()} All {len(CHANNELS)} channels of {LAYER} in {model.name}, images of 224 × 224, once each. With 0 "
        f"images: torch, the network and {len(bank)} photos. Of {given.sample} images, {differ} of the patches differ "
        "from those of brute force."
    )
    write_section("Top patches, memory", f"{facts}\n\n{lines}")


if __name__ == "__main__":
    main()
