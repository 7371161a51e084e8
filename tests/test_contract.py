"""Every exercise keeps its contract: the stub, the solution, each mistake, the hints."""

from pathlib import Path

import pytest
import torch

from labkit.authoring.reference import all_references
from labkit.checks.answer import State
from labkit.checks.answering import produce
from labkit.checks.exercise import PUBLIC_SEED
from labkit.checks.judging import judge
from labkit.checks.verdicts import as_html, as_text
from labkit.exercises import exercises, stages

ALL = [exercise for stage in stages() for exercise in exercises(stage)]
MISTAKES = [(exercise, mistake) for exercise in ALL for mistake in exercise.mistakes]
SEEDS = [PUBLIC_SEED, 20_260_101]


def verdict(exercise, function, seed=PUBLIC_SEED):
    return judge(exercise, produce(exercise, function, exercise.draw_cases(seed)), seed)


@pytest.fixture(params=ALL, ids=lambda exercise: exercise.id)
def exercise(request):
    return request.param


def test_a_stub_is_not_attempted(exercise):
    def stub(*_args, **_kwargs):
        raise NotImplementedError(f"TODO {exercise.id}")

    found = verdict(exercise, stub)
    assert found.state == State.NOT_ATTEMPTED
    assert "not attempted" in as_text(found)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("exercise", "mistake"), MISTAKES, ids=lambda p: getattr(p, "id", getattr(p, "name", None))
)
def test_every_mistake_fails_with_its_own_lesson(exercise, mistake, seed):
    found = verdict(exercise, mistake.wrong, seed)
    assert not found.passed
    assert found.mistake is not None, found.message
    assert found.mistake.name == mistake.name
    assert mistake.lesson in as_text(found)


@pytest.fixture(scope="module")
def solutions():
    """Every exercise's solution, as its source has it: id -> function."""
    folder = Path(__file__).parent.parent / "solutions"
    return {key: reference.function() for key, reference in all_references(folder).items()}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_solution_passes(exercise, seed, solutions):
    found = verdict(exercise, solutions[exercise.id], seed)
    assert found.passed, as_text(found)


def mapped(value, change):
    """A result with each tensor in it changed; what is no tensor stays."""
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, dict):
        return {key: mapped(part, change) for key, part in value.items()}
    return type(value)(mapped(part, change) for part in value) if isinstance(value, tuple | list) else value


KINDS = {
    "numpy arrays": lambda t: t.detach().numpy(),
    "lists": lambda t: list(t) if t.ndim else t.item(),
    "other types": lambda t: (
        t.double() if t.is_floating_point() else t.int() if t.dtype == torch.int64 else t
    ),
    "strides": lambda t: torch.stack([t, t], dim=-1)[..., 0] if t.ndim else t,
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_right_answer_of_another_kind_is_right(exercise, kind, solutions):
    if exercise.id == "07.4" and kind in ("numpy arrays", "lists"):
        kind = "other types"  # its score has to be a tensor: it is differentiated
    right = solutions[exercise.id]
    found = verdict(exercise, lambda *args, **named: mapped(right(*args, **named), KINDS[kind]))
    assert found.passed, as_text(found)


def inputs(value):
    """The tensors and networks among a function's arguments."""
    if isinstance(value, torch.Tensor | torch.nn.Module):
        yield value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, tuple | list) else ()
    for part in parts:
        yield from inputs(part)


def is_float(value):
    return isinstance(value, torch.Tensor) and value.is_floating_point() and value.numel() > 0


def last_layer(value):
    return [*value.modules()][-1]


def replace_a_relu(net):
    for module in net.modules():
        for name, part in module.named_children():
            setattr(module, name, torch.nn.ReLU() if isinstance(part, torch.nn.ReLU) else part)


def is_net(value):
    return isinstance(value, torch.nn.Module)


TRACES = {  # what is left behind -> (in which inputs it can be, how)
    "a value": (is_float, lambda t: t.detach().view(-1)[:1].add_(0.25)),
    "a wish for gradients": (
        lambda v: is_float(v) and v.is_leaf,
        lambda t: t.requires_grad_(not t.requires_grad),
    ),
    "another mode": (is_net, lambda net: last_layer(net).train(not net.training)),
    "a hook": (is_net, lambda net: last_layer(net).register_forward_hook(lambda *_: None)),
    "another ReLU": (
        lambda v: is_net(v) and any(isinstance(m, torch.nn.ReLU) for m in v.modules()),
        replace_a_relu,
    ),
}


@pytest.mark.parametrize("trace", TRACES)
def test_a_right_answer_that_leaves_a_trace_in_what_it_was_given_is_wrong(exercise, trace, solutions):
    right, left = solutions[exercise.id], []
    fits, leave = TRACES[trace]

    def careless(*args, **named):
        result = mapped(right(*args, **named), torch.clone)
        for value in filter(fits, inputs([*args, *named.values()])):
            left.append(leave(value))
        return result

    found = verdict(exercise, careless)
    assert found.passed != bool(left), as_text(found)
    if left:
        # 07.4 hands over a leaf whose gradient it takes afterwards: autograd itself may notice first
        assert found.state == State.WRONG or exercise.id == "07.4"
        assert "expected" in found.message or exercise.id == "07.4"


def test_a_right_answer_that_is_another_one_when_asked_again_is_wrong(exercise, solutions):
    right, again = solutions[exercise.id], []

    def forgetful(*args, **named):
        result = right(*args, **named)
        if again:
            return None
        again.append(True)
        return result

    found = verdict(exercise, forgetful)
    assert found.state == State.WRONG
    assert "asked twice" in found.message, found.message


def test_a_function_of_other_results_fails_without_a_crash_of_the_judge(exercise):
    for rubbish in (None, "text", 3, torch.zeros(0), torch.full((2, 2), torch.nan), [torch.zeros(1)]):
        assert not verdict(exercise, lambda *_a, _r=rubbish, **_k: _r).passed


def test_a_function_that_raises_is_told_where(exercise):
    def broken(*_args, **_kwargs):
        raise ZeroDivisionError("by hand")

    found = verdict(exercise, broken)
    assert found.state == State.CRASHED
    assert "ZeroDivisionError: by hand" in found.message
    assert "of your cell: raise ZeroDivisionError" in found.message


def test_it_has_hints_points_minutes_and_three_mistakes(exercise):
    assert len(exercise.hints) >= 2
    assert len(exercise.mistakes) >= 3
    assert exercise.points >= 1
    assert 3 <= exercise.minutes <= 30
    lessons = [mistake.lesson for mistake in exercise.mistakes]
    assert len(set(lessons)) == len(lessons)


def test_text_from_an_answer_is_escaped_in_a_notebook(exercise):
    def hostile(*_args, **_kwargs):
        raise ValueError("<script>alert(1)</script>")

    assert "<script>" not in as_html(verdict(exercise, hostile))


def test_ids_are_in_order_and_belong_to_their_stage():
    for stage in stages():
        assert [e.id for e in exercises(stage)] == [
            f"{stage}.{n}" for n in range(1, len(exercises(stage)) + 1)
        ]
