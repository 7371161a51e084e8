"""08.4 Many steps along the sign, each projected back into the box."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labkit.checks.exercise import Cases, Exercise, each
from labkit.checks.expect import expect_close
from labkit.exercises.drawing import draw_photos
from labkit.exercises.slopes import forgive_few
from labkit.exercises.stage_08.attacks import expect_in_ball, responsive_classifier
from labkit.exercises.stage_08.descents import pgd
from labkit.exercises.stage_08.wrong_paths import path_mistakes
from labkit.models import Classifier


def _pgd_cases(generator: torch.Generator) -> Cases:
    def case(
        model: Classifier, photos: Tensor, epsilon: float, step_size: float, steps: int
    ) -> SimpleNamespace:
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

    def tiny(
        count: int, size: int, epsilon: float, step_size: float, steps: int, contrast: float = 1.0
    ) -> SimpleNamespace:
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


def _answer_pgd(function: Callable[..., Any], case: SimpleNamespace) -> dict[str, Any]:
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
        why=f"{case.steps} steps from start lead to what is expected; the mean loss is {before:.3f} on the photos, "
        f"{reached:.3f} on your images and {wanted:.3f} on those expected",
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
    mistakes=path_mistakes(),
)
