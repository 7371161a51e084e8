"""05.1 The gradient of each photo's own logit with respect to its pixels."""

from collections.abc import Callable
from copy import deepcopy
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labkit.checks.exercise import Cases, Exercise, Mistake, each
from labkit.checks.expect import expect_close
from labkit.exercises.drawing import convnet, draw_classifier, draw_photos
from labkit.exercises.slopes import gradient_by_nudging


def _logit_cases(generator: torch.Generator) -> Cases:
    def case(count: int, size: int, categories: int = 5) -> SimpleNamespace:
        targets = torch.randperm(categories, generator=generator)[:count]
        photos = draw_photos(generator, count, size)
        return SimpleNamespace(
            model=draw_classifier(generator, convnet(categories), categories), images=photos, targets=targets
        )

    return {"one photo": case(1, 12), "three photos, three targets": case(3, 10)}


def _slope_of_logits(case: SimpleNamespace) -> Tensor:
    model = deepcopy(case.model).double()

    def slope(image: Tensor, target: int) -> Tensor:
        return gradient_by_nudging(lambda x: model(x)[:, target], image)

    return torch.cat([*map(slope, case.images.split(1), case.targets.tolist())])


def _judge_logit(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    expect_close(
        "gradient",
        answer["gradient"],
        _slope_of_logits(case),
        why="how fast a photo's logit moves when one of its values is nudged by a little",
    )


def _gradient_of(
    score: Callable[[Tensor, Tensor], Tensor], *, clone: bool = True
) -> Callable[[nn.Module, Tensor, Tensor], Tensor]:
    """A wrong answer made of a wrong score: (logits, targets) -> scalar."""

    def wrong(model: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
        leaf = images.clone().requires_grad_() if clone else images.requires_grad_()
        return torch.autograd.grad(score(model(leaf), targets), leaf)[0]

    return wrong


def _own(logits: Tensor, targets: Tensor) -> Tensor:
    return logits[range(len(logits)), targets]


def _times_the_photo(model: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
    return images * _gradient_of(lambda logits, targets: _own(logits, targets).sum())(model, images, targets)


EXERCISE = Exercise(
    id="05.1",
    title="The gradient of a logit",
    points=2,
    minutes=10,
    core=True,
    hints=(
        "Autograd differentiates with respect to a leaf: leaf = images.clone().requires_grad_().",
        "logits[range(N), targets] takes each photo's own logit, shape (N,).",
        "No photo's logit depends on another photo, so the gradient of their sum holds all N gradients.",
        "torch.autograd.grad(logits[range(N), targets].sum(), leaf)[0]",
    ),
    cases=_logit_cases,
    answer=lambda f, case: {"gradient": f(case.model, case.images, case.targets)},
    judge=_judge_logit,
    alone=each("images", "targets"),
    mistakes=(
        Mistake(
            "softmax first",
            "you differentiate a probability. It also rises when the other logits fall, so the map shows "
            "them too. Take the logit, before softmax.",
            _gradient_of(lambda logits, targets: _own(logits.softmax(1), targets).sum()),
        ),
        Mistake(
            "the loss",
            "you differentiate the cross-entropy loss, which falls where the logit rises, and mixes in the "
            "other logits. Take the logit itself.",
            _gradient_of(lambda logits, targets: F.cross_entropy(logits, targets, reduction="sum")),
        ),
        Mistake(
            "the logarithm of a probability",
            "you differentiate the log of a probability, log_softmax. It subtracts what all logits have in common, "
            "so the other logits are in the map. Take the logit as it is.",
            _gradient_of(lambda logits, targets: _own(logits.log_softmax(1), targets).sum()),
        ),
        Mistake(
            "the largest logit",
            "you take the logit of what the network puts first. The task asks for the target's, whatever comes first: "
            "logits[range(N), targets].",
            _gradient_of(lambda logits, targets: logits.amax(dim=1).sum()),
        ),
        Mistake(
            "all logits",
            "you sum all the logits of a photo. Pick one per photo: logits[range(N), targets].",
            _gradient_of(lambda logits, targets: logits.sum()),
        ),
        Mistake(
            "every pair",
            "logits[:, targets] is (N, N): every photo with every target. "
            "logits[range(N), targets] pairs them one to one.",
            _gradient_of(lambda logits, targets: logits[:, targets].sum()),
        ),
        Mistake(
            "mean over the batch",
            "you took the mean over the batch, so a photo's gradient shrinks with the number of photos "
            "beside it. Sum them.",
            _gradient_of(lambda logits, targets: _own(logits, targets).mean()),
        ),
        Mistake(
            "times the photo",
            "you multiplied the gradient by the photo. That is another map, gradient times input; "
            "here only the gradient is asked for.",
            _times_the_photo,
        ),
        Mistake(
            "the caller's photos",
            "you called requires_grad_() on the caller's own tensor: from now on autograd records whatever "
            "they do with it. Work on images.clone().",
            _gradient_of(lambda logits, targets: _own(logits, targets).sum(), clone=False),
        ),
    ),
)
