"""Stage 05, guided backprop: a logit's gradient, a saliency map, rules for ReLUs, and a measure of doubt."""

from copy import deepcopy
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labkit import images
from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close, expect_shape
from labkit.methods import gradients as reference
from labkit.models import Classifier


def _photos(generator: torch.Generator, count: int, size: int) -> Tensor:
    bank = images.photos().images
    return images.fit(bank[torch.randperm(len(bank), generator=generator)[:count]], size)


def _classifier(generator: torch.Generator, net: nn.Module, categories: int) -> Classifier:
    """A tiny network with weights of its own, loud enough that categories differ."""
    for parameter in net.parameters():
        fan_in = parameter[0].numel() if parameter.ndim > 1 else 100
        parameter.data = torch.randn(parameter.shape, generator=generator) * (2 / fan_in) ** 0.5
    return Classifier(net, name="tiny", categories=[f"category {i}" for i in range(categories)])


# 05.1 ------------------------------------------------------------------------------------------------
def _logit_cases(generator: torch.Generator) -> Cases:
    def case(count, size, categories=5):
        net = nn.Sequential(
            *(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 6, 3, stride=2), nn.ReLU()),
            *(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, categories)),
        )
        targets = torch.randperm(categories, generator=generator)[:count]
        photos = _photos(generator, count, size)
        return SimpleNamespace(model=_classifier(generator, net, categories), images=photos, targets=targets)

    return {"one photo": case(1, 12), "three photos, three targets": case(3, 10)}


def _nudge_each_pixel(case: SimpleNamespace, *, step: float = 1e-7) -> Tensor:
    """The gradient without autograd: each value of each photo up and down a little, in float64."""
    model = deepcopy(case.model).double()
    nudges = step * torch.eye(case.images[0].numel(), dtype=torch.float64).view(-1, *case.images.shape[1:])
    slopes = [
        (model(image + nudges) - model(image - nudges))[:, target] / (2 * step)
        for image, target in zip(case.images.double(), case.targets, strict=True)
    ]
    return torch.stack(slopes).view(case.images.shape)


def _judge_logit(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    expect_close(
        "gradient",
        answer["gradient"],
        _nudge_each_pixel(case),
        why="nudge one value by a little, and that is how fast its photo's logit moves",
    )


def _gradient_of(score, *, clone=True):
    """A wrong answer made of a wrong score: (logits, targets) -> scalar."""

    def wrong(model, images, targets):
        leaf = images.clone().requires_grad_() if clone else images.requires_grad_()
        return torch.autograd.grad(score(model(leaf), targets), leaf)[0]

    return wrong


def _own(logits, targets):
    return logits[range(len(logits)), targets]


LOGIT = Exercise(
    id="05.1",
    title="The gradient of a logit",
    points=2,
    minutes=10,
    hints=(
        "Autograd differentiates with respect to a leaf: leaf = images.clone().requires_grad_().",
        "logits[range(N), targets] takes each photo's own logit, shape (N,).",
        "No photo's logit depends on another photo, so the gradient of their sum holds all N gradients.",
        "torch.autograd.grad(logits[range(N), targets].sum(), leaf)[0]",
    ),
    cases=_logit_cases,
    answer=lambda f, case: {"gradient": f(case.model, case.images, case.targets)},
    judge=_judge_logit,
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
            "all logits",
            "you sum all the logits of a photo. Pick one a photo: logits[range(N), targets].",
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
            "the caller's photos",
            "you called requires_grad_() on the caller's own tensor: from now on autograd records whatever "
            "they do with it. Work on images.clone().",
            _gradient_of(lambda logits, targets: _own(logits, targets).sum(), clone=False),
        ),
    ),
)


# 05.2 ------------------------------------------------------------------------------------------------
def _gradients(generator: torch.Generator) -> Cases:
    def draw(*shape):
        return torch.randn(shape, generator=generator)

    return {
        "two gradients": draw(2, 3, 6, 5),
        "all below zero": -draw(1, 3, 4, 4).abs() - 0.1,
        "small ones": draw(1, 3, 4, 7) * 0.01,
    }


def _judge_saliency(gradient: Tensor, answer: dict[str, Tensor]) -> None:
    saliency = answer["saliency"]
    N, _, H, W = gradient.shape
    expect_shape("saliency", saliency, (N, H, W))
    expect_between("saliency", saliency, 0, torch.inf, why="a size is not negative", slack=0)
    red, green, blue = gradient.abs().unbind(1)
    expect_close(
        "saliency",
        saliency,
        torch.maximum(torch.maximum(red, green), blue),
        why="the largest size among a pixel's three colours",
        atol=1e-6,
    )


SALIENCY = Exercise(
    id="05.2",
    title="From a gradient to a saliency map",
    points=1,
    minutes=5,
    hints=(
        "Two steps, and their order matters: sizes first, then the largest over the colours.",
        "gradient.abs() are the sizes; the colours are dim=1.",
        "gradient.abs().amax(dim=1)",
    ),
    cases=_gradients,
    answer=lambda f, gradient: {"saliency": f(gradient)},
    judge=_judge_saliency,
    mistakes=(
        Mistake(
            "sign kept",
            "you took the largest gradient and not the largest size. A pixel that lowers the score matters as "
            "much as one that raises it: .abs() first.",
            lambda g: g.amax(dim=1),
        ),
        Mistake(
            "size taken last",
            "you took the largest colour first and its size after: -3 lost against 1 before abs could save it. "
            ".abs() first.",
            lambda g: g.amax(dim=1).abs(),
        ),
        Mistake(
            "mean over colours",
            "you averaged over the colours. The map is their maximum: one colour that matters is enough.",
            lambda g: g.abs().mean(dim=1),
        ),
        Mistake(
            "colours cancel",
            "you averaged the signed gradients, so red and green that pull in opposite ways cancel. "
            ".abs() first, then the maximum.",
            lambda g: g.mean(dim=1).abs(),
        ),
        Mistake(
            "dimension kept",
            "the colour dimension is still there, with size 1. Leave out keepdim: (N, H, W).",
            lambda g: g.abs().amax(dim=1, keepdim=True),
        ),
        Mistake(
            "scaled for display",
            "you divided each map by its largest value. That is for drawing; "
            "here it loses how much one photo's pixels matter against another's.",
            lambda g: g.abs().amax(dim=1) / g.abs().amax(dim=(1, 2, 3), keepdim=True)[:, 0],
        ),
    ),
)


# 05.3 ------------------------------------------------------------------------------------------------
def _rule_cases(generator: torch.Generator) -> Cases:
    def case(rule, *shape):
        grad_output, x = (torch.randn(shape, generator=generator) for _ in range(2))
        x[..., 0] = 0  # a ReLU right at its corner is shut
        grad_output[..., 0] = 1
        return SimpleNamespace(rule=rule, grad_output=grad_output, x=x)

    return {rule: case(rule, 2, 3, 4, 5) for rule in ("gradient", "deconvnet", "guided")}


def _judge_rule(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    is_open, is_positive = case.x > 0, case.grad_output > 0
    passes, why = {
        "gradient": (is_open, "what comes from above passes where the input was above 0"),
        "deconvnet": (is_positive, "what comes from above passes where it is itself above 0"),
        "guided": (is_open & is_positive, "it passes where the input and itself are above 0"),
    }[case.rule]
    expected = torch.where(passes, case.grad_output, 0.0)
    expect_close(f"grad_input ({case.rule})", answer["grad_input"], expected, why=why, atol=1e-6)


def _rules(*, gradient=None, deconvnet=None, guided=None):
    """A wrong answer: some rules replaced, the others right. Each: (grad_output, input) -> grad_input."""
    right = {
        "gradient": lambda g, x: g * (x > 0),
        "deconvnet": lambda g, x: g.clamp(min=0),
        "guided": lambda g, x: g.clamp(min=0) * (x > 0),
    }
    wrong = right | {k: v for k, v in zip(right, (gradient, deconvnet, guided), strict=True) if v}
    return lambda grad_output, x, rule: wrong[rule](grad_output, x)


RULES = Exercise(
    id="05.3",
    title="One ReLU, three rules",
    points=2,
    minutes=8,
    hints=(
        "There are two masks: x > 0 looks at the photo, grad_output > 0 at what comes from above.",
        "The gradient uses the first, the deconvnet the second, guided backprop both.",
        "guided: grad_output * (x > 0) * (grad_output > 0), and each of the others leaves one mask out.",
    ),
    cases=_rule_cases,
    answer=lambda f, case: {"grad_input": f(case.grad_output, case.x, case.rule)},
    judge=_judge_rule,
    mistakes=(
        Mistake(
            "negative kept",
            "your guided rule lets negative gradients pass, so it is the plain gradient. "
            "It also needs grad_output > 0.",
            _rules(guided=lambda g, x: g * (x > 0)),
        ),
        Mistake(
            "input forgotten",
            "your guided rule looks at the gradient alone, so it is the deconvnet's. "
            "What makes it guided is that the input was above 0 as well.",
            _rules(guided=lambda g, x: g.clamp(min=0)),
        ),
        Mistake(
            "deconvnet looks at the input",
            "your deconvnet rule uses the input. It puts a ReLU on the way back, on the gradient, and asks "
            "nothing else.",
            _rules(deconvnet=lambda g, x: g.clamp(min=0) * (x > 0)),
        ),
        Mistake(
            "zero counted as open",
            "you let the gradient pass where the input is 0. A ReLU there is shut: x > 0, not >= 0.",
            _rules(gradient=lambda g, x: g * (x >= 0), guided=lambda g, x: g.clamp(min=0) * (x >= 0)),
        ),
        Mistake(
            "times the input",
            "you multiply by the input, relu(x), where only its sign counts: open lets all pass, "
            "shut nothing. Use the mask x > 0.",
            _rules(
                gradient=lambda g, x: g * x.clamp(min=0), guided=lambda g, x: g.clamp(min=0) * x.clamp(min=0)
            ),
        ),
    ),
)


# 05.4 ------------------------------------------------------------------------------------------------
class _Residual(nn.Module):
    """A block as ResNet has it, that runs its only ReLU twice."""

    def __init__(self, channels: int):
        super().__init__()
        self.first, self.second = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(x + self.second(self.relu(self.first(x))))


def _network_cases(generator: torch.Generator) -> Cases:
    def case(*middle):
        net = nn.Sequential(
            *(nn.Conv2d(3, 6, 3), nn.ReLU(), *middle, nn.Conv2d(6, 8, 3), nn.ReLU()),
            *(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 4)),
        )
        target = int(torch.randint(4, (), generator=generator))
        model = _classifier(generator, net, 4)
        return SimpleNamespace(model=model, image=_photos(generator, 1, 12), target=target)

    return {
        "a plain stack": case(nn.MaxPool2d(2), nn.Conv2d(6, 6, 1), nn.ReLU()),
        "a ReLU inside a block, run twice": case(_Residual(6)),
    }


def _hooks(model: nn.Module) -> int:
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return sum(len(getattr(module, kind)) for module in model.modules() for kind in kinds)


def _answer_guided(function, case):
    return {"guided": function(case.model, case.image, case.target), "hooks": _hooks(case.model)}


def _judge_guided(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    expected = reference.guided_backprop(case.model, case.image, case.target)
    expect_close(
        "guided",
        answer["guided"],
        expected,
        why="at every ReLU only positive gradients through positive inputs",
    )
    if count := int(answer["hooks"]):
        raise CheckFailed(f"hooks: expected none afterwards, got {count}", mistake="hooks left on")


def _with_hooks(find, hook, *, remove=True, after=lambda gradient: gradient):
    """A wrong answer made of hooks. find: (model) -> modules; hook: (grad_input, grad_output) -> grad_input."""

    def wrong(model, image, target):
        handles = [
            relu.register_full_backward_hook(lambda _m, gi, go: (hook(gi[0], go[0]),)) for relu in find(model)
        ]
        leaf = image.clone().requires_grad_()
        gradient = torch.autograd.grad(model(leaf)[0, target], leaf)[0]
        for handle in handles if remove else ():
            handle.remove()
        return after(gradient)

    return wrong


def _relus(modules):
    return [module for module in modules if isinstance(module, nn.ReLU)]


def _guide(grad_input, grad_output):
    return grad_input.clamp(min=0)


GUIDED = Exercise(
    id="05.4",
    title="Guided backprop with hooks",
    points=3,
    minutes=15,
    hints=(
        "model.modules() finds every nn.ReLU, also inside blocks. "
        "handle = relu.register_full_backward_hook(hook) hangs a hook on it.",
        "The hook gets (module, grad_input, grad_output), both tuples. What it returns, a tuple of one tensor, "
        "takes grad_input's place.",
        "grad_input[0] is already zero where the input was not above 0: that mask the ReLU has applied itself. "
        "So return (grad_input[0].clamp(min=0),)",
        "Keep the handles in a list, and call handle.remove() on each when the gradient is there.",
    ),
    cases=_network_cases,
    answer=_answer_guided,
    judge=_judge_guided,
    mistakes=(
        Mistake(
            "clamped at the end only",
            "you clamp the finished gradient. The negative ones have to go at every ReLU on the way, "
            "before the next layer mixes them in again.",
            _with_hooks(lambda model: [], _guide, after=lambda gradient: gradient.clamp(min=0)),
        ),
        Mistake(
            "plain gradient",
            "this is the plain gradient: no hook had an effect. Does your hook return its new value, "
            "as a tuple of one tensor?",
            _with_hooks(lambda model: [], _guide),
        ),
        Mistake(
            "deconvnet",
            "this is the deconvnet: your hook returns the clamped grad_output, so the mask of the input is lost. "
            "Clamp grad_input, which has it.",
            _with_hooks(lambda model: _relus(model.modules()), lambda gi, go: go.clamp(min=0)),
        ),
        Mistake(
            "outer ReLUs only",
            "you found the ReLUs on the outside and missed those inside blocks. "
            "model.modules() goes into everything; children() does not.",
            _with_hooks(lambda model: _relus(model.net.children()), _guide),
        ),
        Mistake(
            "absolute values",
            "you turn negative gradients into positive ones. They are to be dropped: clamp(min=0).",
            _with_hooks(lambda model: _relus(model.modules()), lambda gi, go: gi.abs()),
        ),
        Mistake(
            "hooks left on",
            "the gradient is right, but your hooks are still on the model: from now on every gradient anybody "
            "takes of it is guided. Keep each handle, and remove() it.",
            _with_hooks(lambda model: _relus(model.modules()), _guide, remove=False),
        ),
    ),
)


# 05.5 ------------------------------------------------------------------------------------------------
def _map_pairs(generator: torch.Generator) -> Cases:
    first, second = (torch.randn(7, 9, generator=generator) for _ in range(2))
    mixed = first + second
    sparse, other = (torch.randn(8, 8, generator=generator).clamp(min=0) for _ in range(2))
    return {
        "alike, in part": SimpleNamespace(first=first, second=mixed),
        "the same order on another scale": SimpleNamespace(first=first, second=first.mul(2).exp()),
        "in reverse": SimpleNamespace(first=second, second=-second.pow(3)),
        "zero at every other pixel": SimpleNamespace(first=sparse, second=sparse + other),
    }


def _count_ranks(values: Tensor) -> Tensor:
    """Ranks by counting, each value against each: how many are smaller, and half of those that are equal."""
    mine, theirs = values.flatten()[:, None], values.flatten()
    return (mine > theirs).sum(dim=1) + ((mine == theirs).sum(dim=1) + 1).double() / 2


def _pearson(first: Tensor, second: Tensor) -> Tensor:
    return torch.corrcoef(torch.stack([first.flatten().double(), second.flatten().double()]))[0, 1]


def _judge_correlation(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    correlation = answer["correlation"]
    expect_shape("correlation", correlation, ())
    expect_between("correlation", correlation, -1, 1, why="a correlation cannot leave -1..1", slack=1e-4)
    expected = _pearson(_count_ranks(case.first), _count_ranks(case.second))
    expect_close(
        "correlation", correlation, expected, why="the correlation of the ranks, equal values sharing one"
    )


def _order(values: Tensor) -> Tensor:
    return values.flatten().argsort(stable=True)


def _shortcut(first: Tensor, second: Tensor) -> Tensor:
    n = first.numel()
    apart = (_count_ranks(first) - _count_ranks(second)).square().sum()
    return 1 - 6 * apart / (n * (n**2 - 1))


CORRELATION = Exercise(
    id="05.5",
    title="Rank correlation of two maps",
    points=2,
    minutes=12,
    hints=(
        "Three steps: flatten both maps, put ranks in place of values, take the ordinary correlation of the ranks.",
        "A rank by counting: values[:, None] > values is (n, n), and its sum over dim=1 says how many are smaller.",
        "Equal values share the mean of their ranks: add half of (values[:, None] == values).sum(dim=1).",
        "torch.corrcoef(torch.stack([ranks_of_first, ranks_of_second]))[0, 1]",
    ),
    cases=_map_pairs,
    answer=lambda f, case: {"correlation": f(case.first, case.second)},
    judge=_judge_correlation,
    mistakes=(
        Mistake(
            "order, not ranks",
            "argsort says which value comes first, second, third: places, not ranks. "
            "argsort of argsort would be ranks; equal values then still need to share theirs.",
            lambda a, b: _pearson(_order(a), _order(b)),
        ),
        Mistake(
            "values, not ranks",
            "you correlate the values themselves (Pearson), so a few bright pixels decide. "
            "Put ranks in their place first.",
            _pearson,
        ),
        Mistake(
            "equal values ranked apart",
            "equal values got different ranks, in the order in which they stand. In a map that is half zero this "
            "invents an order among the zeros: let equal values share the mean of their ranks.",
            lambda a, b: _pearson(_order(_order(a)), _order(_order(b))),
        ),
        Mistake(
            "signs dropped",
            "you took absolute values first, so strongly negative and strongly positive rank alike. "
            "Rank the values as they come; whether a map has signs is the caller's business.",
            lambda a, b: _pearson(_count_ranks(a.abs()), _count_ranks(b.abs())),
        ),
        Mistake(
            "the formula without ties",
            "1 - 6 Σd² / (n(n² - 1)) holds only where no two values are equal. "
            "The correlation of the ranks holds always.",
            _shortcut,
        ),
    ),
)

EXERCISES = (LOGIT, SALIENCY, RULES, GUIDED, CORRELATION)
