"""05.3 Three ways back through a ReLU: gradient, deconvnet, guided backprop."""

from collections.abc import Callable
from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake, each
from labkit.checks.expect import expect_close

Rule = Callable[[Tensor, Tensor], Tensor]  # grad_output, input -> grad_input


def _rule_cases(generator: torch.Generator) -> Cases:
    def case(rule: str, *shape: int) -> SimpleNamespace:
        grad_output, x = (torch.randn(shape, generator=generator) for _ in range(2))
        corner = torch.rand(shape, generator=generator) < 0.2  # a ReLU right at its corner is shut
        x[corner], grad_output[corner] = 0, grad_output[corner].abs()
        return SimpleNamespace(rule=rule, grad_output=grad_output, x=x)

    return {rule: case(rule, 2, 3, 7, 9) for rule in ("gradient", "deconvnet", "guided")}


def _judge_rule(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    is_open, is_positive = case.x > 0, case.grad_output > 0
    passes, why = {
        "gradient": (is_open, "what comes from above passes where the input was above 0"),
        "deconvnet": (is_positive, "what comes from above passes where it is itself above 0"),
        "guided": (is_open & is_positive, "it passes where the input and itself are above 0"),
    }[case.rule]
    expected, name = torch.where(passes, case.grad_output, 0.0), f"grad_input ({case.rule})"
    try:
        expect_close(name, answer["grad_input"], expected, why=why, atol=1e-6)
    except CheckFailed as failure:
        at_corner = answer["grad_input"].shape == expected.shape and torch.allclose(
            answer["grad_input"].where(case.x != 0, expected).to(expected), expected
        )
        named = "zero counted as open" if at_corner and case.rule != "deconvnet" else None
        raise CheckFailed(str(failure), mistake=named, evidence=failure.evidence) from None


def _rules(
    *, gradient: Rule | None = None, deconvnet: Rule | None = None, guided: Rule | None = None
) -> Callable[[Tensor, Tensor, str], Tensor]:
    """A wrong answer: some rules replaced, the others right. Each: (grad_output, input) -> grad_input."""
    right: dict[str, Rule] = {
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
    core=True,
    hints=(
        "There are two masks: x > 0 looks at the photo, grad_output > 0 at what comes from above.",
        "The gradient uses the first, the deconvnet the second, guided backprop both.",
        "guided: grad_output * (x > 0) * (grad_output > 0), and each of the others leaves one mask out.",
    ),
    cases=_rule_cases,
    answer=lambda f, case: {"grad_input": f(case.grad_output, case.x, case.rule)},
    judge=_judge_rule,
    alone=each("grad_output", "x"),
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
            "one rule for all",
            "your deconvnet and guided rules give the plain gradient: is `rule` looked at in each case?",
            _rules(deconvnet=lambda g, x: g * (x > 0), guided=lambda g, x: g * (x > 0)),
        ),
        Mistake(
            "gradient and deconvnet exchanged",
            "you exchanged two rules: the gradient asks whether the input was above 0, "
            "the deconvnet whether what comes from above is.",
            _rules(gradient=lambda g, x: g * (g > 0), deconvnet=lambda g, x: g * (x > 0)),
        ),
        Mistake(
            "either is enough",
            "your guided rule lets the gradient pass where one of the two is above 0. It asks for both: &, not |.",
            _rules(guided=lambda g, x: g * ((x > 0) | (g > 0))),
        ),
        Mistake(
            "the mask alone",
            "you return the mask itself, ones and zeros. It says where grad_output passes: multiply the two.",
            _rules(
                gradient=lambda g, x: (x > 0).float(),
                deconvnet=lambda g, x: (g > 0).float(),
                guided=lambda g, x: ((x > 0) & (g > 0)).float(),
            ),
        ),
        Mistake(
            "the forward pass",
            "you return relu(x), which is the ReLU's forward pass. On the way back it is grad_output that passes, "
            "where x was above 0.",
            _rules(gradient=lambda g, x: x.clamp(min=0)),
        ),
        Mistake(
            "mask turned round",
            "you let the gradient pass where the input is below 0: that is where a ReLU is shut. The mask is x > 0.",
            _rules(gradient=lambda g, x: g * (x < 0), guided=lambda g, x: g.clamp(min=0) * (x < 0)),
        ),
        Mistake(
            "negative turned positive",
            "your deconvnet rule turns what is below 0 into positive values. They are dropped: "
            "grad_output where it is above 0, else 0.",
            _rules(deconvnet=lambda g, x: g.abs()),
        ),
        Mistake(
            "guided: the two halves multiplied",
            "your guided rule multiplies relu(grad_output) with relu(x). Of x only the sign counts: "
            "relu(grad_output) * (x > 0).",
            _rules(guided=lambda g, x: g.clamp(min=0) * x.clamp(min=0)),
        ),
        Mistake(
            "leaky",
            "you let a little pass where the input was below 0, as a leaky ReLU does. Here it is shut: 0.",
            _rules(gradient=lambda g, x: torch.where(x > 0, g, 0.01 * g)),
        ),
        Mistake(
            "sign of the input",
            "you multiply by the input's sign, so where the input was below 0 the gradient comes out turned round. "
            "There nothing passes: the mask is x > 0, ones and zeros.",
            _rules(gradient=lambda g, x: g * x.sign()),
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
