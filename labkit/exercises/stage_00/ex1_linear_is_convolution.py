"""00.1 A linear layer over a map is a convolution with the layer's own weights."""

from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake, each
from labkit.checks.expect import expect_close
from labkit.exercises.stage_00.windows import cut, one_by_one


def _linear_cases(generator: torch.Generator) -> Cases:
    def case(N: int, C: int, map_size: tuple[int, int], size: tuple[int, int], K: int = 5) -> SimpleNamespace:
        h, w = size
        return SimpleNamespace(
            maps=torch.randn(N, C, *map_size, generator=generator),
            weight=torch.randn(K, C * h * w, generator=generator) / (C * h * w) ** 0.5,
            bias=torch.randn(K, generator=generator),
            size=size,
        )

    return {
        "a map of the trained size": case(2, 6, (3, 3), (3, 3)),
        "a larger map": case(1, 4, (7, 9), (3, 3)),
        "windows that are not square": case(2, 3, (6, 6), (2, 4)),
    }


def _judge_linear(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    expected = one_by_one(
        [
            [window.flatten(1) @ case.weight.T + case.bias for window in row]
            for row in cut(case.maps, case.size)
        ]
    )
    expect_close(
        "logits",
        answer["logits"],
        expected,
        why="at each position: the window cut out, flattened, given to the linear layer",
    )


def _as_kernel(weight: Tensor, size: tuple[int, int]) -> Tensor:
    return weight.reshape(len(weight), -1, *size)


def _channels_last(maps: Tensor, weight: Tensor, bias: Tensor, size: tuple[int, int]) -> Tensor:
    return F.conv2d(maps, weight.reshape(len(weight), *size, -1).permute(0, 3, 1, 2), bias)


EXERCISE = Exercise(
    id="00.1",
    title="A linear layer is a convolution",
    points=2,
    minutes=10,
    hints=(
        "A convolution's weights are (K, C, h, w), a linear layer's (K, C·h·w). The numbers are the same, "
        "and in the same order.",
        "flatten runs along a row, then down the rows, then through the channels. reshape(K, C, h, w) runs alike.",
        "F.conv2d(maps, weight.reshape(K, C, h, w), bias), without padding and with stride 1",
    ),
    cases=_linear_cases,
    answer=lambda f, case: {"logits": f(case.maps, case.weight, case.bias, case.size)},
    judge=_judge_linear,
    alone=each("maps"),
    mistakes=(
        Mistake(
            "channels last",
            "your weights are in another order than the flattened map: flatten goes through the channels last of "
            "all, so C comes before h and w: reshape(K, C, h, w), with no permute.",
            _channels_last,
        ),
        Mistake(
            "height and width exchanged",
            "your kernel is w × h. A map is (N, C, h, w), so its kernel is (K, C, h, w): height first.",
            lambda maps, weight, bias, size: F.conv2d(maps, _as_kernel(weight, size[::-1]), bias),
        ),
        Mistake(
            "bias forgotten",
            "the bias is missing. F.conv2d takes it as its third argument, one number for each category as before.",
            lambda maps, weight, bias, size: F.conv2d(maps, _as_kernel(weight, size)),
        ),
        Mistake(
            "padded",
            "you padded the map so that it keeps its size. The linear layer never saw padding: only windows that "
            "lie wholly inside count, so the map of logits is smaller.",
            lambda maps, weight, bias, size: F.conv2d(
                maps, _as_kernel(weight, size), bias, padding=(size[0] // 2, size[1] // 2)
            ),
        ),
        Mistake(
            "windows side by side",
            "your windows step by their own size, so most positions are missing. Let them overlap: stride 1.",
            lambda maps, weight, bias, size: F.conv2d(maps, _as_kernel(weight, size), bias, stride=size),
        ),
        Mistake(
            "bias twice",
            "you add the bias twice: F.conv2d has added it already when it gets it as its third argument.",
            lambda maps, weight, bias, size: F.conv2d(maps, _as_kernel(weight, size), 2 * bias),
        ),
        Mistake(
            "kernel turned around",
            "you turned the kernel around. In PyTorch a convolution multiplies kernel and window as they lie, so the "
            "weights go in without a flip.",
            lambda maps, weight, bias, size: F.conv2d(maps, _as_kernel(weight, size).flip(2, 3), bias),
        ),
        Mistake(
            "weights transposed",
            "you transposed the weights before the reshape. Row k of `weight` is category k already: reshape alone.",
            lambda maps, weight, bias, size: F.conv2d(
                maps, _as_kernel(weight.T.reshape(weight.shape), size), bias
            ),
        ),
        Mistake(
            "rows and columns inside the kernel",
            "rows and columns inside the kernel are exchanged. flatten runs along a row first, as reshape(K, C, h, w) "
            "does: no transpose.",
            lambda maps, weight, bias, size: F.conv2d(maps, _as_kernel(weight, size[::-1]).mT, bias),
        ),
        Mistake(
            "softmax",
            "you return probabilities. A linear layer ends in logits, so leave out softmax.",
            lambda maps, weight, bias, size: F.conv2d(maps, _as_kernel(weight, size), bias).softmax(dim=1),
        ),
        Mistake(
            "square kernels only",
            "this holds only where h and w are equal. Take both from `size`, and write no size down as a number.",
            lambda maps, weight, bias, size: F.conv2d(maps, _as_kernel(weight, (size[0], size[0])), bias),
        ),
    ),
)
