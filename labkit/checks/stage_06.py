"""Stage 06, gradient ascent: one step with its regulariser, a step jittered, two of the tweaks, the loop."""

from types import SimpleNamespace

import torch
from torch import Tensor, nn

from labkit import images
from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close, expect_finite, expect_shape

GREY = 0.5


def _photos(generator: torch.Generator, count: int, size: int) -> Tensor:
    bank = images.photos().images
    return images.fit(bank[torch.randperm(len(bank), generator=generator)[:count]], size)


def _network(generator: torch.Generator, categories: int = 4) -> nn.Module:
    """A tiny network with weights of its own, that sees where in the image things are."""
    net = nn.Sequential(
        *(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 6, 3, stride=2), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, categories)),
    )
    for parameter in net.parameters():
        fan_in = parameter[0].numel() if parameter.ndim > 1 else 100
        parameter.data = 2 * torch.randn(parameter.shape, generator=generator) / fan_in**0.5
    return net.requires_grad_(False)


def _nudge_each_pixel(objective, image: Tensor, *, step: float = 1e-7) -> Tensor:
    """The gradient without autograd: each value up and down a little. objective and image in float64."""
    nudges = step * torch.eye(image.numel(), dtype=torch.float64).view(-1, *image.shape[1:])
    slopes = (objective(image + nudges) - objective(image - nudges)) / (2 * step)
    return slopes.view(image.shape)


def _gradient(objective, image: Tensor) -> Tensor:
    leaf = image.clone().requires_grad_()
    return torch.autograd.grad(objective(leaf).sum(), leaf)[0]


# 06.1 ------------------------------------------------------------------------------------------------
def _step_cases(generator: torch.Generator) -> Cases:
    def case(image, rate, weight):
        target = int(torch.randint(4, (), generator=generator))
        net = _network(generator)
        return SimpleNamespace(model=net, image=image, target=target, rate=rate, weight=weight)

    return {
        "a photo": case(_photos(generator, 1, 10), 0.02, 0.5),
        "a photo, hardly regularised": case(_photos(generator, 1, 8), 0.1, 0.02),
        "plain grey": case(torch.full((1, 3, 8, 8), GREY), 0.05, 0.5),
    }


def _judge_step(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    model, image = case.model.double(), case.image.double()

    def objective(nudged: Tensor) -> Tensor:
        return model(nudged)[:, case.target] - case.weight * (nudged - GREY).square().sum(dim=(1, 2, 3))

    expect_close(
        "stepped",
        answer["stepped"],
        image + case.rate * _nudge_each_pixel(objective, image),
        why="nudge each value by a little: that is the slope of logit - weight · distance²; step up it",
    )


def _step_up(penalty, *, sign=1, score=lambda logits, target: logits[0, target]):
    """A wrong answer made of a wrong regulariser: image -> scalar, what is added to the score."""

    def wrong(model, image, target, rate, weight):
        def objective(leaf):
            return score(model(leaf), target) + weight * penalty(leaf)

        return image + sign * rate * _gradient(objective, image)

    return wrong


def _distance(image):
    return (image - GREY).square().sum()


STEP = Exercise(
    id="06.1",
    title="One step up, with the L2 term",
    points=2,
    minutes=10,
    hints=(
        "Write f + R as one number and let autograd do the rest: you only need its gradient once.",
        "R is a penalty: it is to be large where the image is near to grey, so it enters with a minus.",
        "score = model(leaf)[0, target] - weight * (leaf - 0.5).square().sum()",
        "(gradient,) = torch.autograd.grad(score, leaf), then image + rate * gradient",
    ),
    cases=_step_cases,
    answer=lambda f, case: {"stepped": f(case.model, case.image, case.target, case.rate, case.weight)},
    judge=_judge_step,
    mistakes=(
        Mistake(
            "rewarded for being loud",
            "your L2 term has the wrong sign: it pushes every pixel away from grey, and faster the further it "
            "is. R is a penalty: subtract weight · distance².",
            _step_up(_distance),
        ),
        Mistake(
            "downhill",
            "you step down: the score gets smaller. Training subtracts a loss's gradient; here you add the "
            "gradient of what is to become large.",
            _step_up(lambda image: -_distance(image), sign=-1),
        ),
        Mistake(
            "pulled to black",
            "your L2 term pulls towards 0, which in an image of 0..1 is black. Nothing is grey: take 0.5 off "
            "first. (The papers write ‖I‖² since their images have the mean taken off.)",
            _step_up(lambda image: -image.square().sum()),
        ),
        Mistake(
            "not squared",
            "your penalty is the distance itself, which pulls every image alike, near or far. The L2 term is its "
            "square.",
            _step_up(lambda image: -(_distance(image) + 1e-20).sqrt()),
        ),
        Mistake(
            "a probability",
            "you climb the probability. Where it is near 0 or 1 it is flat, and it also rises by making all other "
            "classes unlikely. Take the logit, before softmax.",
            _step_up(lambda image: -_distance(image), score=lambda logits, t: logits.softmax(1)[0, t]),
        ),
        Mistake(
            "no regulariser",
            "the L2 term is missing, or autograd does not see it: it has to be computed from the leaf that you "
            "differentiate by.",
            _step_up(lambda image: 0),
        ),
    ),
)


# 06.2 ------------------------------------------------------------------------------------------------
def _jitter_cases(generator: torch.Generator) -> Cases:
    def case(height, width, rate, down, right):
        net = _network(generator)
        image = torch.rand(1, 3, height, width, generator=generator)
        return SimpleNamespace(model=net, image=image, rate=rate, down=down, right=right)

    return {
        "rolled down 3, right 1": case(9, 11, 0.01, 3, 1),
        "rolled up 2, right 4": case(10, 8, 0.05, -2, 4),
        "not rolled": case(8, 8, 0.02, 0, 0),
    }


def _first_logit(model: nn.Module):
    return lambda batch: model(batch)[:, 0]


def _judge_jitter(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    objective, image = _first_logit(case.model.double()), case.image.double()
    shift = (case.down, case.right)
    gradient = _nudge_each_pixel(lambda batch: objective(batch.roll(shift, dims=(2, 3))), image)
    stepped = answer["stepped"]
    expect_shape("stepped", stepped, tuple(image.shape))
    expect_finite("stepped", stepped)
    moved = (stepped.double() - image).abs().mean().item()
    if not abs(moved - case.rate) <= 0.01 * case.rate:
        raise CheckFailed(
            f"stepped: values moved by {moved:.4g} on average, expected the rate, {case.rate:g}; "
            "divide the gradient by the mean of its absolute values"
        )
    expect_close(
        "stepped",
        stepped,
        image + case.rate * gradient / gradient.abs().mean(),
        why="the step of the image rolled, laid back where the image was",
    )


def _jittered(*, there=lambda d, r: (d, r), back=lambda d, r: (-d, -r), norm=lambda g: g.abs().mean()):
    """A wrong answer made of wrong shifts, or of a wrong size to divide by."""

    def wrong(objective, image, rate, down, right):
        rolled = image.roll(there(down, right), dims=(2, 3))
        gradient = _gradient(objective, rolled)
        stepped = rolled + rate * gradient / norm(gradient)
        return stepped.roll(back(down, right), dims=(2, 3))

    return wrong


JITTER = Exercise(
    id="06.2",
    title="A normalised step, jittered",
    points=2,
    minutes=10,
    hints=(
        "Four lines: roll the image, take the gradient there, step, roll the result back.",
        "image.roll((down, right), dims=(2, 3)) rolls; the same with minus signs rolls back.",
        "A size to divide by: gradient.abs().mean() makes the average step as large as the rate.",
        "(rolled + rate * gradient / gradient.abs().mean()).roll((-down, -right), dims=(2, 3))",
    ),
    cases=_jitter_cases,
    answer=lambda f, case: {
        "stepped": f(_first_logit(case.model), case.image, case.rate, case.down, case.right)
    },
    judge=_judge_jitter,
    mistakes=(
        Mistake(
            "not rolled back",
            "you return the rolled image. After a hundred steps it would have wandered off: roll it back by the "
            "same shift, with minus signs.",
            _jittered(back=lambda d, r: (0, 0)),
        ),
        Mistake(
            "rolled on",
            "you rolled the result on instead of back: the second shift needs minus signs.",
            _jittered(back=lambda d, r: (d, r)),
        ),
        Mistake(
            "no jitter",
            "the gradient is that of the image where it was. Roll first, and differentiate by the rolled image.",
            _jittered(there=lambda d, r: (0, 0), back=lambda d, r: (0, 0)),
        ),
        Mistake(
            "right and down swapped",
            "you rolled down by `right` and right by `down`. An image is (N, 3, H, W): dim 2 goes down, dim 3 right.",
            _jittered(there=lambda d, r: (r, d), back=lambda d, r: (-r, -d)),
        ),
        Mistake(
            "divided by the length",
            "you divided by the gradient's length, the root of the sum of squares, so the step shrinks as the image "
            "grows. Divide by the mean of the absolute values.",
            _jittered(norm=lambda g: g.norm()),
        ),
        Mistake(
            "not normalised",
            "you stepped by rate · gradient as it came. Its size differs a thousandfold from layer to layer: divide by "
            "the mean of its absolute values, and one rate suits them all.",
            _jittered(norm=lambda g: 1),
        ),
        Mistake(
            "the mean of signed values",
            "you divided by the mean of the gradient. Its values cancel, and the mean may even be negative, which "
            "turns the step around: .abs() first.",
            _jittered(norm=lambda g: g.mean()),
        ),
    ),
)


# 06.3 ------------------------------------------------------------------------------------------------
def _norm_cases(generator: torch.Generator) -> Cases:
    faint = GREY + 0.01 * torch.randn(1, 3, 6, 7, generator=generator)
    signed = GREY + 0.4 * (torch.rand(1, 3, 8, 8, generator=generator) - 0.5).sign()
    signed += 0.1 * torch.rand(1, 3, 8, 8, generator=generator)
    return {
        "two photos, the lower half": SimpleNamespace(images=_photos(generator, 2, 12), percent=50),
        "a faint image, the lowest fifth": SimpleNamespace(images=faint, percent=20),
        "an image dark and light": SimpleNamespace(images=signed, percent=70),
        "none": SimpleNamespace(images=_photos(generator, 1, 6), percent=0),
    }


def _grey_least(images: Tensor, sizes: Tensor, percent: float) -> Tensor:
    """By counting: a pixel becomes grey if fewer than that share of its image's pixels are smaller."""
    flat = sizes.flatten(1)
    smaller = (flat[:, :, None] > flat[:, None, :]).sum(dim=2)  # of each pixel, (N, H · W)
    least = (smaller < percent / 100 * (flat.shape[1] - 1)).view_as(sizes)
    return torch.where(least[:, None], GREY, images)


def _judge_clipped(
    name: str, clipped: Tensor, given: Tensor, sizes: Tensor, percent: float, why: str
) -> None:
    expect_shape(name, clipped, tuple(given.shape))
    expect_finite(name, clipped)
    is_grey = (clipped == GREY).all(dim=1)
    share, N = is_grey.double().mean().item() * 100, is_grey[0].numel()
    if not abs(share - percent) <= 100 / N + 1:
        raise CheckFailed(f"{name}: {share:.0f} % of the pixels are grey, 0.5, expected {percent} %; {why}")
    expect_close(name, clipped, _grey_least(given, sizes, percent), why=why, atol=1e-6)


def _judge_norm(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    sizes = (case.images.double() - GREY).square().sum(dim=1)
    why = "the pixels nearest to grey, counted in each image, become grey in all three colours"
    _judge_clipped("clipped", answer["clipped"], case.images, sizes, case.percent, why)


def _clip(sizes, *, to=GREY, each=True, above=False):
    """A wrong answer made of wrong sizes of pixels, (images) -> (N, H, W) or (N, 3, H, W)."""

    def wrong(images, percent):
        found = sizes(images)
        flat = found.flatten(1 if each else 0)
        share = (100 - percent if above else percent) / 100
        threshold = flat.quantile(share, dim=-1).view(-1, *[1] * (found.ndim - 1))
        least = found > threshold if above else found < threshold
        return torch.where(least if least.ndim == 4 else least[:, None], to, images)

    return wrong


def _norm(images):
    return (images - GREY).norm(dim=1)


CLIP_NORM = Exercise(
    id="06.3",
    title="Clip pixels of small norm",
    points=2,
    minutes=10,
    hints=(
        "One number a pixel first: how far its colour is from grey, (images - 0.5).norm(dim=1), shape (N, H, W).",
        "norms.flatten(1).quantile(percent / 100, dim=1) is one threshold an image, shape (N,).",
        "(norms < threshold.view(-1, 1, 1)) is (N, H, W); index it [:, None] to hold for all three colours.",
        "torch.where(small[:, None], 0.5, images)",
    ),
    cases=_norm_cases,
    answer=lambda f, case: {"clipped": f(case.images, case.percent)},
    judge=_judge_norm,
    mistakes=(
        Mistake(
            "clipped to black",
            "you set the small pixels to 0, which is black, the loudest thing there is. Nothing is grey, 0.5.",
            _clip(_norm, to=0.0),
        ),
        Mistake(
            "dark, not small",
            "you took the norm of the image itself, so the dark pixels went. Small means near to grey: take 0.5 "
            "off before the norm.",
            _clip(lambda images: images.norm(dim=1)),
        ),
        Mistake(
            "each colour apart",
            "you clip the three colours of a pixel apart from each other. A pixel is one place: one norm over its "
            "colours, dim=1, and all three go or stay.",
            _clip(lambda images: (images - GREY).abs()),
        ),
        Mistake(
            "one threshold for the batch",
            "you took one threshold over the whole batch, so a quiet image loses more than a loud one beside it. "
            "Take the quantile in each image: flatten(1), dim=1.",
            _clip(_norm, each=False),
        ),
        Mistake(
            "the large ones",
            "you clipped the pixels of large norm. Those carry the picture: the small ones go.",
            _clip(_norm, above=True),
        ),
    ),
)


# 06.4 ------------------------------------------------------------------------------------------------
def _contribution_cases(generator: torch.Generator) -> Cases:
    def case(count, size, percent):
        gradient = torch.randn(count, 3, size, size, generator=generator)
        return SimpleNamespace(images=_photos(generator, count, size), gradient=gradient, percent=percent)

    return {"two photos, the lowest 90 %": case(2, 12, 90), "a photo, the lowest 40 %": case(1, 10, 40)}


def _judge_contribution(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    products = (case.images.double() - GREY) * case.gradient.double()
    sizes = (products[:, 0] + products[:, 1] + products[:, 2]).abs()
    why = "the pixels whose turning grey would move the objective least, up or down, become grey"
    _judge_clipped("clipped", answer["clipped"], case.images, sizes, case.percent, why)


def _clip_by(sizes):
    """A wrong answer made of a wrong contribution, (images, gradient) -> (N, H, W)."""
    return lambda images, gradient, percent: _clip(lambda given: sizes(given, gradient))(images, percent)


CLIP_CONTRIBUTION = Exercise(
    id="06.4",
    title="Clip pixels of small contribution",
    points=2,
    minutes=10,
    hints=(
        "How far would the objective move if a pixel became grey? By the gradient times the way it would go: "
        "gradient · (image - 0.5), to first order.",
        "A pixel becomes grey in all its colours at once, so their three moves add, signs and all.",
        "contribution = ((images - 0.5) * gradient).sum(dim=1).abs(), and the rest is as in 06.3.",
    ),
    cases=_contribution_cases,
    answer=lambda f, case: {"clipped": f(case.images, case.gradient, case.percent)},
    judge=_judge_contribution,
    mistakes=(
        Mistake(
            "sizes added",
            "you took the size of each colour before adding. A pixel turns grey in all colours at once, and what red "
            "would gain blue may lose: add first, .abs() last.",
            _clip_by(lambda images, gradient: ((images - GREY) * gradient).abs().sum(dim=1)),
        ),
        Mistake(
            "sign kept",
            "you left out .abs(), so the pixels that go first are those that work against the objective most. They are "
            "not small; gradient ascent itself takes care of them.",
            _clip_by(lambda images, gradient: ((images - GREY) * gradient).sum(dim=1)),
        ),
        Mistake(
            "gradient alone",
            "you looked at the gradient alone. A pixel that is grey already contributes nothing, however steep: "
            "multiply by image - 0.5.",
            _clip_by(lambda images, gradient: gradient.norm(dim=1)),
        ),
        Mistake(
            "against black",
            "you multiplied the gradient by the image itself: that is what would happen if the pixel became black. "
            "It becomes grey: image - 0.5.",
            _clip_by(lambda images, gradient: (images * gradient).sum(dim=1).abs()),
        ),
        Mistake(
            "norm again",
            "you clip by norm, as in 06.3. Here a pixel is measured by what it does for the objective: "
            "the gradient has to come in.",
            _clip_by(lambda images, gradient: _norm(images)),
        ),
    ),
)


# 06.5 ------------------------------------------------------------------------------------------------
def _loop_cases(generator: torch.Generator) -> Cases:
    def case(start, steps, every, rate):
        net = _network(generator)
        return SimpleNamespace(model=net, start=start, steps=steps, every=every, rate=rate)

    return {
        "from a photo, regularised every 4": case(_photos(generator, 1, 12), 12, 4, 0.05),
        "from grey, regularised every step": case(torch.full((1, 3, 10, 10), GREY), 9, 1, 0.08),
    }


def _grey_frame(images: Tensor) -> Tensor:
    """The regulariser of the cases: one that shows whether it was used, and used last."""
    framed = torch.full_like(images, GREY)
    framed[..., 1:-1, 1:-1] = images[..., 1:-1, 1:-1]
    return framed


def _answer_loop(function, case):
    calls = []

    def regularise(images):
        calls.append(images)
        return _grey_frame(images)

    image = function(_first_logit(case.model), case.start, case.steps, case.rate, regularise, case.every)
    return {"image": image, "calls": len(calls)}


def _judge_loop(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    image, score = answer["image"], _first_logit(case.model)
    expect_shape("image", image, tuple(case.start.shape))
    expect_finite("image", image)
    expect_between("image", image, 0, 1, why="clamp it to 0..1 in every step, or it is no image")
    wanted = case.steps // case.every
    if int(answer["calls"]) != wanted:
        raise CheckFailed(
            f"regularise: called {int(answer['calls'])} times in {case.steps} steps, expected {wanted}: "
            f"after every {case.every}th step"
        )
    expect_close(
        "the image's frame",
        image - _grey_frame(image),
        torch.zeros_like(image),
        why=f"step {case.steps} is one that is regularised, after it stepped, and here that greys the frame",
    )
    best = _LOOP_REFERENCE(score, case.start.clone(), case.steps, case.rate, _grey_frame, case.every)
    before, after, reachable = (score(x.float()).item() for x in (case.start, image, best))
    if not after >= before + 0.8 * (reachable - before):
        raise CheckFailed(
            f"image: scored anew it has {after:.2f}; the start had {before:.2f}, and {case.steps} steps uphill reach "
            f"{reachable:.2f}"
        )


def _loop(*, sign=1, first=1, all_steps=False, clamp=True, copy=True, before=False):
    """The loop, with what can go wrong in it."""

    def run(objective, start, steps, rate, regularise, every):
        image = start.clone() if copy else start
        for step in range(first, steps + first):
            gradient = _gradient(objective, image)
            if before and step % every == 0:
                image = regularise(image)
            image += sign * rate * gradient / gradient.abs().mean().clamp(min=1e-12)
            if not before and (all_steps or step % every == 0):
                image = regularise(image)
            image = image.clamp(0, 1) if clamp else image
        return image

    return run


_LOOP_REFERENCE = _loop()


def _only_one_step(objective, start, steps, rate, regularise, every):
    return _LOOP_REFERENCE(objective, start, 1, rate, regularise, 1)


LOOP = Exercise(
    id="06.5",
    title="The loop",
    points=3,
    minutes=15,
    hints=(
        "The four steps of the lecture, in a for loop: forward, gradient, a small step, regularise.",
        "for step in range(1, steps + 1): so that step % every == 0 is true at every, 2·every, …",
        "A fresh leaf in every round, leaf = image.clone().requires_grad_(): no gradient is left from the last one.",
        "image = image + rate * gradient / gradient.abs().mean(); if step % every == 0: image = regularise(image); "
        "image = image.clamp(0, 1)",
    ),
    cases=_loop_cases,
    answer=_answer_loop,
    judge=_judge_loop,
    mistakes=(
        Mistake(
            "downhill all the way",
            "the score falls from step to step: you subtract the gradient. Gradient *ascent* adds it.",
            _loop(sign=-1),
        ),
        Mistake(
            "out of the loop after one step",
            "you took one step. Is the return inside the for loop?",
            _only_one_step,
        ),
        Mistake(
            "regularised in every step",
            "you regularise in every step. A blur in each would leave nothing sharp: only where step % every == 0.",
            _loop(all_steps=True),
        ),
        Mistake(
            "counted from nought",
            "your steps count from 0, so you regularise after the first step and not after the last. "
            "range(1, steps + 1).",
            _loop(first=0),
        ),
        Mistake(
            "regularised before the step",
            "you regularise first and step after, so what you return is a step away from what the regulariser wants. "
            "Step, then regularise.",
            _loop(before=True),
        ),
        Mistake(
            "never clamped",
            "you leave 0..1, and no screen can show that. Clamp at the end of each step.",
            _loop(clamp=False),
        ),
        Mistake(
            "the caller's image",
            "you wrote into the caller's own tensor: += on it, or on an image that is it. Begin with start.clone().",
            _loop(copy=False),
        ),
    ),
)

EXERCISES = (STEP, JITTER, CLIP_NORM, CLIP_CONTRIBUTION, LOOP)
