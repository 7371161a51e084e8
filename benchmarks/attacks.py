"""How well the attacks do on an embedded network: python benchmarks/attacks.py [--network squeezenet]

Targeted fooling of 20 photos towards koala, schooner and iPod within 40 steps, plain and planned for a file;
PGD beside foolbox's at the same steps, step size and epsilon; and how far any image is outside its box.
Some ten minutes on two cores; --photos 5 takes a fourth of it.
"""

import argparse
from statistics import median

import torch
from torch import Tensor

from labkit import images, models
from labkit.methods import adversarial, robustness

TARGETS = ("koala", "schooner", "iPod")
MOST = 0.012  # root mean square


def fooling(model: models.Classifier, photos: Tensor) -> None:
    print(
        f"{len(photos)} photos × {len(TARGETS)} targets, at most 40 steps, success at a change of {MOST} or less\n"
    )
    print("attack                       succeeded   median change   largest   most steps   survives PNG")
    for name, setting in {
        "plain": {},
        "plain, small steps": {"step_size": 0.0003, "steps": 100},
        "planned for a file": {"eight_bit": True},
        "planned for it, 99 % sure": {"eight_bit": True, "confidence": 0.99},
    }.items():
        sizes, steps, good, kept = [], [], 0, 0
        for photo in photos.split(1):
            for target in TARGETS:
                result = adversarial.fool(model, photo, target, **setting)
                sizes.append(adversarial.rms(result.image - photo).item())
                steps.append(result.steps)
                good += result.succeeded and sizes[-1] <= MOST
                assert 0 <= result.image.min() <= result.image.max() <= 1
                kept += model.top(robustness.png(result.image), k=1)[0][0] == target
        print(
            f"{name:28} {good:4} of {len(sizes)} {median(sizes):13.4f} {max(sizes):12.4f} {max(steps):9} "
            f"{kept:10} of {len(sizes)}",
            flush=True,
        )


def beside_foolbox(model: models.Classifier, photos: Tensor, labels: Tensor) -> None:
    print(
        "\nshare that the network gets right (mean loss); 10 steps of epsilon/4 from the photos themselves\n"
    )
    print("epsilon       FGSM             PGD              foolbox's PGD    outside the box, at most")
    for epsilon in (0.25 / 255, 0.5 / 255, 1 / 255, 2 / 255, 4 / 255):
        budget = {"epsilon": epsilon, "steps": 10, "step_size": epsilon / 4}
        ours = {
            "FGSM": adversarial.fgsm(model, photos, labels, epsilon=epsilon),
            "PGD": adversarial.pgd(model, photos, labels, **budget, seed=None),
        }
        theirs = robustness.foolbox_pgd(model, photos, labels, **budget)
        told = []
        for batch in (*ours.values(), theirs):
            with torch.no_grad():
                logits = model(batch)
            loss = torch.nn.functional.cross_entropy(logits, labels)
            told.append(f"{(logits.argmax(1) == labels).float().mean():4.0%} ({loss:6.3f})")
        outside = max(float((batch - photos).abs().max() - epsilon) for batch in ours.values())
        print(f"{255 * epsilon:4.2f}/255   {'    '.join(told)}   {max(outside, 0):.1e}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--photos", type=int, default=20)
    parser.add_argument("--network", choices=models.EMBEDDED, default="efficientnet_lite0")
    given = parser.parse_args()
    count, model, bank = given.photos, models.load(given.network), images.photos()
    photos, labels = bank.images[bank.labels >= 0][:count], bank.labels[bank.labels >= 0][:count]
    fooling(model, photos)
    beside_foolbox(model, images.fit(photos, 160), labels)


if __name__ == "__main__":
    main()
