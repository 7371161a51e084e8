"""08.2 One step of epsilon along the sign of the loss's gradient."""

from copy import deepcopy
from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_close
from labkit.exercises.drawing import draw_photos
from labkit.exercises.slopes import gradient_by_nudging
from labkit.exercises.stage_08.attacks import (
    expect_in_ball,
    label_gradient,
    loss_gradient,
    responsive_classifier,
)


def _fgsm_cases(generator: torch.Generator) -> Cases:
    def case(count, size, epsilon, contrast):
        labels = torch.randint(5, (count,), generator=generator)
        photos = draw_photos(generator, count, size, contrast=contrast)
        return SimpleNamespace(
            model=responsive_classifier(generator, photos), images=photos, labels=labels, epsilon=epsilon
        )

    return {
        "one photo": case(1, 10, 0.03, 1),
        "three photos": case(3, 9, 8 / 255, 1),
        "two photos, in part black and white": case(2, 9, 0.1, 4),
    }


def _judge_fgsm(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    got, model = answer["adversarial"], deepcopy(case.model).double()
    expect_in_ball("adversarial", got, case.images, case.epsilon)

    def slope_of_loss(image: Tensor, label: int) -> Tensor:
        return gradient_by_nudging(lambda x: -model(x).log_softmax(1)[:, label], image)

    slope = torch.cat([*map(slope_of_loss, case.images.split(1), case.labels.tolist())])
    expected = (case.images + case.epsilon * slope.sign()).clamp(0, 1)
    sure = slope.abs() > 1e-4 * slope.abs().mean()  # nearer to zero the sign is a matter of rounding
    expect_close(
        "adversarial",
        got.where(sure, expected),
        expected,
        why="nudge one value: where the loss rises, it goes up by epsilon, and where the loss falls, down",
        atol=1e-5,
    )


def _step_of(direction, *, clip=True):
    """A wrong answer made of a wrong direction: (model, images, labels) -> like images."""

    def wrong(model, images, labels, epsilon):
        moved = images + epsilon * direction(model, images, labels)
        return moved.clamp(0, 1) if clip else moved

    return wrong


def _in_place(model, images, labels, epsilon):
    return images.add_(epsilon * loss_gradient(model, images, labels).sign()).clamp_(0, 1)


def _unit(gradient):
    return gradient / gradient.flatten(1).norm(dim=1).view(-1, 1, 1, 1)


EXERCISE = Exercise(
    id="08.2",
    title="The fast gradient sign method",
    points=2,
    minutes=10,
    hints=(
        "It is exercise 05.1 with another score: the loss F.cross_entropy(model(leaf), labels), and a step along it.",
        "gradient.sign() is +1, 0 or -1 at each value; uphill is plus, since the loss is to rise.",
        "(images + epsilon * gradient.sign()).clamp(0, 1)",
    ),
    cases=_fgsm_cases,
    answer=lambda f, case: {"adversarial": f(case.model, case.images, case.labels, case.epsilon)},
    judge=_judge_fgsm,
    mistakes=(
        Mistake(
            "downhill",
            "your step lowers the loss, as in training: the network becomes surer of the label. "
            "Here the loss is to rise: add the sign, do not subtract it.",
            _step_of(lambda *case: -loss_gradient(*case).sign()),
        ),
        Mistake(
            "sign forgotten",
            "you add epsilon times the gradient itself, which hardly moves where the gradient is small. "
            "Only its sign counts, so that every value uses all of epsilon: gradient.sign().",
            _step_of(loss_gradient),
        ),
        Mistake(
            "divided by its length",
            "you divide the gradient by its length: a step of length epsilon in all. The box gives epsilon to "
            "each value, and the sign uses it up.",
            _step_of(lambda *case: _unit(loss_gradient(*case))),
        ),
        Mistake(
            "only the label's logit",
            "you lower the label's logit. The loss also rises when the other logits do: take the gradient of "
            "F.cross_entropy(model(leaf), labels).",
            _step_of(lambda *case: -label_gradient(*case).sign()),
        ),
        Mistake(
            "not clipped",
            "black went below 0 and white above 1, where there is no image. Clip at the end: .clamp(0, 1).",
            _step_of(lambda *case: loss_gradient(*case).sign(), clip=False),
        ),
        Mistake(
            "the caller's photos",
            "you changed the caller's photos, so nobody can compare with them any more. Work on a copy: "
            "leaf = images.clone().requires_grad_(), and no += or clamp_ on images.",
            _in_place,
        ),
    ),
)
