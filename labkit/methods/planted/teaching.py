"""The tiny network, taught in seconds."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labkit.arguments import expect_tensor, expect_whole, seeded
from labkit.errors import LabError
from labkit.images import expect_images
from labkit.kernel import in_usual_numbers
from labkit.models import Classifier

CATEGORIES = ("plain", "marked")
LAYER = "4"  # the name of the last ReLU, whose maps the last pooling sees
_GREY, _SPREAD = 0.45, 0.25  # about what photos have


@in_usual_numbers
@torch.enable_grad()
def teach(
    images: Tensor, labels: Tensor, *, steps: int = 120, seed: int = 0, name: str = "taught"
) -> Classifier:
    """A network of 2,386 weights that tells images with a mark from those without.

    Adam on 64 images a step, at random; the rate climbs for a while and then falls to 0 (Smith & Topin 2019).

    images:  (N, 3, H, W) in 0..1;  labels: (N,) int64, 1 for "marked" and 0 for "plain"
    seed:    of its first weights and of the order; the same seed, the same network
    Raises:  LabError for images out of range, and for labels that are not of both kinds
    """
    steps = expect_whole("steps", steps, 1)
    expect_images(images)
    expect_tensor("images", images, "N 3 H W", of="floats of 32 or 64 bits")
    expect_whole("the smaller side of images", min(images.shape[2:]), 16)
    _expect_both_kinds(labels, len(images))
    net = _tiny(seed).to(images)
    optimizer = torch.optim.Adam(net.parameters())
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.015, total_steps=steps)
    generator = seeded(seed)
    inputs, labels = (images.detach() - _GREY) / _SPREAD, labels.to(images.device).clone()
    for _ in range(steps):
        some = torch.randint(len(inputs), (64,), generator=generator).to(inputs.device)
        optimizer.zero_grad()
        F.cross_entropy(net(inputs[some]), labels[some]).backward()
        optimizer.step()
        rate.step()
    return _classifier(net, name, images.shape[-1])


def untaught(*, seed: int = 0, size: int = 48, device: str | torch.device = "cpu") -> Classifier:
    """The same network as `teach` begins with: the control. size: of the images that it is meant for"""
    return _classifier(_tiny(seed).to(device), "untrained", expect_whole("size", size, 16), weights=None)


@in_usual_numbers
def _tiny(seed: int) -> nn.Sequential:
    seed = expect_whole("seed", seed, 0, 2**63 - 1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            *(nn.Conv2d(3, 8, 7, padding=3), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU()),
            *(nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(16, len(CATEGORIES))),
        )


def _classifier(net: nn.Module, name: str, size: int, *, weights: str | None = "planted") -> Classifier:
    how = {"mean": [_GREY] * 3, "std": [_SPREAD] * 3, "input_size": size, "weights": weights}
    return Classifier(net, name=name, categories=CATEGORIES, **how)  # type: ignore[arg-type]


def _expect_both_kinds(labels: Tensor, count: int) -> None:
    expect_tensor("labels", labels, "N", of=torch.int64, N=count, mend="a label for each image")
    if set(labels.unique().tolist()) != {0, 1}:
        raise LabError(
            f"expected labels 0 and 1, both occurring, got {labels.unique().tolist()[:5]}; try planted(…).labels(…)"
        )
