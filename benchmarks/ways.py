"""What benchmarks/methods.py compares: methods of the lab, the same by others, and the bare passes that they need."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from types import ModuleType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labkit import images, models
from labkit.hooks import recording
from labkit.methods import adversarial, ascent, dream, gradients, neighbors, patches

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # one of foolbox's packages looks for git when imported
EPSILON, STEPS = 4 / 255, 3
MAPS = {"efficientnet_lite0": "blocks.2.1.bn1.drop", "squeezenet": "features.6"}


@dataclass
class Row:
    """One method. ours; the same by others; and the bare passes, of which ours needs `parts` times as many."""

    name: str
    ours: Callable[[], object]
    bare: Callable[[], object]
    parts: int = 1
    peers: dict[str, Callable[[], object]] = field(default_factory=dict)


def peer(name: str) -> ModuleType | None:
    """Somebody else's library, if it is here."""
    try:
        return import_module(name)
    except ImportError:
        return None


class Normalised(nn.Module):
    """A network as a user has it: from timm or torchvision, weights as they are, means and deviations before it."""

    def __init__(self, model: models.Classifier):
        super().__init__()
        self.net = models.NETWORKS[model.name].build()
        self.net.load_state_dict(model.net.state_dict())
        self.register_buffer("mean", model.mean.clone())
        self.register_buffer("std", model.std.clone())
        self.eval()

    def forward(self, batch: Tensor) -> Tensor:
        return self.net((batch - self.mean) / self.std)


class Bench:
    """One network, a batch of photos, and the ways that are compared on them."""

    def __init__(self, network: str, batch: int, many: int, side: int):
        self.model, self.many, self.side = models.load(network), many, side
        self.bank = images.photos()
        self.images = self.bank.images[:batch]
        with torch.no_grad():
            self.labels = self.model(self.images).argmax(dim=1)

    @cached_property
    def theirs(self) -> Normalised:
        return Normalised(self.model)

    def bare(self, batch: Tensor) -> Tensor:
        """The lab's network without the lab: in eval mode, frozen, in channels_last."""
        return self.model.net((batch - self.model.mean) / self.model.std)

    def there_and_back(self, batch: Tensor | None = None, change: Callable = lambda x: x) -> Tensor:
        leaf = (self.images if batch is None else batch).clone().requires_grad_()
        logits = self.bare(change(leaf))
        return torch.autograd.grad(logits.gather(1, self.labels[: len(leaf), None]).sum(), leaf)[0]

    def recipe(self, net: nn.Module | None = None) -> Tensor:
        """What most tutorials do."""
        leaf = self.images.clone().requires_grad_()
        (net or self.theirs)(leaf).gather(1, self.labels[:, None]).sum().backward()
        return leaf.grad.abs().amax(dim=1)

    @cached_property
    def hooked(self) -> Normalised:
        """For guided backprop as most tutorials have it: hooks, which take no in-place layers."""
        net = Normalised(self.model)
        for relu in [each for each in net.modules() if isinstance(each, nn.ReLU | nn.ReLU6)]:
            relu.inplace = False
            relu.register_full_backward_hook(lambda _m, grads, _o: (grads[0].clamp(min=0),))
        return net

    def rows(self) -> Iterator[Row]:
        yield from self.gradient_rows()
        yield from self.attack_rows()
        yield from self.climbing_rows()
        yield from self.looking_rows()

    def gradient_rows(self) -> Iterator[Row]:
        attr: Any = peer("captum.attr")
        given = {"inputs": self.images, "target": self.labels}
        for name, ours, others in (
            ("saliency", gradients.saliency, {"captum": "Saliency"}),
            ("guided backprop", gradients.guided_backprop, {"captum": "GuidedBackprop"}),
            ("deconvnet", gradients.deconvnet, {"captum": "Deconvolution"}),
        ):
            peers = {
                library: lambda kind=kind: getattr(attr, kind)(self.theirs).attribute(**given)
                for library, kind in (others if attr else {}).items()
            }
            usual = {"saliency": self.recipe, "guided backprop": lambda: self.recipe(self.hooked)}
            peers |= {"usual recipe": usual[name]} if name in usual else {}
            yield Row(
                name, lambda f=ours: f(self.model, self.images, self.labels), self.there_and_back, 1, peers
            )
        objective = gradients.input_gradient
        logit = ascent.logit(self.model, self.labels)
        plain = {"captum": lambda: attr.Saliency(self.theirs).attribute(**given, abs=False)} if attr else {}
        yield Row("input gradient", lambda: objective(logit, self.images), self.there_and_back, 1, plain)

    def attack_rows(self) -> Iterator[Row]:
        fb, ta = peer("foolbox"), peer("torchattacks")
        given, step = (self.images, self.labels), EPSILON / 4
        fast, slow = {}, {}
        if fb is not None:
            wrapped = fb.PyTorchModel(self.theirs, bounds=(0, 1))
            pgd = fb.attacks.LinfPGD(abs_stepsize=step, steps=STEPS)
            fast["foolbox"] = lambda: fb.attacks.FGSM()(wrapped, *given, epsilons=EPSILON)
            slow["foolbox"] = lambda: pgd(wrapped, *given, epsilons=EPSILON)
        if ta is not None:
            fast["torchattacks"] = lambda: ta.FGSM(self.theirs, eps=EPSILON)(*given)
            slow["torchattacks"] = lambda: ta.PGD(self.theirs, eps=EPSILON, alpha=step, steps=STEPS)(*given)
        yield Row(
            "FGSM",
            lambda: adversarial.fgsm(self.model, *given, epsilon=EPSILON),
            self.there_and_back,
            1,
            fast,
        )
        ours = {"epsilon": EPSILON, "steps": STEPS, "step_size": step}
        yield Row(
            f"PGD, {STEPS} steps",
            lambda: adversarial.pgd(self.model, *given, **ours),
            self.there_and_back,
            STEPS,
            slow,
        )

    def climbing_rows(self) -> Iterator[Row]:
        generator = torch.Generator().manual_seed(0)

        def transformed(batch: Tensor) -> Tensor:
            for transform in ascent.ROBUST:
                batch = transform(batch, generator)
            return batch

        objective = ascent.logit(self.model, self.labels)
        climb = {"start": self.images, "steps": STEPS}
        yield Row(
            f"maximize, {STEPS} steps",
            lambda: ascent.maximize(objective, **climb),
            lambda: self.there_and_back(change=transformed),
            STEPS,
        )
        layer, one = MAPS[self.model.name], {"octaves": 1, "steps": STEPS}
        yield Row(
            f"deep dream, {STEPS} steps",
            lambda: dream.deep_dream(self.model, self.images, layer, **one),
            lambda: self.dreamt(layer),
            STEPS,
        )

    def dreamt(self, layer: str) -> Tensor:
        leaf = self.images.clone().requires_grad_()
        with recording(self.model.net, layer) as seen:
            self.bare(leaf)
        return torch.autograd.grad(seen[layer].square().sum() / 2, leaf)[0]

    def looking_rows(self) -> Iterator[Row]:
        layer, channels = MAPS[self.model.name], range(64)
        yield Row(
            f"top patches, {self.many} images of {self.side} × {self.side}",
            lambda: patches.top_patches(self.model, self.stream(), layer, channels),
            self.pass_all,
            1,
            {"store everything": lambda: self.stored(layer, channels)},
        )
        yield Row("features of a batch", lambda: neighbors.features(self.model, self.images), self.pass_batch)

    def stream(self) -> Iterator[Tensor]:
        """So many images, in batches of 8, of which none is held: photos, each time rolled to another place."""
        small = images.fit(self.bank.images, self.side)
        for start in range(0, self.many, 8):
            which = [number % len(small) for number in range(start, min(start + 8, self.many))]
            yield small[which].roll(start // len(small), dims=3)

    @torch.no_grad()
    def pass_batch(self) -> None:
        self.bare(self.images)

    @torch.no_grad()
    def pass_all(self) -> None:
        for batch in self.stream():
            self.bare(batch)

    @torch.no_grad()
    def stored(self, layer: str, channels: range) -> Tensor:
        """All maps of all images, then the best of each channel: what most would do."""
        maps = []
        keep = lambda _m, _i, output: maps.append(output[:, channels])
        hook = self.theirs.net.get_submodule(layer).register_forward_hook(keep)
        try:
            for batch in self.stream():
                self.theirs(batch)
        finally:
            hook.remove()
        return F.adaptive_max_pool2d(torch.cat(maps), 1)[..., 0, 0].topk(9, dim=0).indices
