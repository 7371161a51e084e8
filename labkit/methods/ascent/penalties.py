"""What an image should have little of: objectives without a network, to be subtracted; and a logit less one."""

from torch import Tensor

from labkit.models import Classifier
from labkit.objectives import Objective, logit

GREY = 0.5  # the image that is nothing: regularisers pull towards it


def l2() -> Objective:
    """The squared distance from grey, summed over all values.

    Source: Simonyan et al. 2014, arXiv:1312.6034, section 2
    """
    return Objective(lambda images: (images - GREY).square().sum(dim=(1, 2, 3)))


def total_variation() -> Objective:
    """The mean absolute step between neighbouring pixels, right and down.

    Source: Rudin, Osher & Fatemi 1992; as a regulariser of images from networks, Mahendran & Vedaldi 2015,
            arXiv:1412.0035
    """
    return Objective(
        lambda images: (
            images.diff(dim=2).abs().mean(dim=(1, 2, 3)) + images.diff(dim=3).abs().mean(dim=(1, 2, 3))
        )
    )


def penalised_logit(model: Classifier, target: int | str, weight: float) -> Objective:
    """One category's score before softmax, less so many times the squared distance from grey.

    Raises: LabError as `logit`
    Source: Simonyan et al. 2014, arXiv:1312.6034, section 2
    """
    index, plain = model.index_of(target), logit(model, target)
    return Objective(
        lambda images: penalised_score(model, images, index, weight), 1, plain.size, plain.device
    )


def penalised_score(model: Classifier, images: Tensor, target: int, weight: float) -> Tensor:
    """The score of `penalised_logit`: images (N, 3, H, W) -> (N,)."""
    return model(images)[:, target] - weight * l2()(images)
