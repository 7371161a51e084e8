"""08.4 Many steps along the sign, each projected back into the box."""

from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labkit.checks.exercise import Cases, Exercise, Mistake, each
from labkit.checks.expect import expect_close
from labkit.exercises.drawing import draw_photos
from labkit.exercises.slopes import forgive_few
from labkit.exercises.stage_08.attacks import expect_in_ball, into_box, label_gradient, responsive_classifier
from labkit.exercises.stage_08.descents import added_up, free, pgd
from labkit.models import Classifier


def _pgd_cases(generator: torch.Generator) -> Cases:
    def case(model, photos, epsilon, step_size, steps):
        noise = epsilon * (2 * torch.rand(photos.shape, generator=generator) - 1)
        labels = torch.randperm(4, generator=generator)[: len(photos)]
        return SimpleNamespace(
            model=model,
            images=photos,
            labels=labels,
            epsilon=epsilon,
            step_size=step_size,
            steps=steps,
            start=(photos + noise).clamp(0, 1),
        )

    def tiny(count, size, epsilon, step_size, steps, contrast=1.0):
        photos = draw_photos(generator, count, size, contrast=contrast)
        return case(responsive_classifier(generator, photos, categories=4), photos, epsilon, step_size, steps)

    flat = draw_photos(generator, 1, 8)
    return {
        "two photos": tiny(2, 8, 0.05, 0.02, 4),
        "in part black and white, long steps": tiny(2, 9, 0.04, 0.05, 3, contrast=4),
        "no slope at the photo itself": case(_flat_at(generator, flat), flat, 0.03, 0.01, 3),
    }


def _flat_at(generator: torch.Generator, photo: Tensor, *, hidden: int = 24) -> Classifier:
    """A network whose ReLUs are all shut at this photo, each by little: its gradient there is exactly zero."""
    first, head = nn.Linear(photo.numel(), hidden), nn.Linear(hidden, 4)
    first.weight.data = torch.randn(first.weight.shape, generator=generator)
    head.weight.data = 0.5 * torch.randn(head.weight.shape, generator=generator)
    first.bias.data, head.bias.data = -(photo.flatten() @ first.weight.data.T) - 0.02, torch.zeros(4)
    net = nn.Sequential(nn.Flatten(), first, nn.ReLU(), head)
    return Classifier(net, name="flat", categories=[f"category {i}" for i in range(4)])


def _answer_pgd(function, case):
    given = (case.model, case.images, case.labels, case.epsilon, case.step_size, case.steps, case.start)
    return {"adversarial": function(*given)}


def _losses(case: SimpleNamespace, photos: Tensor) -> Tensor:
    with torch.no_grad():
        return F.cross_entropy(case.model(photos.float()), case.labels, reduction="none")


def _judge_pgd(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    got = answer["adversarial"]
    expect_in_ball("adversarial", got, case.images, case.epsilon)
    expected = pgd()(*vars(case).values())
    before, reached, wanted = (_losses(case, x).mean() for x in (case.images, got, expected))
    expect_close(
        "adversarial",
        forgive_few(got, expected),
        expected,
        why=f"{case.steps} steps from start lead there; the mean loss is {before:.3f} on the photos, {reached:.3f} on "
        f"your images and {wanted:.3f} there",
    )


EXERCISE = Exercise(
    id="08.4",
    title="Projected gradient descent",
    points=3,
    minutes=12,
    hints=(
        "Each round: the loss's gradient at where you are now, a step along its sign, back into the box, clip.",
        "The box stands around the photos, which never change; only `moved`, which begins as start, moves.",
        "moved = moved + step_size * gradient.sign(); "
        "moved = (images + (moved - images).clamp(-epsilon, epsilon)).clamp(0, 1)",
    ),
    cases=_pgd_cases,
    answer=_answer_pgd,
    judge=_judge_pgd,
    alone=each("images", "labels", "start"),
    mistakes=(
        Mistake(
            "started at the photos",
            "you begin at the photos and not at start. Where a photo has no slope at all, sign(0) is 0 and "
            "nothing ever moves: that is what the random start is for.",
            pgd(begin=lambda start, images: images),
        ),
        Mistake(
            "gradient of the photos",
            "you take the gradient at the photos in every round, so you walk straight on where the slope has "
            "long turned. Take it anew, at the image you have moved to.",
            pgd(at=lambda moved, images, start: images),
        ),
        Mistake(
            "box around the last image",
            "you project onto a box around the image of the round before, so the box walks along and the "
            "change grows with every step. It stands around the photos.",
            pgd(project=lambda moved, last, images, start, epsilon: into_box(moved, last, epsilon)),
        ),
        Mistake(
            "not projected",
            "nothing keeps the change small: after all steps it is larger than epsilon. Project in every round.",
            pgd(project=free),
        ),
        Mistake(
            "downhill",
            "the loss falls: your steps help the network. It is to rise, so add the sign.",
            pgd(direction=lambda slope: -slope.sign()),
        ),
        Mistake(
            "0..1 forgotten",
            "in the box, but beyond black or white. Clip to 0..1 in every round.",
            pgd(clip=lambda moved: moved),
        ),
        Mistake(
            "gradient of the start",
            "you take the gradient at start in every round, so you walk straight on where the slope has long turned. "
            "Take it anew, at the image you have moved to.",
            pgd(at=lambda moved, images, start: start),
        ),
        Mistake(
            "gradients added up",
            "gradients add up from round to round. After .backward() they stay in .grad: begin each round with a "
            "fresh leaf, or set .grad to None.",
            added_up,
        ),
        Mistake(
            "box around the start",
            "your box stands around start. It stands around the photos: what counts is the change from them.",
            pgd(project=lambda moved, last, images, start, epsilon: into_box(moved, start, epsilon)),
        ),
        Mistake(
            "projected at the end only",
            "you project once, after the last step, so on the way the image leaves the box. Project in every round.",
            pgd(project=free, finish=lambda x, images, epsilon: into_box(x, images, epsilon).clamp(0, 1)),
        ),
        Mistake(
            "clipped at the end only",
            "you clip to 0..1 once, after the last step. Clip in every round.",
            pgd(clip=lambda moved: moved, finish=lambda moved, images, epsilon: moved.clamp(0, 1)),
        ),
        Mistake(
            "mean of absolute values",
            "you step along the gradient divided by the mean of its absolute values. Here every value takes the whole "
            "step: gradient.sign().",
            pgd(direction=lambda slope: slope / slope.abs().mean()),
        ),
        Mistake(
            "root mean square",
            "you step along the gradient divided by its root mean square, as in 08.1. Here every value takes the whole "
            "step: gradient.sign().",
            pgd(direction=lambda slope: slope / slope.square().mean().sqrt()),
        ),
        Mistake(
            "sign forgotten",
            "you step along the gradient as it is. Every value takes the whole step: gradient.sign().",
            pgd(direction=lambda slope: slope),
        ),
        Mistake(
            "steps of epsilon",
            "your steps are of epsilon. They are of step_size; epsilon is the box.",
            pgd(size=lambda step_size, epsilon: epsilon),
        ),
        Mistake(
            "one step too many",
            "you take one step more than `steps`: range(steps).",
            pgd(more=1),
        ),
        Mistake(
            "one step too few",
            "you take one step less than `steps`: range(steps).",
            pgd(more=-1),
        ),
        Mistake(
            "out of the loop after one step",
            "you take one step. Is the return inside the for loop?",
            lambda *case: pgd()(*case[:5], 1, case[6]),
        ),
        Mistake(
            "only the label's logit",
            "you lower the label's logit. The loss also rises when the other logits do: F.cross_entropy.",
            pgd(direction=lambda slope: -slope.sign(), gradient=label_gradient),
        ),
    ),
)
