"""What an image is worth once it is a file: scored anew, without transforms, after rounding to 8 bits."""

from collections.abc import Sequence

import torch
from torch import Tensor

from labkit.arguments import shown
from labkit.errors import LabError
from labkit.images import expect_images, to_8_bit
from labkit.kernel import in_usual_numbers
from labkit.methods.ascent.penalties import total_variation
from labkit.models import Classifier, expect_classifier, logits_of


@in_usual_numbers
@torch.no_grad()
def rescore(model: Classifier, images: Tensor, categories: Sequence[str]) -> Tensor:
    """The probability of each image's own category, on the clean 8-bit image.

    categories: one for each image;  Returns: (N,)
    """
    expect_classifier(model)
    expect_images(images)
    if isinstance(categories, str) or not isinstance(categories, Sequence) or len(categories) != len(images):
        want = f"a category for each of {len(images)} images"
        raise LabError(f"expected {want}, got {shown(categories)}; try ['koala'] * {len(images)}")
    columns = torch.tensor([model.index_of(category) for category in categories], device=images.device)
    return logits_of(model, to_8_bit(images)).softmax(dim=1).gather(1, columns[:, None])[:, 0]


def roughness(images: Tensor) -> Tensor:
    """The total variation of each image as a file: (N,)."""
    return total_variation()(to_8_bit(images))
