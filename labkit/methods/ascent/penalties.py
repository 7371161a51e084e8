"""What an image should have little of: objectives without a network, to be subtracted; and a logit less one."""

from torch import Tensor

from labkit.arguments import expect_number, expect_tensor, expect_whole
from labkit.models import Classifier, logits_of
from labkit.objectives import Objective, logit

GREY = 0.5  # the image that is nothing: regularisers pull towards it


def l2() -> Objective:
    """The squared distance from grey, summed over all values.

    Source: Simonyan et al. 2014, arXiv:1312.6034, section 2
    """
    return Objective(lambda images: (_maps(images) - GREY).square().sum(dim=(1, 2, 3)))


def total_variation() -> Objective:
    """The mean absolute step between neighbouring pixels, right and down.

    Source: Rudin, Osher & Fatemi 1992; as a regulariser of images from networks, Mahendran & Vedaldi 2015,
            arXiv:1412.0035
    """
    return Objective(
        lambda images: (
            _maps(images, side=2).diff(dim=2).abs().mean(dim=(1, 2, 3))
            + images.diff(dim=3).abs().mean(dim=(1, 2, 3))
        )
    )


def _maps(images: Tensor, *, side: int = 1) -> Tensor:
    """The images, if they are a batch of such, with sides of so many pixels at least."""
    expect_tensor("images", images, "N C H W")
    expect_whole("the smaller side of images", min(images.shape[2:]), side)
    return images


def penalised_logit(model: Classifier, target: int | str, weight: float) -> Objective:
    """One category's score before softmax, less so many times the squared distance from grey.

    Raises: LabError as `logit`
    Source: Simonyan et al. 2014, arXiv:1312.6034, section 2
    """
    expect_number("weight", weight)
    plain = logit(model, target)
    index = model.index_of(target)
    return Objective(
        lambda images: penalised_score(model, images, index, weight), 1, plain.size, plain.device
    )


def penalised_score(model: Classifier, images: Tensor, target: int, weight: float) -> Tensor:
    """The score of `penalised_logit`: images (N, 3, H, W) -> (N,)."""
    return logits_of(model, images)[:, target] - weight * l2()(images)
