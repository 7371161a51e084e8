"""08.4 Many steps along the sign, each projected back into the box."""

from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.exercises.drawing import draw_photos
from labkit.exercises.stage_08.attacks import expect_in_ball, into_box, loss_gradient, responsive_classifier
from labkit.models import Classifier


def _pgd_cases(generator: torch.Generator) -> Cases:
    def case(model, photos, epsilon, step_size, steps):
        noise = epsilon * (2 * torch.rand(photos.shape, generator=generator) - 1)
        labels = torch.randint(4, (len(photos),), generator=generator)
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
        "two photos": tiny(2, 10, 8 / 255, 2 / 255, 8),
        "in part black and white, long steps": tiny(2, 9, 0.04, 0.05, 5, contrast=4),
        "no slope at the photo itself": case(_flat_at(generator, flat), flat, 0.03, 0.01, 8),
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
    before, expected = _losses(case, case.images), _losses(case, _pgd()(*vars(case).values()))
    rise, wanted = (_losses(case, got) - before).mean(), (expected - before).mean()
    if not rise >= 0.9 * wanted:
        raise CheckFailed(
            f"adversarial: the mean loss is {before.mean():.3f} on the photos and {before.mean() + rise:.3f} on "
            f"your images; with {case.steps} steps expected at least {before.mean() + 0.9 * wanted:.3f}"
        )


def _pgd(*, start="start", gradient_at="moved", project="images", sign=1, clip=True):
    """The loop, right as it stands; each argument is one way to get it wrong."""

    def attack(model, images, labels, epsilon, step_size, steps, start_images):
        moved = start_images if start == "start" else images
        for _ in range(steps):
            at = {"moved": moved, "images": images}[gradient_at]
            step = sign * step_size * loss_gradient(model, at, labels).sign()
            centre = {"images": images, "last": moved}.get(project)
            moved = moved + step
            if centre is not None:
                moved = into_box(moved, centre, epsilon)
            moved = moved.clamp(0, 1) if clip else moved
        return moved

    return attack


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
    mistakes=(
        Mistake(
            "started at the photos",
            "you begin at the photos and not at start. Where a photo has no slope at all, sign(0) is 0 and "
            "nothing ever moves: that is what the random start is for.",
            _pgd(start="images"),
        ),
        Mistake(
            "gradient of the photos",
            "you take the gradient at the photos in every round, so you walk straight on where the slope has "
            "long turned. Take it anew, at the image you have moved to.",
            _pgd(gradient_at="images"),
        ),
        Mistake(
            "box around the last image",
            "you project onto a box around the image of the round before, so the box walks along and the "
            "change grows with every step. It stands around the photos.",
            _pgd(project="last"),
        ),
        Mistake(
            "not projected",
            "nothing keeps the change small: after all steps it is larger than epsilon. Project in every round.",
            _pgd(project="never"),
        ),
        Mistake(
            "downhill",
            "the loss falls: your steps help the network. It is to rise, so add the sign.",
            _pgd(sign=-1),
        ),
        Mistake(
            "0..1 forgotten",
            "in the box, but beyond black or white. Clip to 0..1 in every round.",
            _pgd(clip=False),
        ),
    ),
)
