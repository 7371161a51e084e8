"""Galleries to search for neighbours: thousands of photos, batch by batch, or few photos in many views.

Offline there are only 30 photos, too few to have neighbours. So each is seen several times, cut, mirrored
and in another light, and a neighbour is right when it is another view of the same photo.
"""

from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from labkit.arguments import expect_tensor, expect_whole, seeded, shown
from labkit.errors import LabError
from labkit.images import expect_images
from labkit.kernel import in_usual_numbers

CHANGES = ("crop", "flip", "light")


@in_usual_numbers
def views(
    photos: Tensor, *, per_photo: int = 6, seed: int = 0, changes: Iterable[str] = CHANGES
) -> tuple[Tensor, Tensor]:
    """A gallery out of few photos: of each, the photo itself and views that differ by crop, flip and light.

    photos:  (P, 3, H, W) in 0..1
    changes: "crop" keeps 35 to 75 % of each side, "flip" mirrors every other view, "light" makes it
             darker or brighter (0.5 to 1.5 ×) and tints it (each colour up to 10 %)
    Returns: images (P·per_photo, 3, H, W), the views of a photo in a row; ids (P·per_photo,), the photo's row
    Raises:  LabError if photos leave 0..1, or for an unknown change
    """
    expect_images(photos)
    expect_tensor("photos", photos, "P 3 H W", of="floats of 32 or 64 bits")
    expect_whole("per_photo", per_photo, 1)
    kinds = tuple(changes) if isinstance(changes, Iterable) else (changes,)
    if unknown := [kind for kind in kinds if kind not in CHANGES]:
        raise LabError(f"no change {shown(unknown)}; expected some of {', '.join(CHANGES)}")
    generator = seeded(seed)
    images: list[Tensor] = []
    for photo in photos:
        images.append(photo)
        images += [_view(photo, number, kinds, generator) for number in range(1, per_photo)]
    ids = torch.arange(len(photos), device=photos.device).repeat_interleave(per_photo)
    return torch.stack(images), ids


def _view(photo: Tensor, number: int, changes: tuple[str, ...], generator: torch.Generator) -> Tensor:
    side, down, right, gain, *tint = torch.rand(7, generator=generator).tolist()
    _, H, W = photo.shape
    if "crop" in changes:
        h, w = round(H * (0.35 + 0.4 * side)), round(W * (0.35 + 0.4 * side))
        top, left = round(down * (H - h)), round(right * (W - w))
        part = photo[None, :, top : top + h, left : left + w]
        photo = F.interpolate(part, size=(H, W), mode="bilinear", antialias=True)[0]
    if "flip" in changes and number % 2:
        photo = photo.flip(-1)
    if "light" in changes:
        colour = (0.5 + gain) * (0.9 + 0.2 * photo.new_tensor(tint))
        photo = (photo * colour[:, None, None]).clamp(0, 1)
    return photo


def pixels(images: Tensor, *, size: int = 96) -> Tensor:
    """The images themselves as vectors, averaged down to size × size: pixel space.

    images:  (N, 3, H, W) in 0..1
    Returns: (N, 3·size·size)
    """
    expect_whole("size", size, 1)
    expect_images(images)
    return F.interpolate(images, size=(size, size), mode="area").flatten(1)


def collect(
    batches: Iterable[tuple[Tensor, Tensor]], **spaces: Callable[[Tensor], Tensor]
) -> dict[str, Tensor]:
    """Describe a gallery of any length batch by batch, in several spaces at once.

        collect(DataLoader(images.imagenette(), batch_size=32), pixels=pixels)["pixels"]

    batches: pairs of images (N, 3, H, W) and ids (N,), such as a DataLoader gives
    spaces:  name -> function of images that gives (N, D)
    Returns: name -> (all N, D), and "ids" -> (all N,)
    Raises:  LabError if there is no batch
    """
    rows: dict[str, list[Tensor]] = {"ids": [], **{name: [] for name in spaces}}
    for images, ids in batches:
        N = expect_tensor("ids", ids, "N", of="numbers")["N"]
        rows["ids"].append(ids)
        for name, describe in spaces.items():
            rows[name].append(describe(images))
            expect_tensor(name, rows[name][-1], "N …", of="numbers", N=N, mend="a row for each image")
    if not rows["ids"]:
        raise LabError("an empty gallery: expected at least one batch of (images, ids)")
    return {name: torch.cat(parts) for name, parts in rows.items()}
