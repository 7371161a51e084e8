"""Values in another unit than is meant: percent for a share, levels of 8 bits, pixels; told with what mends it."""

from torch import Tensor

from labkit.errors import LabError

_IN_PIXELS = {"pixels", "size", "side", "tile", "margin", "jitter", "full", "opening", "each side of size"}


def expect_share(name: str, given: float, *, levels: bool = False) -> None:
    """Require no more than 1, the whole, of what is a share, a probability or a difference of shades in 0..1.

    levels: whether what is larger is rather in 255 levels than in percent
    Raises: LabError; what is below 0 is not this module's matter
    """
    whole, unit = (255, "levels") if levels else (100, "percent")
    if given > 1:
        mend = f"{given:g} / {whole}, if that is meant in {unit}" if given <= whole else f"{name} in 0..1"
        raise LabError(f"expected {name} in 0..1, got {given:g}; try {mend}")


def expect_anchors(anchors: Tensor, grid: int | None = None) -> None:
    """Require base boxes (B, 2), widths and heights above 0 and up to 1, the whole picture.

    grid:   how many cells the picture has on a side, where that is known
    Raises: LabError for another shape, for whole numbers, and for sizes in cells or pixels
    """
    if anchors.ndim != 2 or anchors.shape[1] != 2 or not len(anchors) or not (anchors > 0).all():
        got = tuple(anchors.shape)
        raise LabError(
            f"expected anchors (B, 2), widths and heights above 0 in 0..1, got {got}; try [[.2, .4]]"
        )
    largest = anchors.max().item()
    if largest > 1:
        cells = f"anchors / {grid}, if they are in cells" if grid and largest <= grid else ""
        mend = cells or "dividing pixels by the picture's width and height"
        raise LabError(f"expected anchors in 0..1 of the picture, got up to {largest:g}; try {mend}")
    if not anchors.is_floating_point():
        raise LabError(f"expected anchors as floats in 0..1, got {anchors.dtype}; try anchors.float()")


def expect_corners(boxes: Tensor) -> None:
    """Require boxes (n, 4) as left, top, right, bottom, in any unit; empty ones are let pass.

    Raises: LabError where a right edge is left of the left one, or a lower edge above the upper one
    """
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise LabError(f"expected boxes (n, 4), got {tuple(boxes.shape)}; try boxes[None] for one")
    wrong = (boxes[:, 2:] < boxes[:, :2]).any(dim=1)
    if wrong.any():
        raise LabError(
            f"expected boxes left, top, right, bottom, where left < right, top < bottom, got {_first(boxes[wrong])}; "
            'try torchvision.ops.box_convert(boxes, "xywh", "xyxy"), if they are left, top, width, height'
        )


def expect_boxes(boxes: Tensor) -> None:
    """Require boxes (n, 4) as left, top, right, bottom in 0..1 of the picture, as floats, none empty.

    Raises: LabError for pixels, for whole numbers, and for edges in another order
    """
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        expect_corners(boxes)
    outside = ((boxes < 0) | (boxes > 1)).any(dim=1)
    if outside.any():
        near = boxes.min() > -1 and boxes.max() < 2  # too near to 0..1 for pixels
        mend = "boxes.clamp(0, 1)" if near else "dividing pixels by the picture's width and height"
        got = _first(boxes[outside])
        raise LabError(
            f"expected boxes left, top, right, bottom in 0..1 of the picture, got {got}; try {mend}"
        )
    if not boxes.is_floating_point():
        raise LabError(f"expected boxes as floats in 0..1, got {boxes.dtype}; try boxes.float()")
    expect_corners(boxes)
    if not (boxes[:, :2] < boxes[:, 2:]).all():
        raise LabError(
            f"expected boxes with a width and a height, left < right, top < bottom, got an empty one of {len(boxes)}; "
            "try boxes[(boxes[:, :2] < boxes[:, 2:]).all(dim=1)]"
        )


def number_mend(given: float, low: float | None, high: float | None) -> str:
    """What to try with a number that is out of range, where it would be right in percent; else nothing."""
    is_percent = (low, high) == (0, 1) and 1 < given <= 100
    return f"{given:g} / 100, if that is meant in percent" if is_percent else ""


def whole_mend(name: str, given: object) -> str:
    """What to try with what should be a whole number, where it is rather a share of an image's side; else nothing."""
    is_share = isinstance(given, float) and 0 < given < 1 and name in _IN_PIXELS
    return f"round({given:g} * image.shape[3]), if that is meant as a share of the side" if is_share else ""


def range_mend(low: float, high: float) -> str:
    """What to try with images that leave 0..1, by where their values lie."""
    if low >= 0 and 8 < high <= 255:  # brighter than any filter makes images of 0..1
        return "images / 255, since those are levels of 8 bits"
    return "images.clamp(0, 1), and leave normalisation to the network"


def _first(boxes: Tensor) -> str:
    return ", ".join(f"{edge:g}" for edge in boxes[0].tolist())
