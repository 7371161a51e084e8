"""The loop: forward, gradient with respect to the image, a small step, regularise; again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from tqdm.auto import tqdm

from labkit.arguments import expect_functions, expect_whole, seeded
from labkit.backward import gradient_of
from labkit.errors import LabError
from labkit.images import expect_images
from labkit.kernel import in_usual_numbers
from labkit.methods.ascent.parameterisations import FOURIER, Parameterisation
from labkit.methods.ascent.penalties import GREY
from labkit.methods.ascent.regularisers import Regulariser
from labkit.methods.ascent.rules import ADAM, Rule
from labkit.methods.ascent.transforms import ROBUST, Transform
from labkit.objectives import Objective
from labkit.relus import expect_open, past_closed_relus

FAINT = 0.01  # standard deviation of the numbers that an ascent from nothing starts with


@dataclass(frozen=True, eq=False)
class Frame:
    """One step of an ascent.

    step:   from 1
    images: (N, 3, H, W) in 0..1, as they are after the step
    scores: (N,), as they were before it, under that step's transforms
    """

    step: int
    images: Tensor
    scores: Tensor


@in_usual_numbers
def ascend(
    objective: Objective | Callable[[Tensor], Tensor],
    *,
    start: Tensor | None = None,
    size: int | None = None,
    parameterisation: Parameterisation = FOURIER,
    transforms: Sequence[Transform] = ROBUST,
    regularisers: Sequence[Regulariser] = (),
    rule: Rule = ADAM,
    steps: int = 128,
    seed: int = 0,
) -> Iterator[Frame]:
    """Gradient ascent, frame by frame; leave the loop when you have seen enough.

    Arguments and errors as for `maximize`; that nothing fires is said after the last frame, unless it is the first.
    """
    expect_functions("parts of an ascent", [objective, rule], transforms, regularisers)
    numbers, shape = begin(objective, start, size, parameterisation, seed)
    look = partial(_look, objective, numbers, transforms, seeded(seed))
    regularise = partial(_regularise, parameterisation, numbers, shape, regularisers)
    optimizer, closed, images = rule(numbers), torch.tensor(True), _decoded(parameterisation, numbers, shape)
    for step in range(1, expect_whole("steps", steps, 1) + 1):
        (numbers.grad, gradient), scores, closed = look(images, closed)  # 1. forward, 2. gradient
        with torch.inference_mode(False), torch.no_grad():
            optimizer.step()  # 3. a small step up
            images, shown = regularise(gradient, step)  # 4. regularise
        yield Frame(step, shown, scores)
    if steps > 1 and closed.any():  # after a single step it is too early to say
        expect_open(look(images, closed)[2], steps)


@in_usual_numbers
def maximize(
    objective: Objective | Callable[[Tensor], Tensor],
    *,
    steps: int = 128,
    progress: bool = False,
    **options: Any,
) -> Tensor:
    """Images that the objective scores high: I* = argmax f(I) + R(I), by gradient ascent.

        zebra = ascent.maximize(ascent.logit(model, "zebra"), size=160, seed=1)

    objective:        an Objective, or any function images (N, 3, H, W) -> (N,)
    start:            (N, 3, H, W) in 0..1, such as a photo; left out, grey, with noise too faint to see
    size:             in pixels, where there is no start; the network's own if left out
    parameterisation: FOURIER or PIXELS
    transforms:       drawn anew for every step, the same for the whole batch; () for none
    regularisers:     done after every step, in order
    rule:             adam(rate) or normalised_steps(rate), or any function numbers -> torch optimizer that maximizes
    seed:             equal seeds, equal images
    progress:         whether to show a bar
    Returns: (N, 3, H, W) in 0..1, detached, on the start's device, or else on the network's
    Raises:  LabError for a start outside 0..1, for no steps, for an objective without one score per image, and
             where nothing that is asked for fires at any step, for that is no climb
    """
    expect_whole("steps", steps, 1)
    frames = ascend(objective, steps=steps, **options)
    for frame in tqdm(frames, total=steps, unit=" steps", disable=not progress, leave=False):
        images: Tensor = frame.images
    return images


def regularised(images: Tensor, gradient: Tensor, step: int, regularisers: Sequence[Regulariser]) -> Tensor:
    """The images after all regularisers, in order, and in 0..1."""
    for regularise in regularisers:
        images = regularise(images, gradient, step)
    return images.clamp(0, 1)


@torch.inference_mode(False)
def begin(
    objective: Any,
    start: Tensor | None,
    size: int | None,
    parameterisation: Parameterisation,
    seed: int,
) -> tuple[Tensor, tuple[int, int]]:
    """The numbers to begin with, and the image's height and width."""
    count, device = getattr(objective, "count", 1), getattr(objective, "device", "cpu")
    if start is not None:
        expect_images(start)
        start = start.expand(count, -1, -1, -1) if len(start) == 1 else start
        return parameterisation.encode(start.detach()).requires_grad_(), (start.shape[2], start.shape[3])
    side: int = getattr(objective, "size", 224) if size is None else expect_whole("size", size, 1)
    numbers = parameterisation.encode(torch.full((count, 3, side, side), GREY))
    generator = seeded(seed)  # of its own: an image's way is the same in any batch
    noise = [torch.randn(numbers.shape[1:], generator=generator) for _ in range(count)]
    return (numbers + FAINT * torch.stack(noise)).to(device).requires_grad_(), (side, side)


@torch.inference_mode(False)
@torch.enable_grad()
def _decoded(parameterisation: Parameterisation, numbers: Tensor, shape: tuple[int, int]) -> Tensor:
    return parameterisation.decode(numbers, shape)


def _regularise(
    parameterisation: Parameterisation,
    numbers: Tensor,
    shape: tuple[int, int],
    regularisers: Sequence[Regulariser],
    gradient: Tensor,
    step: int,
) -> tuple[Tensor, Tensor]:
    """The images of the numbers, regularised: as they are looked at next, and as they are shown."""
    images = _decoded(parameterisation, numbers, shape)
    shown = regularised(images.detach(), gradient, step, regularisers)
    if regularisers or not parameterisation.is_bounded:
        numbers.copy_(parameterisation.encode(shown))
        images = _decoded(parameterisation, numbers, shape)
    return images, shown


def _look(
    objective: Callable[[Tensor], Tensor],
    numbers: Tensor,
    transforms: Sequence[Transform],
    generator: torch.Generator,
    images: Tensor,
    closed: Tensor,
) -> tuple[tuple[Tensor, ...], Tensor, Tensor]:
    """The gradients with respect to the numbers and to the images made of them, the scores (N,), and `closed`.

    Under transforms that are drawn now; closed is as for `past_closed_relus`.
    """
    with torch.inference_mode(False), torch.enable_grad():
        seen = images
        for transform in transforms:
            seen = transform(seen, generator)
        slope, scores, closed = past_closed_relus(lambda: _slope(objective, seen), closed)
        return torch.autograd.grad(seen, [numbers, images], slope), scores, closed


def _slope(objective: Callable[[Tensor], Tensor], images: Tensor) -> tuple[Tensor, Tensor]:
    """The gradient with respect to the images, each image's score being its own, and the scores."""
    leaf = images.detach().requires_grad_(images.requires_grad)
    scores = objective(leaf)
    got = tuple(scores.shape) if isinstance(scores, Tensor) else type(scores).__name__
    if got != (len(images),):
        raise LabError(
            f"expected an objective of one score per image, ({len(images)},), got {got}; "
            "try lambda images: model(images)[:, 340]"
        )
    return gradient_of(scores, leaf), scores.detach()
