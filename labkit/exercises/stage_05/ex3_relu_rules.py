"""05.3 Three ways back through a ReLU: gradient, deconvnet, guided backprop."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.checks.expect import expect_close


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


EXERCISE = Exercise(
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
