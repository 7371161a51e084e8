"""Stage 08, adversarial examples: fooling, one step, the projection, many steps, and fooling by way of a file."""

from copy import deepcopy
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labkit import images
from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close, expect_finite, expect_shape
from labkit.models import Classifier


def _photos(generator: torch.Generator, count: int, size: int, *, contrast: float = 1.0) -> Tensor:
    """Photos from the bank; with contrast above 1 a part of them is pure black and pure white."""
    bank = images.photos().images
    small = images.fit(bank[torch.randperm(len(bank), generator=generator)[:count]], size)
    return (0.5 + contrast * (small - 0.5)).clamp(0, 1)


def _classifier(generator: torch.Generator, photos: Tensor, *, categories: int = 5) -> Classifier:
    """A tiny network with weights of its own, loud enough that categories differ; no photo leaves it cold."""
    while True:
        model = _draw_classifier(generator, categories)
        gradient = _label_gradient(model, photos, torch.zeros(len(photos), dtype=torch.int64))
        if (gradient.flatten(1).abs().amax(dim=1) > 0).all():
            return model


def _draw_classifier(generator: torch.Generator, categories: int) -> Classifier:
    net = nn.Sequential(
        *(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 6, 3, stride=2), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, categories)),
    )
    for parameter in net.parameters():
        fan_in = parameter[0].numel() if parameter.ndim > 1 else 100
        parameter.data = torch.randn(parameter.shape, generator=generator) * (2 / fan_in) ** 0.5
    return Classifier(net, name="tiny", categories=[f"category {i}" for i in range(categories)])


def _loss_gradient(model, images, labels):
    leaf = images.clone().requires_grad_()
    return torch.autograd.grad(F.cross_entropy(model(leaf), labels), leaf)[0]


def _label_gradient(model, images, labels):
    leaf = images.clone().requires_grad_()
    return torch.autograd.grad(model(leaf)[range(len(leaf)), labels].sum(), leaf)[0]


def _nudged(score, image: Tensor, *, step: float = 1e-7) -> Tensor:
    """A score's slope without autograd: each value of the image up and down a little, in float64.

    score: (M, 3, H, W) -> (M,);  image: (1, 3, H, W)
    """
    nudges = step * torch.eye(image.numel(), dtype=torch.float64).view(-1, *image.shape[1:])
    return ((score(image.double() + nudges) - score(image.double() - nudges)) / (2 * step)).view(image.shape)


def _expect_in_ball(name: str, got: Tensor, originals: Tensor, epsilon: float) -> None:
    expect_shape(name, got, tuple(originals.shape))
    expect_finite(name, got)
    expect_between(
        f"{name} - images",
        got.double() - originals.double(),
        -epsilon,
        epsilon,
        why="no value may change by more than epsilon",
    )
    expect_between(name, got, 0, 1, why="outside 0..1 it is no image")


# 08.1 ------------------------------------------------------------------------------------------------
def _margin(model: nn.Module, image: Tensor, target: int) -> float:
    """How far the target's logit is above the largest of the others."""
    with torch.no_grad():
        logits = model(image)[0]
    others = torch.cat([logits[:target], logits[target + 1 :]])
    return (logits[target] - others.max()).item()


def _path(model: nn.Module, image: Tensor, target: int, *, step_size: float, steps: int) -> list[Tensor]:
    """The image after 0, 1, 2, … normalised steps on the target's logit."""
    path = [image]
    for _ in range(steps):
        path.append(_logit_step(model, path[-1], target, step_size))
    return path


def _logit_step(model, image, target, step_size):
    gradient = _label_gradient(model, image, torch.tensor([target]))
    return (image + step_size * gradient / gradient.square().mean().sqrt()).clamp(0, 1)


def _raise_logit(model: Classifier, target: int, by: float) -> None:
    """Moves where the target wins, and no gradient."""
    [*model.parameters()][-1].data[target] += by  # the last layer's bias


def _fooling_cases(generator: torch.Generator) -> Cases:
    def case(contrast, step_size, steps, fooled_at):
        margins = [0.0, 0.0]
        while not margins[-1] > max(margins[:-1]):  # draw again where the steps do not climb
            image = _photos(generator, 1, 10, contrast=contrast)
            model, target = _classifier(generator, image), int(torch.randint(5, (), generator=generator))
            path = _path(model, image, target, step_size=step_size, steps=fooled_at)
            margins = [_margin(model, step, target) for step in path]
        _raise_logit(model, target, -(margins[-1] + max(margins[:-1])) / 2)
        return SimpleNamespace(model=model, images=image, target=target, step_size=step_size, steps=steps)

    already = case(1, 0.004, 8, 2)
    already.target = int(already.model(already.images).argmax())
    return {
        "a single step": case(1, 0.01, 1, 4),
        "until it is fooled": case(1, 0.004, 16, 6),
        "in part black and white": case(4, 0.01, 16, 6),
        "the target comes first already": already,
    }


def _answer_fool(function, case):
    image, taken = function(case.model, case.images, case.target, case.step_size, case.steps)
    return {"image": image, "steps taken": taken}


def _judge_fool(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    image, taken = answer["image"], answer["steps taken"]
    expect_shape("image", image, tuple(case.images.shape))
    expect_finite("image", image)
    expect_between("image", image, 0, 1, why="outside 0..1 it is no image")
    expect_shape("steps taken", taken, ())
    if _margin(case.model, case.images, case.target) > 0:
        why = "the network puts the target first already, so nothing is to be done"
        expect_close("image", image, case.images, why=why, atol=1e-6)
    elif case.steps == 1:
        model = deepcopy(case.model).double()
        slope = _nudged(lambda x: model(x)[:, case.target], case.images)
        step = case.step_size * slope / slope.square().mean().sqrt()
        why = "step_size · gradient / root mean square of the gradient, which comes from nudging each pixel"
        expect_close("image", image, (case.images + step).clamp(0, 1).float(), why=why, atol=2e-4)
    else:
        _expect_fooled(case, image)
    expected = _walk()(case.model, case.images, case.target, case.step_size, case.steps)[1]
    if not abs(taken - expected) <= (expected > 1):
        raise CheckFailed(f"steps taken: expected {expected}, got {taken.item()}")


def _expect_fooled(case: SimpleNamespace, image: Tensor) -> None:
    """The target comes first on this very image, and the change is about as small as it can be."""
    margin = _margin(case.model, image.float(), case.target)
    if not margin > 0:
        raise CheckFailed(
            f"image: expected the target's logit above all others within {case.steps} steps, "
            f"it is {-margin:.3g} below the largest"
        )
    right, _ = _walk()(case.model, case.images, case.target, case.step_size, case.steps)
    change, most = ((x - case.images).square().mean().sqrt().item() for x in (image, right))
    if not change <= 1.05 * most + case.step_size:
        raise CheckFailed(
            f"image: the root mean square of the change is {change:.4f}, expected about {most:.4f}"
        )


def _walk(*, step=_logit_step, look_first=True, stop=True):
    """The loop, right as it stands; each argument is one way to get it wrong."""

    def attack(model, image, target, step_size, steps):
        taken = 0
        while taken < steps:
            if stop and (look_first or taken) and int(model(image).argmax()) == target:
                break
            image = step(model, image, target, step_size)
            taken += 1
        return image, taken

    return attack


def _stepping(scale, *, score=lambda logits: logits, clip=True):
    """A wrong step. scale: gradient -> what it is multiplied with; score: logits -> what is raised."""

    def step(model, image, target, step_size):
        leaf = image.clone().requires_grad_()
        gradient = torch.autograd.grad(score(model(leaf))[0, target], leaf)[0]
        moved = image + step_size * scale(gradient)
        return moved.clamp(0, 1) if clip else moved

    return step


def _normal(gradient):
    return gradient / gradient.square().mean().sqrt()


FOOL = Exercise(
    id="08.1",
    title="Fool it into a class of your choice",
    points=3,
    minutes=12,
    hints=(
        "Look first: is int(model(image).argmax()) the target? Only if not, take a step and count it.",
        "The step: the gradient of model(leaf)[0, target], divided by gradient.square().mean().sqrt(), "
        "times step_size.",
        "image = (image + step_size * gradient / gradient.square().mean().sqrt()).clamp(0, 1), "
        "in a loop that ends when the network is fooled or the steps are used up.",
    ),
    cases=_fooling_cases,
    answer=_answer_fool,
    judge=_judge_fool,
    mistakes=(
        Mistake(
            "not normalised",
            "you step along the gradient as it is, and its size means nothing here. Divide it by the root of "
            "its mean square, so that every step has the same size.",
            _walk(step=_stepping(lambda g: g)),
        ),
        Mistake(
            "divided by its length",
            "you divide by the gradient's length, gradient.norm(), so the step is as many times too small as "
            "the root of the number of values. Divide by the root *mean* square.",
            _walk(step=_stepping(lambda g: g / g.norm())),
        ),
        Mistake(
            "sign of the gradient",
            "you step along the sign, as FGSM does, so pixels that hardly matter change as much as those that do. "
            "Here the gradient itself is the direction.",
            _walk(step=_stepping(torch.sign)),
        ),
        Mistake(
            "softmax first",
            "you raise the target's probability. That also pushes the others down, and has almost no gradient "
            "where the target is very unlikely. Raise the logit, before softmax.",
            _walk(step=_stepping(_normal, score=lambda logits: logits.softmax(1))),
        ),
        Mistake(
            "downhill",
            "you lower the target's logit: it goes away from the target. Add the step.",
            _walk(step=_stepping(lambda g: -_normal(g))),
        ),
        Mistake(
            "goes on when fooled",
            "you use all the steps, also when the network is fooled long since, so the change is larger than it "
            "has to be. Stop as soon as the target comes first.",
            _walk(stop=False),
        ),
        Mistake(
            "steps before it looks",
            "you take a step before you look, so a photo that is the target already is changed for nothing. "
            "Look first.",
            _walk(look_first=False),
        ),
        Mistake(
            "not clipped",
            "black went below 0 or white above 1, where there is no image. Clip after each step.",
            _walk(step=_stepping(_normal, clip=False)),
        ),
    ),
)


# 08.2 ------------------------------------------------------------------------------------------------
def _fgsm_cases(generator: torch.Generator) -> Cases:
    def case(count, size, epsilon, contrast):
        labels = torch.randint(5, (count,), generator=generator)
        photos = _photos(generator, count, size, contrast=contrast)
        return SimpleNamespace(
            model=_classifier(generator, photos), images=photos, labels=labels, epsilon=epsilon
        )

    return {
        "one photo": case(1, 10, 0.03, 1),
        "three photos": case(3, 9, 8 / 255, 1),
        "two photos, in part black and white": case(2, 9, 0.1, 4),
    }


def _judge_fgsm(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    got, model = answer["adversarial"], deepcopy(case.model).double()
    _expect_in_ball("adversarial", got, case.images, case.epsilon)
    slopes = []
    for image, label in zip(case.images, case.labels.tolist(), strict=True):
        slopes.append(_nudged(lambda x, y=label: -model(x).log_softmax(1)[:, y], image[None]))
    slope = torch.cat(slopes)
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
    return images.add_(epsilon * _loss_gradient(model, images, labels).sign()).clamp_(0, 1)


def _unit(gradient):
    return gradient / gradient.flatten(1).norm(dim=1).view(-1, 1, 1, 1)


FGSM = Exercise(
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
            _step_of(lambda *case: -_loss_gradient(*case).sign()),
        ),
        Mistake(
            "sign forgotten",
            "you add epsilon times the gradient itself, which hardly moves where the gradient is small. "
            "Only its sign counts, so that every value uses all of epsilon: gradient.sign().",
            _step_of(_loss_gradient),
        ),
        Mistake(
            "divided by its length",
            "you divide the gradient by its length: a step of length epsilon in all. The box gives epsilon to "
            "each value, and the sign uses it up.",
            _step_of(lambda *case: _unit(_loss_gradient(*case))),
        ),
        Mistake(
            "only the label's logit",
            "you lower the label's logit. The loss also rises when the other logits do: take the gradient of "
            "F.cross_entropy(model(leaf), labels).",
            _step_of(lambda *case: -_label_gradient(*case).sign()),
        ),
        Mistake(
            "not clipped",
            "black went below 0 and white above 1, where there is no image. Clip at the end: .clamp(0, 1).",
            _step_of(lambda *case: _loss_gradient(*case).sign(), clip=False),
        ),
        Mistake(
            "the caller's photos",
            "you changed the caller's photos, so nobody can compare with them any more. Work on a copy: "
            "leaf = images.clone().requires_grad_(), and no += or clamp_ on images.",
            _in_place,
        ),
    ),
)


# 08.3 ------------------------------------------------------------------------------------------------
def _projection_cases(generator: torch.Generator) -> Cases:
    def case(count, size, epsilon, away, contrast=1.0):
        originals = _photos(generator, count, size, contrast=contrast)
        noise = torch.randn(originals.shape, generator=generator)
        return SimpleNamespace(images=originals + away * noise, originals=originals, epsilon=epsilon)

    return {
        "far outside the box": case(2, 6, 8 / 255, 0.2),
        "some inside, some outside": case(1, 7, 0.05, 0.05),
        "originals in part black and white": case(2, 6, 0.1, 0.2, contrast=4),
    }


def _judge_projection(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    got, low, high = answer["projected"], case.originals - case.epsilon, case.originals + case.epsilon
    _expect_in_ball("projected", got, case.originals, case.epsilon)
    middle = torch.stack([low.clamp(min=0), case.images, high.clamp(max=1)]).median(dim=0).values
    expect_close(
        "projected",
        got,
        middle,
        why="a value inside stays where it is, one outside goes to the nearest that is allowed",
        atol=1e-5,
    )


def _shrink(images, originals, epsilon):
    difference = images - originals
    largest = difference.abs().amax(dim=(1, 2, 3), keepdim=True)
    return (originals + difference * (epsilon / largest).clamp(max=1)).clamp(0, 1)


def _box(images, originals, epsilon):
    return images.maximum(originals - epsilon).minimum(originals + epsilon)


PROJECT = Exercise(
    id="08.3",
    title="Back into the box",
    points=1,
    minutes=8,
    hints=(
        "The box is about the difference: images - originals is to lie in -epsilon..epsilon, value by value.",
        "difference = (images - originals).clamp(-epsilon, epsilon); then add the originals again.",
        "(originals + (images - originals).clamp(-epsilon, epsilon)).clamp(0, 1)",
    ),
    cases=_projection_cases,
    answer=lambda f, case: {"projected": f(case.images, case.originals, case.epsilon)},
    judge=_judge_projection,
    mistakes=(
        Mistake(
            "box around zero",
            "you clip the image itself to -epsilon..epsilon, which leaves it almost black. The box stands "
            "around the originals: clip images - originals, then add the originals.",
            lambda images, originals, epsilon: images.clamp(-epsilon, epsilon).clamp(0, 1),
        ),
        Mistake(
            "difference returned",
            "you return the clipped difference. Add the originals again.",
            lambda images, originals, epsilon: (images - originals).clamp(-epsilon, epsilon),
        ),
        Mistake(
            "0..1 forgotten",
            "inside the box, but beyond black or white. Clip to 0..1 as well.",
            _box,
        ),
        Mistake(
            "box forgotten",
            "you clip to 0..1 only, so a value may be as far from its original as it likes.",
            lambda images, originals, epsilon: images.clamp(0, 1),
        ),
        Mistake(
            "shrunk as a whole",
            "you scale the whole difference down until its largest value fits. That is in the box, but not the "
            "nearest image there: each value is clipped by itself.",
            _shrink,
        ),
        Mistake(
            "pushed to the edge",
            "you move every value by a full epsilon. One that is inside the box already stays where it is.",
            lambda images, originals, epsilon: (originals + epsilon * (images - originals).sign()).clamp(
                0, 1
            ),
        ),
        Mistake(
            "written in place",
            "the values are right, but you wrote them into the caller's tensor (clamp_, out= or +=). "
            "Without the underscore you get a new one.",
            lambda images, originals, epsilon: images.copy_(_box(images, originals, epsilon).clamp(0, 1)),
        ),
    ),
)


# 08.4 ------------------------------------------------------------------------------------------------
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
        photos = _photos(generator, count, size, contrast=contrast)
        return case(_classifier(generator, photos, categories=4), photos, epsilon, step_size, steps)

    flat = _photos(generator, 1, 8)
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
    _expect_in_ball("adversarial", got, case.images, case.epsilon)
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
            step = sign * step_size * _loss_gradient(model, at, labels).sign()
            centre = {"images": images, "last": moved}.get(project)
            moved = moved + step
            if centre is not None:
                moved = _box(moved, centre, epsilon)
            moved = moved.clamp(0, 1) if clip else moved
        return moved

    return attack


PGD = Exercise(
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


# 08.5 ------------------------------------------------------------------------------------------------
def _rounded(image):
    return (image * 255).round() / 255


def _file_cases(generator: torch.Generator) -> Cases:
    undone = _undone_by_rounding(generator)
    already = _undone_by_rounding(generator)
    already.target = int(already.model(_rounded(already.images)).argmax())
    _raise_logit(already.model, already.target, 0.5)
    return {
        "rounding undoes the plain attack": undone,
        "another, with some black and white": _undone_by_rounding(generator, contrast=3.0),
        "the target comes first already": already,
    }


def _undone_by_rounding(generator: torch.Generator, *, contrast: float = 1.0) -> SimpleNamespace:
    """A network that is fooled after some steps, but not by that image rounded to 8 bits.

    The steps are smaller than half a level of the file. Only where the target wins is chosen: its bias.
    """
    step_size = 0.0003
    while True:
        image = _photos(generator, 1, 10, contrast=contrast)
        model, target = _classifier(generator, image), int(torch.randint(5, (), generator=generator))
        path = _path(model, image, target, step_size=step_size, steps=14)
        plain = [_margin(model, step, target) for step in path]
        filed = [_margin(model, _rounded(step), target) for step in path]
        if not (path[1] - image).abs().max() < 0.4 / 255:
            continue
        for k in range(6, 15):
            below = max(filed[k], filed[1], *plain[:k])
            if below < plain[k] - 1e-4:
                _raise_logit(model, target, -(below + plain[k]) / 2)
                return SimpleNamespace(
                    model=model, images=image, target=target, step_size=step_size, steps=50
                )


def _judge_file(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    image = answer["image"]
    expect_shape("image", image, tuple(case.images.shape))
    expect_finite("image", image)
    expect_between("image", image, 0, 1, why="outside 0..1 it is no image")
    off = (image.double() * 255 - (image.double() * 255 + 0.5).floor()).abs() > 1e-3
    if count := int(off.sum()):
        raise CheckFailed(
            f"image: {count} of {image.numel()} values are no multiple of 1/255, expected none; a file cannot hold them"
        )
    before = (case.images.double() * 255 + 0.5).floor() / 255
    if _margin(case.model, before.float(), case.target) > 0:
        why = "the rounded photo is the target already, and each value goes to the nearest k/255"
        expect_close("image", image, before.float(), why=why)
    margin = _margin(case.model, ((image.double() * 255).round() / 255).float(), case.target)
    if not margin > 0:
        raise CheckFailed(
            f"image: loaded again from the file, the target's logit is {-margin:.3g} below the largest, "
            "expected it above all others"
        )
    change = (image - case.images).square().mean().sqrt().item()
    if not change <= case.steps * case.step_size:
        raise CheckFailed(
            f"image: the root mean square of the change is {change:.4f}, expected at most {case.steps} steps of "
            f"{case.step_size}, {case.steps * case.step_size:.4f}"
        )


def _filed(*, show=_rounded, keep=lambda moved: moved, give=None):
    """The loop, right as it stands. show: moved -> what is tested; keep: -> what goes on; give: -> what is returned."""

    def attack(model, image, target, step_size, steps):
        moved = image
        for _ in range(steps):
            if int(model(show(moved)).argmax()) == target:
                break
            moved = keep(_logit_step(model, moved, target, step_size))
        return (give or show)(moved)

    return attack


FILE = Exercise(
    id="08.5",
    title="Fool it by way of a file",
    points=3,
    minutes=12,
    hints=(
        "Keep two images: `moved`, in floats, to which the steps are added, and `shown`, the same rounded to k/255.",
        "(255 * moved).round() / 255 is what a file holds. Look whether the network is fooled by that one.",
        "In each round: shown = (255 * moved).round() / 255; stop and return shown if its argmax is the target; "
        "else moved = (moved + step).clamp(0, 1).",
    ),
    cases=_file_cases,
    answer=lambda f, case: {"image": f(case.model, case.images, case.target, case.step_size, case.steps)},
    judge=_judge_file,
    mistakes=(
        Mistake(
            "rounded at the end only",
            "you look at the image in floats and round it when the network is fooled; the rounding undoes it. "
            "Look at the rounded image in each round.",
            _filed(show=lambda moved: moved, give=_rounded),
        ),
        Mistake(
            "steps rounded away",
            "you go on from the rounded image. A step is smaller than half a level, so rounding takes it back each "
            "time and the image never moves. Add the steps to the image in floats, and round a copy.",
            _filed(keep=_rounded),
        ),
        Mistake(
            "rounded down",
            "you cut off what is behind the point (floor, .byte(), .int()), which darkens the image by half a level "
            "on average. Round to the nearest: .round() first.",
            _filed(show=lambda moved: (moved * 255).floor() / 255),
        ),
        Mistake(
            "not rounded",
            "you return the image in floats. A file holds only multiples of 1/255: return the rounded one.",
            _filed(give=lambda moved: moved),
        ),
        Mistake(
            "256 levels",
            "you divide by 256. Eight bits count from 0 to 255, and white is 255: multiply and divide by 255.",
            _filed(show=lambda moved: (moved * 256).round() / 256),
        ),
        Mistake(
            "left in 0..255",
            "your values go to 255. Divide by 255 after rounding: an image here lies in 0..1.",
            _filed(give=lambda moved: (moved * 255).round()),
        ),
    ),
)


EXERCISES = (FOOL, FGSM, PROJECT, PGD, FILE)
