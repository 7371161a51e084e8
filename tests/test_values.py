"""What students return, as tensors; and what they leave behind in what they were given."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from labkit.checks.untouched import Untouched
from labkit.checks.values import WrongKindError, as_tensor, several

TWO_THREE = torch.arange(6.0).view(2, 3)


@pytest.mark.parametrize(
    "value",
    [
        TWO_THREE,
        TWO_THREE.double().requires_grad_(),
        TWO_THREE.half(),
        TWO_THREE.int(),
        TWO_THREE.T.contiguous().T,
        TWO_THREE.to_sparse(),
        TWO_THREE.numpy(),
        TWO_THREE.numpy().astype(">f8"),
        TWO_THREE.numpy().astype(np.longdouble)[:, ::1],
        [[0, 1, 2], [3.0, 4, 5]],
        [*TWO_THREE],
        [TWO_THREE[0].numpy(), TWO_THREE[1]],
        ([torch.tensor(0), np.float32(1), 2], [3, np.int64(4), torch.tensor(5.0)]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_same_numbers_of_another_kind_are_the_same_tensor(value):
    tensor = as_tensor("map", value)
    torch.testing.assert_close(tensor.double(), TWO_THREE.double(), rtol=0, atol=0)
    assert tensor.is_contiguous()
    assert not tensor.requires_grad
    tensor.zero_()
    assert float(as_tensor("map", value).sum()) == 15  # a copy: what was handed over stays as it is


@pytest.mark.parametrize("value", [3, 3.0, True, np.float64(3), np.int32(3), np.bool_(True)])
def test_a_number_is_a_tensor_without_dimensions(value):
    assert as_tensor("count", value).shape == ()
    assert as_tensor("count", value) == value


def test_an_empty_list_is_an_empty_tensor():
    assert as_tensor("kept", []).shape == (0,)


NO_RETURN = (
    "is there a return at the end? If there is, it is not reached, or nothing was put into what it returns"
)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (
            None,
            f"map: expected a tensor, got None; {NO_RETURN}",
        ),
        (
            TWO_THREE.max(dim=1),
            "map: expected a tensor, got what max gives; it holds several, take .values or .indices",
        ),
        (
            TWO_THREE.sort(),
            "map: expected a tensor, got what sort gives; it holds several, take .values or .indices",
        ),
        (
            (TWO_THREE,),
            "map: expected a tensor, got tuple; it is a tuple of one, as torch.autograd.grad gives it, take [0]",
        ),
        (len, "map: expected a tensor, got builtin_function_or_method; call it, with brackets"),
        ("text", "map: expected a tensor, got str; it is neither a number nor made of numbers"),
        (
            [torch.zeros(2), torch.zeros(3)],
            "map: expected one tensor, got a list of shapes [(2,), (3,)]; is one of them meant, such as the last, or "
            "torch.cat?",
        ),
        (
            [1, None],
            f"map[1]: expected a tensor, got None; {NO_RETURN}",
        ),
        (
            nn.Identity(),
            "map: expected a tensor, got Identity; a network is no result; is its output, or its .weight, meant?",
        ),
        ({"a": 1}, "map: expected a tensor, got dict; take one of its values"),
        (np.array(["a"]), "map: expected numbers, got an array of <U1; try array.astype(float)"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_is_no_result_is_told_what_to_return(value, says):
    with pytest.raises(WrongKindError) as error:
        as_tensor("map", value)
    assert str(error.value) == says


ROW = torch.tensor([4.0, 5.0, 6.0])


@pytest.mark.parametrize(
    "found", [(4, 5, 6), [4, 5, 6], ROW, ROW.numpy()], ids=["tuple", "list", "tensor", "array"]
)
def test_several_results_are_taken_from_whatever_holds_them(found):
    assert {name: float(value) for name, value in several(("a", "b", "c"), found).items()} == {
        "a": 4,
        "b": 5,
        "c": 6,
    }


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ((4, 5), "expected 3 results, a, b, c, got 2 of them; return a, b, c with commas between"),
        (7, "expected 3 results, a, b, c, got int; return a, b, c with commas between"),
        (
            None,
            f"expected 3 results, a, b, c, got None; {NO_RETURN}",
        ),
        (
            ROW.sort(),
            "expected 3 results, a, b, c, got 2 of them; it holds several, take .values or .indices",
        ),
    ],
)
def test_another_number_of_results_is_told(found, says):
    with pytest.raises(WrongKindError) as error:
        several(("a", "b", "c"), found)
    assert str(error.value) == says


@pytest.fixture
def case():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).eval().requires_grad_(False)
    return SimpleNamespace(
        net=net,
        images=torch.rand(2, 3, 8, 8),
        boxes=[torch.rand(4)],
        generator=torch.Generator().manual_seed(3),
    )


def leave_a_hook(case):
    case.net[2].register_full_backward_hook(lambda *_: None)


def run_in_training_mode(case):
    case.net.train()(case.images)
    case.net.eval()


def replace_the_relu(case):
    case.net[2] = nn.ReLU()


TRACES = {
    "images, which you were given: expected as it came, but afterwards other values": lambda case: (
        case.images.mul_(2)
    ),
    "images, which you were given: expected as it came, but afterwards its requires_grad is another": lambda case: (
        case.images.requires_grad_()
    ),
    "boxes.0, which you were given: expected as it came, but afterwards other values": lambda case: (
        case.boxes[0].add_(1)
    ),
    "boxes.1, which you were given: expected as it came": lambda case: case.boxes.append(torch.zeros(1)),
    "net, which you were given: expected as it came, but afterwards it is in another mode": lambda case: (
        case.net.train()
    ),
    "net.2, which you were given: expected as it came, but afterwards hooks": leave_a_hook,
    "net, which you were given: expected as it came, but afterwards it is made of other parts": replace_the_relu,
    "net.0.weight, which you were given: expected as it came, but afterwards other values": lambda case: (
        case.net[0].weight.zero_()
    ),
    "net.0.weight, which you were given: expected as it came, but afterwards its requires_grad": lambda case: (
        case.net[0].requires_grad_()
    ),
    "net.1.running_mean, which you were given: expected as it came, but afterwards other values": run_in_training_mode,
}


@pytest.mark.parametrize("says", TRACES)
def test_whatever_is_touched_is_named(says, case):
    before = Untouched(case)
    assert before.trouble() == ""
    TRACES[says](case)
    assert before.trouble().startswith(says)


def test_a_look_leaves_no_trace_and_random_generators_can_be_wound_back(case):
    case.boxes[0][0] = torch.nan  # equal to itself, here
    before = Untouched(case)
    case.net(case.images).sum()
    drawn = torch.rand(3, generator=case.generator)
    assert before.trouble() == ""
    before.wind_back()
    torch.testing.assert_close(torch.rand(3, generator=case.generator), drawn, rtol=0, atol=0)
