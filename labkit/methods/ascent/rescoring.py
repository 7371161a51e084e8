"""What an image is worth once it is a file: scored anew, without transforms, after rounding to 8 bits."""

from collections.abc import Sequence

import torch
from torch import Tensor

from labkit.images import to_8_bit
from labkit.kernel import in_usual_numbers
from labkit.methods.ascent.penalties import total_variation
from labkit.models import Classifier, logits_of


@in_usual_numbers
@torch.no_grad()
def rescore(model: Classifier, images: Tensor, categories: Sequence[str]) -> Tensor:
    """The probability of each image's own category, on the clean 8-bit image.

    categories: one for each image;  Returns: (N,)
    """
    columns = torch.tensor([model.index_of(category) for category in categories], device=images.device)
    return logits_of(model, to_8_bit(images)).softmax(dim=1).gather(1, columns[:, None])[:, 0]


def roughness(images: Tensor) -> Tensor:
    """The total variation of each image as a file: (N,)."""
    return total_variation()(to_8_bit(images))
