"""What the student's functions of stage 06 stand in for: slope, step, loop, regularisers, the sum of waves."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from labkit.checks.stand_in import StandIn
from labkit.methods import ascent
from labkit.methods.ascent import parameterisations, penalties, regularisers, rules
from labkit.methods.ascent.maximize import begin
from labkit.models import Classifier

Function = Callable[..., Tensor]
LONG = 1024.0  # a rate at which a step is so much larger than the image that nothing is lost in rounding


def _penalised_score(theirs: Function, own: Function) -> Function:
    def penalised_score(model: Classifier, images: Tensor, target: int, weight: float) -> Tensor:
        """The score, with the slope that theirs steps along."""
        if len(images) != 1 or not images.requires_grad:
            return own(model, images, target, weight)
        logits: list[Tensor] = []
        hook = model.register_forward_hook(lambda _model, _inputs, output: logits.append(output.detach()))
        begun = images.detach()
        try:
            slope = (theirs(model, begun, target, LONG, weight).detach() - begun) / LONG
        finally:
            hook.remove()
        score = logits[-1][:, target] - weight * penalties.l2()(begun)
        return score + ((images - begun) * slope).sum(dim=(1, 2, 3))

    return penalised_score


def _normalised_step(theirs: Function, own: Function) -> Function:
    def normalised_step(numbers: Tensor, gradient: Tensor, rate: float) -> Tensor:
        """Image by image, along a gradient that is known already: that of a linear objective."""
        if not all(slope.any() for slope in gradient):
            return own(numbers, gradient, rate)  # theirs was never asked on flat ground
        flat = (numbers.shape[1], numbers.shape[2], -1)  # as an image, whatever the numbers mean
        with torch.enable_grad():
            stepped = [
                theirs(_along(slope.reshape(flat)), one.detach().reshape(1, *flat), rate, 0, 0)
                for one, slope in zip(numbers, gradient, strict=True)
            ]
        return torch.cat(stepped).detach().view_as(numbers)

    return normalised_step


def _along(slope: Tensor) -> Function:
    return lambda images: (images * slope).sum(dim=(1, 2, 3))


class _Climb:
    """An objective under transforms, and what is done after each step, as theirs takes the two."""

    def __init__(
        self, objective: Function, transforms: Sequence[Any], regularisers: Sequence[Any], seed: int
    ):
        self.objective, self.transforms, self.regularisers = objective, transforms, regularisers
        self.generator, self.step = torch.Generator().manual_seed(seed), 0
        self.gradient: Tensor | None = None

    def score(self, images: Tensor) -> Tensor:
        if images.requires_grad:
            images.register_hook(self._keep)
        for transform in self.transforms:
            images = transform(images, self.generator)
        return self.objective(images)

    def _keep(self, gradient: Tensor) -> None:
        self.gradient = gradient.detach()

    @torch.no_grad()
    def regularise(self, images: Tensor) -> Tensor:
        self.step += 1
        for regularise in self.regularisers:
            images = regularise(images, self.gradient, self.step)
        return images


def _maximize(theirs: Function, own: Function) -> Function:
    def maximize(objective: Any, *, steps: int = 128, progress: bool = False, **options: Any) -> Tensor:
        """Theirs knows pixels, normalised steps, and one image at a time."""
        rule, count = options.get("rule"), getattr(objective, "count", 1)
        in_pixels = options.get("parameterisation") is ascent.PIXELS
        if in_pixels and isinstance(rule, rules.NormalisedSteps) and count == 1 and steps > 0:
            seed = options.get("seed", 0)
            start, _ = begin(objective, options.get("start"), options.get("size"), ascent.PIXELS, seed)
            transforms = options.get("transforms", ascent.ROBUST)
            climb = _Climb(objective, transforms, options.get("regularisers", ()), seed)
            if len(start) == 1:
                image = theirs(climb.score, start.detach(), steps, rule.rate, climb.regularise, 1).detach()
                if image.isfinite().all():  # else it began where nothing fires
                    return image
        return own(objective, steps=steps, progress=progress, **options)

    return maximize


def _sum_of_waves(theirs: Function, own: Function) -> Function:
    return lambda numbers, size: theirs(numbers, size).to(numbers)


YOURS = (
    StandIn("06.1", "step_up", penalties, "penalised_score", _penalised_score),
    StandIn("06.2", "jittered_step", rules, "normalised_step", _normalised_step),
    StandIn("06.3", "clip_small_norm", regularisers, "without_small_norms"),
    StandIn("06.4", "clip_small_contribution", regularisers, "without_small_contributions"),
    StandIn("06.5", "maximize", ascent, "maximize", _maximize),
    StandIn("06.6", "image_from_spectrum", parameterisations, "sum_of_waves", _sum_of_waves),
)
