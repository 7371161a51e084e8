"""08.2 One step of epsilon along the sign of the loss's gradient."""

from collections.abc import Callable
from copy import deepcopy
from types import SimpleNamespace

import torch
from torch import Tensor, nn

from labkit.checks.exercise import Cases, Exercise, Mistake, each
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
    def case(count: int, size: int, epsilon: float, contrast: float) -> SimpleNamespace:
        labels = torch.randperm(5, generator=generator)[:count]
        photos = draw_photos(generator, count, size, contrast=contrast)
        return SimpleNamespace(
            model=responsive_classifier(generator, photos), images=photos, labels=labels, epsilon=epsilon
        )

    return {
        "three photos": case(3, 9, 8 / 255, 1),
        "two photos, in part black and white": case(2, 8, 0.1, 4),
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
        got.where(sure, expected) if got.shape == expected.shape else got,
        expected,
        why="each value nudged up: where the loss rises, the value goes up by epsilon, and where it falls, down",
        atol=1e-5,
    )


def _step_of(direction: Callable[..., Tensor], *, clip: bool = True) -> Callable[..., Tensor]:
    """A wrong answer made of a wrong direction: (model, images, labels) -> like images."""

    def wrong(model: nn.Module, images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
        moved = images + epsilon * direction(model, images, labels)
        return moved.clamp(0, 1) if clip else moved

    return wrong


def _in_place(model: nn.Module, images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
    return images.add_(epsilon * loss_gradient(model, images, labels).sign()).clamp_(0, 1)


def _unit(gradient: Tensor) -> Tensor:
    lengths: Tensor = gradient.flatten(1).norm(dim=1)
    return gradient / lengths.view(-1, 1, 1, 1)


EXERCISE = Exercise(
    id="08.2",
    title="The fast gradient sign method",
    points=2,
    minutes=10,
    core=True,
    hints=(
        "It is exercise 05.1 with another score: the loss F.cross_entropy(model(leaf), labels), and a step along it.",
        "gradient.sign() is +1, 0 or -1 at each value; uphill is plus, since the loss is to rise.",
        "(images + epsilon * gradient.sign()).clamp(0, 1)",
    ),
    cases=_fgsm_cases,
    answer=lambda f, case: {"adversarial": f(case.model, case.images, case.labels, case.epsilon)},
    judge=_judge_fgsm,
    alone=each("images", "labels"),
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
            "the label's logit raised",
            "you raise the label's logit: the network becomes surer of it. Here the loss is to rise.",
            _step_of(lambda *case: label_gradient(*case).sign()),
        ),
        Mistake(
            "what comes first in place of the labels",
            "you take the loss of what the network puts first. You are given the labels: F.cross_entropy(…, labels).",
            _step_of(
                lambda model, images, labels: loss_gradient(model, images, model(images).argmax(1)).sign()
            ),
        ),
        Mistake(
            "softmax before the loss",
            "you take softmax before cross_entropy, which takes it itself, so it is taken twice. Hand it the logits.",
            _step_of(lambda model, *case: loss_gradient(lambda x: model(x).softmax(1), *case).sign()),
        ),
        Mistake(
            "only upwards",
            "you add epsilon where the loss rises and leave the rest. Where it falls, the value goes down: sign().",
            _step_of(lambda *case: (loss_gradient(*case) > 0).float()),
        ),
        Mistake(
            "sizes of the sign",
            "you add epsilon to all values. Take the sign of the gradient, and leave its minus: some values go down.",
            _step_of(lambda *case: loss_gradient(*case).sign().abs()),
        ),
        Mistake(
            "divided by its largest value",
            "you divide the gradient by its largest value, so only one value uses all of epsilon. Take its sign.",
            _step_of(lambda *case: loss_gradient(*case) / loss_gradient(*case).abs().amax()),
        ),
        Mistake(
            "half of epsilon",
            "you move the values by half of epsilon. Each uses all of it.",
            _step_of(lambda *case: loss_gradient(*case).sign() / 2),
        ),
        Mistake(
            "the pattern alone",
            "you return the pattern, epsilon · sign. Add it to the images.",
            lambda model, images, labels, epsilon: epsilon * loss_gradient(model, images, labels).sign(),
        ),
        Mistake(
            "the pattern clipped",
            "you clip the pattern to 0..1, so all that goes down is lost. Add it to the images first, then clip.",
            _step_of(lambda *case: loss_gradient(*case).sign().clamp(0, 1), clip=False),
        ),
        Mistake(
            "one pattern for all",
            "you use the first image's pattern for all. Each image has a gradient of its own.",
            _step_of(lambda *case: loss_gradient(*case)[:1].sign()),
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
