"""How many classes does gradient ascent reach, how vivid are the images, and what do the regularisers do to them?

    python benchmarks/ascent_classes.py                    stage 06's ten classes, 128 steps, three seeds
    python benchmarks/ascent_classes.py --random 40        and as many others, drawn at random
    python benchmarks/ascent_classes.py --network efficientnet_lite0

An image counts if, rounded to 8 bits and scored as it is, its class has probability 0.9; looked at every 8 steps.
Saturation is HSV's, light the standard deviation of the luminance. And does another network know the images?
Total variation is a share of that without a regulariser, the plain ascent that a user would otherwise take.
"""

import argparse
import time
from statistics import median

import torch

from labkit import models
from labkit.images import to_8_bit
from labkit.methods import ascent

TEN = (
    "flamingo", "zebra", "pineapple", "goldfish", "school bus",
    "red fox", "African elephant", "tiger", "tree frog", "king penguin",
)  # fmt: skip
THREE = ["flamingo", "zebra", "daisy"]
REGULARISED = {  # name: (rate, weight of the L2 term, regularisers); Yosinski et al. 2015, Table 1
    "none": (0.01, 0.0, ()),
    "L2 term 0.1": (0.01, 0.1, ()),
    "a: blur 0.5, clip 50 % by norm": (0.03, 0.0, (ascent.blur(0.5), ascent.clip_norm(50))),
    "b: decay 0.3, clip 20 % by norm": (0.045, 0.0, (ascent.decay(0.3), ascent.clip_norm(20))),
    "c: decay 0.0001, blur 1.0": (0.03, 0.0, (ascent.decay(1e-4), ascent.blur(1.0))),
    "d: blur 0.5, clip 90 % by contribution": (0.015, 0.0, (ascent.blur(0.5), ascent.clip_contribution(90))),
}


NATURAL = {"transforms": (*ascent.ROBUST, ascent.tint), "rule": ascent.adam(0.08)}


def vividness(images: torch.Tensor) -> tuple[float, float]:
    """Mean saturation, and mean standard deviation of the luminance, of images (N, 3, H, W) as files."""
    images = to_8_bit(images)
    most, least = images.amax(dim=1), images.amin(dim=1)
    light = torch.einsum("c,nchw->nhw", torch.tensor([0.299, 0.587, 0.114]), images)
    return ((most - least) / most.clamp(min=1e-6)).mean().item(), light.flatten(1).std(dim=1).mean().item()


def known_to(other: models.Classifier, images: torch.Tensor, names: list[str]) -> tuple[int, int]:
    """How many of the images another network names right at once, and among its five best."""
    right = torch.tensor([other.index_of(name) for name in names])
    with torch.no_grad():
        hits = other(to_8_bit(images)).topk(5).indices == right[:, None]
    return int(hits[:, 0].sum()), int(hits.sum())


def first_steps(
    model: models.Classifier, other: models.Classifier, names: list[str], *, size: int, steps: int, seed: int
) -> None:
    """The first step at which each class has 0.9 as a file, and what the last images are like."""
    began, sure = time.perf_counter(), []
    for frame in ascent.ascend(ascent.logit(model, names), size=size, steps=steps, seed=seed, **NATURAL):
        if frame.step % 8 == 0:
            sure.append(ascent.rescore(model, frame.images, names) >= 0.9)
    took = time.perf_counter() - began
    reached = torch.stack(sure)
    first = [int(column.int().argmax() + 1) * 8 if column.any() else steps + 1 for column in reached.T]
    late = [name for name, step in zip(names, first, strict=True) if step > steps]
    saturation, light = vividness(frame.images)
    at_once, among_five = known_to(other, frame.images, names)
    print(
        f"seed {seed}: {int(reached.any(dim=0).sum())} of {len(names)} reach 0.9 within {steps} steps, "
        f"{int(reached[-1].sum())} have it at the end; median step {median(first)}; "
        f"saturation {saturation:.2f}, light {light:.2f}; {other.name} names {at_once}, {among_five} among five; "
        f"{1000 * took / steps / len(names):.0f} ms a step and image"
        + (f"; not: {', '.join(late)}" if late else "")
    )


def roughness(model: models.Classifier, *, size: int, steps: int) -> None:
    plain = None
    print("\ntotal variation, mean of", ", ".join(THREE))
    for name, (rate, weight, regularisers) in REGULARISED.items():
        made = ascent.maximize(
            ascent.logit(model, THREE) - weight * ascent.l2(),
            size=size,
            steps=steps,
            parameterisation=ascent.PIXELS,
            transforms=(ascent.jitter(8),),
            rule=ascent.normalised_steps(rate),
            regularisers=regularisers,
        )
        rough = ascent.roughness(made).mean().item()
        plain = plain or rough
        sure = ", ".join(f"{value:.2f}" for value in ascent.rescore(model, made, THREE))
        print(f"{name:40} {rough:.3f} {rough / plain:5.0%}   probabilities {sure}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--network", choices=models.EMBEDDED, default="squeezenet")
    parser.add_argument("--size", type=int, default=176)
    parser.add_argument("--steps", type=int, default=128)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--random", type=int, default=0, help="further classes, drawn at random")
    given = parser.parse_args()
    model = models.load(given.network)
    other = models.load(next(name for name in models.EMBEDDED if name != given.network))
    print(f"{given.network}, {torch.get_num_threads()} threads, {given.size} pixels, Fourier, Adam 0.08")
    for seed in range(given.seeds):
        first_steps(model, other, list(TEN), size=given.size, steps=given.steps, seed=seed)
    order = torch.randperm(len(model.categories), generator=torch.Generator().manual_seed(0)).tolist()
    drawn = [model.categories[index] for index in order[: given.random]]
    drawn = [name for name in drawn if [c.lower() for c in model.categories].count(name.lower()) == 1]
    for start in range(0, len(drawn), 10):
        first_steps(model, other, drawn[start : start + 10], size=given.size, steps=given.steps, seed=0)
    roughness(model, size=128, steps=64)


if __name__ == "__main__":
    main()
