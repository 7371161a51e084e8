"""Does an image that fools one embedded network fool the other? python benchmarks/transfer.py

20 photos towards koala, schooner and iPod each, by targeted PGD within epsilon: for one network, for the other, for
both at once, and, as a control, each change at random places of its photo. Then the same photos pushed away from
what the network saw, towards nothing in particular. Some ten minutes on two cores; --photos 5 takes a fourth of it.
"""

import argparse

import torch
from torch import Tensor

from labkit import images, models
from labkit.methods import adversarial, robustness

TARGETS = ("koala", "schooner", "iPod")
STEPS = 10
BATCH = 6  # images at a time, which bounds the memory


def attacked(networks, photos: Tensor, labels: Tensor, *, epsilon: float, targeted: bool) -> Tensor:
    """PGD from the photos themselves, a few at a time."""
    budget = {"epsilon": epsilon, "steps": STEPS, "targeted": targeted, "seed": None}
    batches = zip(photos.split(BATCH), labels.split(BATCH), strict=True)
    return torch.cat([adversarial.pgd(networks, batch, wanted, **budget) for batch, wanted in batches])


def row(name: str, networks: dict, photos: Tensor, changed: Tensor, targets: Tensor) -> None:
    """Print one line of the table: sizes of the change, and for each network how many read as what."""
    cells = []
    for network in networks.values():
        shares = robustness.outcome(network, photos, changed, targets)
        cells += [f"{round(share * len(photos))} of {len(photos)}" for share in shares.values()]
    size = adversarial.rms(changed - photos).median().item()
    largest = 255 * (changed - photos).abs().max().item()
    print(f"| {name} | {size:.4f} | {largest:.2f}/255 | {' | '.join(cells)} |", flush=True)


def table(networks: dict[str, models.Classifier], photos: Tensor, epsilon: float) -> None:
    print(f"\nepsilon {255 * epsilon:g}/255, {STEPS} steps of {2.5 * epsilon * 255 / STEPS:g}/255\n")
    heads = [f"{name}: {what}" for name in networks for what in ("the target", "as before")]
    print(f"| made for | median r.m.s. | largest change | {' | '.join(heads)} |")
    print("|---|---|---|" + "---|" * len(heads))
    sources = photos.repeat_interleave(len(TARGETS), dim=0)
    first = next(iter(networks.values()))
    wanted = torch.tensor([first.index_of(name) for name in TARGETS]).repeat(len(photos))
    for name, network in (networks | {"both": list(networks.values())}).items():
        changed = attacked(network, sources, wanted, epsilon=epsilon, targeted=True)
        row(name, networks, sources, changed, wanted)
        row(
            f"control: {name}'s, elsewhere", networks, sources, robustness.elsewhere(sources, changed), wanted
        )
    for name, network in networks.items():
        with torch.no_grad():
            seen = network(photos).argmax(dim=1)
        changed = attacked(network, photos, seen, epsilon=epsilon, targeted=False)
        row(f"{name}, away from what it saw", networks, photos, changed, seen)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--photos", type=int, default=20)
    parser.add_argument("--epsilons", type=float, nargs="+", default=(2, 4, 8), help="in 1/255")
    given = parser.parse_args()
    networks = {name: models.load(name) for name in models.EMBEDDED}
    bank = images.photos()
    for epsilon in given.epsilons:
        table(networks, bank.images[bank.labels >= 0][: given.photos], epsilon / 255)


if __name__ == "__main__":
    main()
