"""A trained detector, where torchvision has one downloaded. It is no part of the lab's catalogue."""

from pathlib import Path

import torch
from torch import Tensor

from labkit.errors import LabError
from labkit.images import expect_images
from labkit.kernel import in_usual_numbers
from labkit.units import expect_share


@in_usual_numbers
def faster_rcnn(picture: Tensor, *, threshold: float = 0.5) -> tuple[Tensor, Tensor, Tensor, tuple[str, ...]]:
    """What torchvision's Faster R-CNN (MobileNetV3, trained on COCO) finds, if its weights are in torch's cache.

    picture: (1, 3, H, W) in 0..1
    Returns: boxes (n, 4) in 0..1, labels (n,), scores (n,), surest first; the categories' names, background first
    Raises:  LabError that says what to download, where the weights are not here
    Source:  Ren et al. 2015, arXiv:1506.01497
    """
    from torchvision.models import detection

    expect_images(picture)
    expect_share("threshold", threshold)
    weights = detection.FasterRCNN_MobileNet_V3_Large_320_FPN_Weights.COCO_V1
    if not Path(torch.hub.get_dir(), "checkpoints", weights.url.rpartition("/")[2]).is_file():
        raise LabError(
            f"torchvision's Faster R-CNN ({weights.meta['_file_size']:.0f} MB) is not downloaded; "
            "with a connection, try\n"
            '    torchvision.models.detection.fasterrcnn_mobilenet_v3_large_320_fpn(weights="COCO_V1")'
        )
    detector = detection.fasterrcnn_mobilenet_v3_large_320_fpn(weights=weights).eval()
    with torch.no_grad():
        (found,) = detector(list(picture))
    sure = found["scores"] >= threshold
    H, W = picture.shape[2:]
    boxes = found["boxes"][sure] / picture.new_tensor([W, H, W, H])
    return boxes, found["labels"][sure], found["scores"][sure], tuple(weights.meta["categories"])
