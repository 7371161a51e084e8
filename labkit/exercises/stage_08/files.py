"""What a file of 8 bits a colour does to an image, and networks that show it."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.exercises.drawing import draw_photos, draw_whole_number
from labkit.exercises.stage_08.attacks import climb, margin_of, raise_logit, responsive_classifier


def rounded(image: Tensor) -> Tensor:
    """Each value the nearest k/255."""
    return (image * 255).round() / 255


def too_far_away(generator: torch.Generator) -> SimpleNamespace:
    """A network that is fooled after eight steps, and six are allowed."""
    image, step_size = draw_photos(generator, 1, 8, contrast=3.0), 0.04
    while True:
        model, target = responsive_classifier(generator, image), draw_whole_number(generator, 0, 4)
        path = climb(model, image, target, step_size=step_size, steps=8)
        margins = [margin_of(model, rounded(step), target) for step in path]
        if margins[-1] > max(margins[:-1]) + 0.01:
            raise_logit(model, target, -(margins[-1] + max(margins[:-1])) / 2)
            return SimpleNamespace(model=model, images=image, target=target, step_size=step_size, steps=6)


def undone_by_rounding(generator: torch.Generator) -> SimpleNamespace:
    """A network that is fooled after some steps, but not by that image rounded to 8 bits.

    The steps are smaller than half a level of the file. Only where the target wins is chosen: its bias.
    """
    image, step_size = draw_photos(generator, 1, 8), 0.0003
    while True:
        model, target = responsive_classifier(generator, image), draw_whole_number(generator, 0, 4)
        path = climb(model, image, target, step_size=step_size, steps=7)
        if not (path[1] - image).abs().max() < 0.4 / 255:
            continue
        plain = [margin_of(model, step, target) for step in path]
        in_file = [margin_of(model, rounded(step), target) for step in path]
        for k in range(3, 8):
            below = max(in_file[k], in_file[1], *plain[:k])
            if below < plain[k] - 1e-4:
                raise_logit(model, target, -(below + plain[k]) / 2)
                return SimpleNamespace(
                    model=model, images=image, target=target, step_size=step_size, steps=30
                )
