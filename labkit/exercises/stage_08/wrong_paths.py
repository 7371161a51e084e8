"""What can be wrong with 08.4: the right loop with one part exchanged, and what it teaches."""

from collections.abc import Callable
from typing import Any

from labkit.checks.exercise import Mistake
from labkit.exercises.stage_08.attacks import into_box, label_gradient
from labkit.exercises.stage_08.descents import (
    added_up,
    free,
    of_own_guesses,
    of_probabilities,
    onto_sphere,
    pgd,
    projected_first,
)

_PATHS: dict[str, tuple[str, dict[str, Callable[..., Any]]]] = {  # a mistake -> its lesson, and its part of `pgd`
    "started at the photos": (
        "you begin at the photos and not at start. Where a photo has no slope at all, sign(0) is 0 and nothing ever "
        "moves: that is what the random start is for.",
        {"begin": lambda start, images: images},
    ),
    "gradient of the photos": (
        "you take the gradient at the photos in every round, so you walk straight on where the slope has long changed. "
        "Take it anew, at the image you have moved to.",
        {"at": lambda moved, images, start: images},
    ),
    "gradient of the start": (
        "you take the gradient at start in every round, so you walk straight on where the slope has long changed. "
        "Take it anew, at the image you have moved to.",
        {"at": lambda moved, images, start: start},
    ),
    "a step from the photos": (
        "you add each step to the photos, so only the last one is left. Add it to the image you have moved to.",
        {"step_from": lambda moved, images, start: images},
    ),
    "a step from the start": (
        "you add each step to start, so only the last one is left. Add it to the image you have moved to.",
        {"step_from": lambda moved, images, start: start},
    ),
    "box around the last image": (
        "you project onto a box around the image of the round before, so the box walks along and the change grows "
        "with every step. It stands around the photos.",
        {"project": lambda moved, last, images, start, epsilon: into_box(moved, last, epsilon)},
    ),
    "box around the start": (
        "your box stands around start. It stands around the photos: what counts is the change from them.",
        {"project": lambda moved, last, images, start, epsilon: into_box(moved, start, epsilon)},
    ),
    "box around 0": (
        "you clamp the image itself to -epsilon..epsilon. The box stands around the photos: clamp moved - images, and "
        "add the images again.",
        {"project": lambda moved, last, images, start, epsilon: moved.clamp(-epsilon, epsilon)},
    ),
    "a sphere in place of the box": (
        "you give the whole change the length epsilon. Here the limit holds for each value by itself: clamp(-epsilon, "
        "epsilon).",
        {"project": onto_sphere},
    ),
    "not projected": (
        "nothing keeps the change small: after all steps it is larger than epsilon. Project in every round.",
        {"project": free},
    ),
    "lower edge forgotten": (
        "a value may not fall by more than epsilon either: max(…, images - epsilon), too.",
        {"project": lambda moved, last, images, start, epsilon: moved.minimum(images + epsilon)},
    ),
    "upper edge forgotten": (
        "a value may not rise by more than epsilon either: min(…, images + epsilon), too.",
        {"project": lambda moved, last, images, start, epsilon: moved.maximum(images - epsilon)},
    ),
    "downhill": (
        "the loss falls: your steps help the network. It is to rise, so add the sign.",
        {"direction": lambda slope: -slope.sign()},
    ),
    "0..1 forgotten": (
        "in the box, but beyond black or white. Clip to 0..1 in every round.",
        {"clip": lambda moved: moved},
    ),
    "projected at the end only": (
        "you project once, after the last step, so on the way the image leaves the box. Project in every round.",
        {"project": free, "finish": lambda x, images, epsilon: into_box(x, images, epsilon).clamp(0, 1)},
    ),
    "clipped at the end only": (
        "you clip to 0..1 once, after the last step. Clip in every round.",
        {"clip": lambda moved: moved, "finish": lambda moved, images, epsilon: moved.clamp(0, 1)},
    ),
    "mean of absolute values": (
        "you step along the gradient divided by the mean of its absolute values. Here every value takes the whole "
        "step: gradient.sign().",
        {"direction": lambda slope: slope / slope.abs().mean()},
    ),
    "root mean square": (
        "you step along the gradient divided by its root mean square, as in 08.1. Here every value takes the whole "
        "step: gradient.sign().",
        {"direction": lambda slope: slope / slope.square().mean().sqrt()},
    ),
    "divided by its length": (
        "you step along the gradient divided by its length. Here every value takes the whole step: gradient.sign().",
        {"direction": lambda slope: slope / slope.norm()},
    ),
    "sign forgotten": (
        "you step along the gradient as it is. Every value takes the whole step: gradient.sign().",
        {"direction": lambda slope: slope},
    ),
    "steps of epsilon": (
        "your steps are of epsilon. They are of step_size; epsilon is the box.",
        {"size": lambda step_size, epsilon, steps: epsilon},
    ),
    "epsilon shared out": (
        "your steps are of epsilon / steps. They are of step_size; epsilon is the box.",
        {"size": lambda step_size, epsilon, steps: epsilon / steps},
    ),
    "one step too many": ("you take one step more than `steps`: range(steps).", {"count": lambda steps: steps + 1}),
    "one step too few": ("you take one step less than `steps`: range(steps).", {"count": lambda steps: steps - 1}),
    "out of the loop after one step": (
        "you take one step. Is the return inside the for loop, or does it stop as soon as the network is fooled? All "
        "`steps` are taken.",
        {"count": lambda steps: 1},
    ),
    "only the label's logit": (
        "you lower the label's logit. The loss also rises when the other logits do: F.cross_entropy.",
        {"direction": lambda slope: -slope.sign(), "gradient": label_gradient},
    ),
    "softmax first": (
        "you take softmax before cross_entropy, which takes it itself, so it is taken twice. Hand it the logits.",
        {"gradient": of_probabilities},
    ),
    "the network's own guesses": (
        "you raise the loss of what the network guesses. Raise that of the true labels.",
        {"gradient": of_own_guesses},
    ),
}  # fmt: skip


def path_mistakes() -> tuple[Mistake, ...]:
    """What can be wrong with 08.4."""
    return (
        *(Mistake(name, lesson, pgd(**parts)) for name, (lesson, parts) in _PATHS.items()),
        Mistake(
            "gradients added up",
            "gradients add up from round to round. After .backward() they stay in .grad: begin each round with a "
            "fresh leaf, or set .grad to None.",
            added_up,
        ),
        Mistake(
            "projected before the step",
            "you project before you step, so the last step is not projected. Step, then project, then clip.",
            projected_first,
        ),
    )
