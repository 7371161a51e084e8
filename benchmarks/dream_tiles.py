"""Memory and time of the gradient of a large photo, in tiles and in one piece.

    python benchmarks/dream_tiles.py                     a photo of 2000 × 1500
    python benchmarks/dream_tiles.py --size 1000 750

Each way runs in a process of its own, so that its peak is its own. The last lines say how far the tiles'
gradient is from the whole image's, margin by margin, on a photo small enough for both.
"""

import argparse
import resource
import subprocess
import sys
import time

import torch

from labkit import images, models
from labkit.methods import dream

NETWORK, LAYER = "efficientnet_lite0", "blocks.4"
WHOLE = 2**20  # a tile as large as that is the whole image


def photo(width: int, height: int) -> torch.Tensor:
    flower = images.photos(size=448)["flower"]
    return dream.resize(flower, (height, width))


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def measure(tile: int, margin: int, width: int, height: int) -> None:
    """Print one line: what a gradient took on top of the network and the photo."""
    model, image = models.load(NETWORK), photo(width, height)
    before, began = peak_mb(), time.perf_counter()
    dream.tiled_gradient(dream.activation_norm(model, LAYER), image, tile=tile, margin=margin)
    took = time.perf_counter() - began
    name = "in one piece" if tile == WHOLE else f"tiles of {tile}, margin {margin}"
    print(
        f"{width} × {height}, {name:<26} peak {peak_mb():6.0f} MB ({before:.0f} before), {took:5.1f} s a step"
    )


def agreement() -> None:
    model, image = models.load(NETWORK), photo(512, 512)
    objective = dream.activation_norm(model, LAYER)
    whole, _ = dream.tiled_gradient(objective, image, tile=WHOLE)
    for margin in (0, 32, 64, 128, 256):
        tiled, _ = dream.tiled_gradient(objective, image, tile=256, margin=margin)
        off = (tiled - whole).abs().mean() / whole.abs().mean()
        alike = torch.cosine_similarity(tiled.flatten(), whole.flatten(), dim=0)
        print(
            f"512 × 512, tiles of 256, margin {margin:>3}: off by {off:.1%} of the mean, cosine {alike:.4f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", type=int, nargs=2, default=(2000, 1500), metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--one", type=int, nargs=2, metavar=("TILE", "MARGIN"), help="this one, here")
    given = parser.parse_args()
    if given.one:
        return measure(*given.one, *given.size)
    width, height = given.size
    for tile, margin, size in (
        (512, 64, (width // 2, height // 2)),
        (512, 64, (width, height)),
        (256, 64, (width, height)),
        (WHOLE, 0, (width // 2, height // 2)),
        (WHOLE, 0, (width, height)),
    ):
        command = [sys.executable, __file__, "--one", str(tile), str(margin), "--size", *map(str, size)]
        if subprocess.run(command).returncode:
            print(f"{size[0]} × {size[1]}, tile {tile}: failed (out of memory?)")
    return agreement()


if __name__ == "__main__":
    main()
