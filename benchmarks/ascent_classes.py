"""How many classes does gradient ascent reach, and what do the regularisers do to the images?

    python benchmarks/ascent_classes.py                    ten classes, 128 steps, three seeds
    python benchmarks/ascent_classes.py --random 40        and as many others, drawn at random

An image counts if, rounded to 8 bits and scored as it is, its class has probability 0.9; looked at every 8 steps.
Total variation is a share of that without a regulariser, the plain ascent that a user would otherwise take.
"""

import argparse
import time
from statistics import median

import torch

from labkit import models
from labkit.methods import ascent

TEN = (
    "flamingo", "zebra", "daisy", "bald eagle", "strawberry",
    "tiger", "monarch", "jack-o'-lantern", "pineapple", "goldfinch",
)  # fmt: skip
THREE = ["flamingo", "zebra", "daisy"]
REGULARISED = {  # name: (rate, weight of the L2 term, regularisers); Yosinski et al. 2015, Table 1
    "none": (0.01, 0.0, ()),
    "L2 term 0.1": (0.01, 0.1, ()),
    "a: blur 0.5, clip 50 % by norm": (0.02, 0.0, (ascent.blur(0.5), ascent.clip_norm(50))),
    "b: decay 0.3, clip 20 % by norm": (0.05, 0.0, (ascent.decay(0.3), ascent.clip_norm(20))),
    "c: decay 0.0001, blur 1.0": (0.03, 0.0, (ascent.decay(1e-4), ascent.blur(1.0))),
    "d: blur 0.5, clip 90 % by contribution": (0.04, 0.0, (ascent.blur(0.5), ascent.clip_contribution(90))),
}


def first_steps(model: models.Classifier, names: list[str], *, size: int, steps: int, seed: int) -> list[int]:
    """The first step at which each class has 0.9 as a file; steps + 1 where none has. Prints the last ones."""
    began, sure = time.perf_counter(), []
    for frame in ascent.ascend(ascent.logit(model, names), size=size, steps=steps, seed=seed):
        if frame.step % 8 == 0:
            sure.append(ascent.rescore(model, frame.images, names) >= 0.9)
    took = time.perf_counter() - began
    reached = torch.stack(sure)
    first = [int(column.int().argmax() + 1) * 8 if column.any() else steps + 1 for column in reached.T]
    late = [name for name, step in zip(names, first, strict=True) if step > steps]
    print(
        f"seed {seed}: {int(reached.any(dim=0).sum())} of {len(names)} reach 0.9 within {steps} steps, "
        f"{int(reached[-1].sum())} have it at the end; median step {median(first)}; "
        f"{1000 * took / steps / len(names):.0f} ms a step and image"
        + (f"; not: {', '.join(late)}" if late else "")
    )
    return first


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
            rule=ascent.normalised(rate),
            regularisers=regularisers,
        )
        rough = ascent.roughness(made).mean().item()
        plain = plain or rough
        sure = ", ".join(f"{value:.2f}" for value in ascent.rescore(model, made, THREE))
        print(f"{name:40} {rough:.3f} {rough / plain:5.0%}   probabilities {sure}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", type=int, default=144)
    parser.add_argument("--steps", type=int, default=128)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--random", type=int, default=0, help="further classes, drawn at random")
    given = parser.parse_args()
    model = models.load()
    print(f"{torch.get_num_threads()} threads, {given.size} pixels, Fourier, Adam 0.05")
    for seed in range(given.seeds):
        first_steps(model, list(TEN), size=given.size, steps=given.steps, seed=seed)
    order = torch.randperm(len(model.categories), generator=torch.Generator().manual_seed(0)).tolist()
    drawn = [model.categories[index] for index in order[: given.random]]
    drawn = [name for name in drawn if [c.lower() for c in model.categories].count(name.lower()) == 1]
    for start in range(0, len(drawn), 10):
        first_steps(model, drawn[start : start + 10], size=given.size, steps=given.steps, seed=0)
    roughness(model, size=128, steps=64)


if __name__ == "__main__":
    main()
