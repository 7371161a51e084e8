"""07.1 The gradient of half a layer's squared norm: more of what it sees."""

from collections.abc import Callable
from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_close
from labkit.exercises.drawing import convnet, draw_classifier, draw_photo
from labkit.exercises.slopes import Score, gradient_by_nudging
from labkit.hooks import recording
from labkit.models import Classifier


def _layer_cases(generator: torch.Generator) -> Cases:
    def case(layer: str, height: int, width: int) -> SimpleNamespace:
        model, photo = draw_classifier(generator, convnet(4), 4), draw_photo(generator, height, width)
        return SimpleNamespace(model=model, image=photo, layer=layer)

    return {
        "a convolution, with values above and below 0": case("2", 11, 11),
        "a layer behind a ReLU, and a wide photo": case("1", 8, 12),
    }


def _half_square(model: Classifier, layer: str) -> Score:
    def score(images: Tensor) -> Tensor:
        with torch.no_grad(), recording(model.net, layer) as seen:
            model(images)
        return seen[layer].square().sum(dim=(1, 2, 3)) / 2

    return score


def _judge_layer(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    expect_close(
        "gradient",
        answer["gradient"],
        gradient_by_nudging(_half_square(case.model.double(), case.layer), case.image, step=1e-6),
        why="how fast half the sum of squares moves when one value is nudged by a little",
        rtol=1e-3,
    )


def _gradient_of(
    score: Callable[[Tensor, Tensor], Tensor], *, clone: bool = True
) -> Callable[[Classifier, Tensor, str], Tensor]:
    """A wrong answer made of a wrong score: (maps, logits) -> scalar."""

    def wrong(model: Classifier, image: Tensor, layer: str) -> Tensor:
        leaf = image.clone().requires_grad_() if clone else image.requires_grad_()
        with recording(model.net, layer) as seen:
            logits = model(leaf)
        return torch.autograd.grad(score(seen[layer], logits), leaf)[0]

    return wrong


def _of_the_bare_net(model: Classifier, image: Tensor, layer: str) -> Tensor:
    leaf = image.clone().requires_grad_()
    with recording(model.net, layer) as seen:
        model.net(leaf)
    return torch.autograd.grad(seen[layer].square().sum() / 2, leaf)[0]


def _the_activations(model: Classifier, image: Tensor, layer: str) -> Tensor:
    with recording(model.net, layer) as seen:
        model(image)
    return seen[layer]


EXERCISE = Exercise(
    id="07.1",
    title="More of what a layer sees",
    points=2,
    minutes=12,
    core=True,
    hints=(
        "leaf = image.clone().requires_grad_(). Record the layer while the model runs on it: "
        "with recording(model.net, layer) as seen: model(leaf).",
        "The score is seen[layer].square().sum() / 2, one number for all channels and positions.",
        "Its gradient with respect to the activations is the activations: autograd.grad(maps, leaf, maps) does "
        "the same without a score.",
        "torch.autograd.grad(seen[layer].square().sum() / 2, leaf)[0]",
    ),
    cases=_layer_cases,
    answer=lambda f, case: {"gradient": f(case.model, case.image, case.layer)},
    judge=_judge_layer,
    mistakes=(
        Mistake(
            "the sum",
            "you follow the sum of the activations, so every unit gets the same push, and those below 0 are "
            "pushed the wrong way. Squared, a unit is pushed by as much as it already answers.",
            _gradient_of(lambda maps, logits: maps.sum()),
        ),
        Mistake(
            "the root",
            "this is the gradient of the norm itself: the direction is right, the length is not. Leave out the "
            "root: half the sum of squares.",
            _gradient_of(lambda maps, logits: maps.norm()),
        ),
        Mistake(
            "the half forgotten",
            "this is twice the gradient. Half the sum of squares has the activations as its gradient, "
            "without the half it is twice them.",
            _gradient_of(lambda maps, logits: maps.square().sum()),
        ),
        Mistake(
            "the mean",
            "you took the mean of the squares where the sum was asked for: a larger photo would be pushed less.",
            _gradient_of(lambda maps, logits: maps.square().mean() / 2),
        ),
        Mistake(
            "downhill",
            "the sign is turned: along this the layer sees less and less. There is no loss to bring down here.",
            _gradient_of(lambda maps, logits: -maps.square().sum() / 2),
        ),
        Mistake(
            "the logits",
            "you took the squares of the model's output, not of the layer's: use seen[layer].",
            _gradient_of(lambda maps, logits: logits.square().sum() / 2),
        ),
        Mistake(
            "without the normalisation",
            "you ran model.net on the photo, which expects normalised images. The model normalises and then runs it: "
            "model(leaf).",
            _of_the_bare_net,
        ),
        Mistake(
            "absolute values",
            "you follow the sum of the absolute values, which gives loud and silent units the same push. Half the sum "
            "of squares pushes each by as much as it already answers.",
            _gradient_of(lambda maps, logits: maps.abs().sum()),
        ),
        Mistake(
            "what is above 0 only",
            "you drop what is below 0 before squaring. The norm counts it as well: a unit below 0 is pushed further "
            "below.",
            _gradient_of(lambda maps, logits: maps.clamp(min=0).square().sum() / 2),
        ),
        Mistake(
            "the activations themselves",
            "you return the layer's activations. They are the gradient with respect to themselves; go on, back to the "
            "photo: torch.autograd.grad(score, leaf)[0].",
            _the_activations,
        ),
        Mistake(
            "the largest",
            "you follow the largest activation alone. Half the sum of squares follows all of them.",
            _gradient_of(lambda maps, logits: maps.amax()),
        ),
        Mistake(
            "one channel",
            "you follow the first channel. The norm is over all channels and positions.",
            _gradient_of(lambda maps, logits: maps[:, 0].square().sum() / 2),
        ),
        Mistake(
            "channels averaged",
            "you average over the channels before squaring, so they cancel. Square first, and sum over all.",
            _gradient_of(lambda maps, logits: maps.mean(dim=1).square().sum() / 2),
        ),
        Mistake(
            "the square of the sum",
            "you square the sum. It is the sum of the squares: .square().sum().",
            _gradient_of(lambda maps, logits: maps.sum().square() / 2),
        ),
        Mistake(
            "the spread",
            "you subtract the mean before squaring. The norm measures from 0.",
            _gradient_of(lambda maps, logits: (maps - maps.mean()).square().sum() / 2),
        ),
        Mistake(
            "the caller's photo",
            "you called requires_grad_() on the caller's own tensor: from now on autograd records whatever they "
            "do with it. Work on image.clone().",
            _gradient_of(lambda maps, logits: maps.square().sum() / 2, clone=False),
        ),
    ),
)
