"""An attack on whatever has a slope: a change within an epsilon box that makes an objective large, or small.

The loop is that of PGD (stage 08), with an objective in place of the loss.
"""

from collections.abc import Callable

from torch import Tensor

from labkit.arguments import expect_number, expect_whole
from labkit.errors import LabError
from labkit.images import expect_images
from labkit.kernel import in_usual_numbers
from labkit.methods.adversarial import project
from labkit.methods.gradients import input_gradient


@in_usual_numbers
def push(
    objective: Callable[[Tensor], Tensor],
    images: Tensor,
    *,
    epsilon: float,
    steps: int = 10,
    step_size: float | None = None,
    down: bool = False,
) -> Tensor:
    """Take many small steps up an objective, or down, each projected back onto the epsilon box.

    objective: images -> scores (N,), such as objectives.channel(model, "features.12", 232)
    images:    (N, 3, H, W) in 0..1, at which the steps begin
    epsilon:   largest change of a value;  step_size: of a step; 2.5 · epsilon / steps unless given
    Returns:   (N, 3, H, W) in 0..1, detached
    Raises:    LabError for images outside 0..1, options out of range, and images at which there is no slope
    Source:    Madry et al. 2018, arXiv:1706.06083, for the loop
    """
    expect_images(images)
    expect_whole("steps", steps, 1)
    moved = project(images, images, epsilon=epsilon)
    step = (
        2.5 * epsilon / steps if step_size is None else expect_number("step_size", step_size, 0, above=True)
    )
    for number in range(steps):
        gradient = input_gradient(objective, moved)
        if number == 0:
            _expect_slope(gradient)
        moved = project(moved + (-step if down else step) * gradient.sign(), images, epsilon=epsilon)
    return moved


def _expect_slope(gradient: Tensor) -> None:
    """Require that there is a way to go from every image. Raises: LabError"""
    if bad := (~gradient.flatten(1).any(dim=1)).nonzero()[:, 0].tolist():
        raise LabError(
            f"no slope at images {bad}: nothing that the objective reads fires there; try other images"
        )
