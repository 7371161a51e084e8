"""05.4 Guided backprop through a whole network, with hooks on its ReLUs."""

from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.checks.expect import expect_close
from labkit.exercises.drawing import draw_classifier, draw_photos
from labkit.methods import gradients as reference


class _Residual(nn.Module):
    """A block as ResNet has it, that runs its only ReLU twice."""

    def __init__(self, channels: int):
        super().__init__()
        self.first, self.second = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        maps: Tensor = self.relu(x + self.second(self.relu(self.first(x))))
        return maps


def _network_cases(generator: torch.Generator) -> Cases:
    targets = (1 + torch.randperm(3, generator=generator)).tolist()  # never the first, and not twice the same

    def case(*middle: nn.Module) -> SimpleNamespace:
        net = nn.Sequential(
            *(nn.Conv2d(3, 6, 3), nn.ReLU(), *middle, nn.Conv2d(6, 8, 3), nn.ReLU()),
            *(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 4)),
        )
        model = draw_classifier(generator, net, 4)
        return SimpleNamespace(model=model, image=draw_photos(generator, 1, 12), target=targets.pop())

    return {
        "a plain stack": case(nn.MaxPool2d(2), nn.Conv2d(6, 6, 1), nn.ReLU()),
        "a ReLU inside a block, run twice": case(_Residual(6)),
    }


def _hooks(model: nn.Module) -> int:
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return sum(len(getattr(module, kind)) for module in model.modules() for kind in kinds)


def _answer_guided(function: Callable[..., Any], case: SimpleNamespace) -> dict[str, Any]:
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


def _with_hooks(
    find: Callable[[Any], list[nn.ReLU]],
    hook: Callable[[Tensor, Tensor], Tensor],
    *,
    remove: bool = True,
    after: Callable[[Tensor], Tensor] = lambda gradient: gradient,
    score: Callable[[Tensor, int], Tensor] = lambda x, target: x[0, target],
) -> Callable[[nn.Module, Tensor, int], Tensor]:
    """A wrong answer made of hooks. find: (model) -> modules; hook: (grad_input, grad_output) -> grad_input."""

    def wrong(model: nn.Module, image: Tensor, target: int) -> Tensor:
        def pass_down(_relu: nn.Module, grad_input: Any, grad_output: Any) -> tuple[Tensor]:
            return (hook(grad_input[0], grad_output[0]),)

        handles = [relu.register_full_backward_hook(pass_down) for relu in find(model)]
        leaf = image.clone().requires_grad_()
        gradient = torch.autograd.grad(score(model(leaf), target), leaf)[0]
        for handle in handles if remove else ():
            handle.remove()
        return after(gradient)

    return wrong


def _relus(modules: Iterable[nn.Module]) -> list[nn.ReLU]:
    return [module for module in modules if isinstance(module, nn.ReLU)]


def _guide(grad_input: Tensor, grad_output: Tensor) -> Tensor:
    return grad_input.clamp(min=0)


EXERCISE = Exercise(
    id="05.4",
    title="Guided backprop with hooks",
    points=3,
    minutes=15,
    core=True,
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
            "this is the plain gradient: no hook had an effect. Does each hook return its new value, as a tuple of one "
            "tensor; do hooks hang on nn.ReLU modules, and are they still on when the gradient is taken?",
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
            "the negative kept",
            "you keep what is below 0 and drop the rest. clamp(max=0) cuts off above; clamp(min=0) cuts off below.",
            _with_hooks(lambda model: _relus(model.modules()), lambda gi, go: gi.clamp(max=0)),
        ),
        Mistake(
            "the mask alone",
            "your hook returns ones and zeros. It has to return the gradient itself where that is above 0: "
            "grad_input[0].clamp(min=0).",
            _with_hooks(lambda model: _relus(model.modules()), lambda gi, go: (gi > 0).float()),
        ),
        Mistake(
            "softmax first",
            "you follow a probability, which also rises when the other logits fall. Take the target's logit.",
            _with_hooks(
                lambda m: _relus(m.modules()), _guide, score=lambda x, target: x.softmax(1)[0, target]
            ),
        ),
        Mistake(
            "all logits",
            "you follow the sum of all logits. Take the target's alone: model(leaf)[0, target].",
            _with_hooks(lambda m: _relus(m.modules()), _guide, score=lambda x, target: x.sum()),
        ),
        Mistake(
            "the largest logit",
            "you follow the logit of what the network puts first. Take the target's: model(leaf)[0, target].",
            _with_hooks(lambda m: _relus(m.modules()), _guide, score=lambda x, target: x[0].amax()),
        ),
        Mistake(
            "hooks left on",
            "the gradient is right, but your hooks are still on the model: from now on every gradient anybody "
            "takes of it is guided. Keep each handle, and remove() it.",
            _with_hooks(lambda model: _relus(model.modules()), _guide, remove=False),
        ),
    ),
)
