"""What is made for a channel: an image from nothing, a dream, changes that silence and that wake it."""

import math
from functools import partial

from torch import Tensor

from labkit.arguments import expect_number
from labkit.errors import LabError
from labkit.images import Photos, to_8_bit
from labkit.methods import activations, ascent, dream
from labkit.methods.push import push
from labkit.methods.robustness import elsewhere
from labkit.objectives import Objective, of_layer
from labkit.show.adversarial import difference
from labkit.show.look import in_usual_look
from labkit.show.passport.choice import Channel
from labkit.show.passport.seen import by_peak
from labkit.show.picture import Picture
from labkit.show.plots import grid

SMALLEST = 48  # pixels of the smallest octave


def peak(channel: Channel, image: Tensor) -> float:
    """The channel's largest value in an image, (1, 3, H, W)."""
    return activations.record(channel.model, image, channel.layer)[:, channel.number].max().item()


def mean_of_map(channel: Channel) -> Objective:
    """The mean of the channel's map."""
    return ascent.channel(channel.model, channel.layer, channel.number)


@in_usual_look
def grown_image(
    channel: Channel, bank: Photos, *, size: int = 160, steps: int = 64, seed: int = 0
) -> Picture:
    """Two images that the channel's mean asks for, from two starts, beside the photo in which it goes highest."""
    order, *_ = by_peak(channel, bank)
    name, best = bank.names[order[0]], bank.images[order[:1]]
    twice = ascent.channel(channel.model, [channel.layer] * 2, [channel.number] * 2)
    grown = to_8_bit(ascent.maximize(twice, size=size, steps=steps, seed=seed))
    pictures = [*grown.split(1), best]
    means = [mean_of_map(channel)(image).item() for image in pictures]
    times = f"Their means are {means[0] / means[2]:.2g} and {means[1] / means[2]:.2g} times that of {name},"
    return grid(
        pictures,
        above=[
            f"{what}: {in_figures(mean)}"
            for what, mean in zip(("one start", "another start", name), means, strict=True)
        ],
        side=2.6,
        title="Images made for it",
        caption=f"Gradient ascent on the mean of the channel's map, {steps} steps from grey with faint noise. "
        + (
            f"{times} in which its peak is highest."
            if means[2] > 0
            else f"In {name} it does not fire at all."
        ),
    )


@in_usual_look
def dreamt(
    channel: Channel, bank: Photos, *, photo: str = "", steps: int = 12, step_size: float = 0.006
) -> Picture:
    """A photo, and what becomes of it when the channel, and nothing else of its layer, is made more of.

    photo: a name in the bank; the one of the channel's middling peak unless named
    """
    order, *_ = by_peak(channel, bank)
    name = photo or bank.names[order[len(order) // 2]]
    image, read = bank[name], mean_of_map(channel)
    size = min(image.shape[2:])
    octaves = max(1, min(3, 1 + int(math.log(size / SMALLEST, 1.4))))
    frames = list(
        dream.dreaming(_sum_of_map(channel), image, octaves=octaves, steps=steps, step_size=step_size)
    )
    end = to_8_bit(frames[-1].images)
    before, after = (in_figures(read(picture).item()) for picture in (image, end))
    middling = "" if photo else f", in which the channel's peak is a middling one of {len(bank)} photos,"
    return grid(
        [image, end],
        above=[f"{name}: {before}", f"dreamt: {after}"],
        side=3.6,
        title="Its dream",
        caption=f"{name}{middling} after {len(frames)} steps towards more of this channel alone. The numbers are the "
        "means of its map.",
    )


def _sum_of_map(channel: Channel) -> Objective:
    """The sum of the channel's map, which is the sum over any tiles of it."""
    return of_layer(channel.model, channel.layer, lambda maps: maps[:, channel.number].sum(dim=(1, 2)))


def in_figures(value: float) -> str:
    """A value as it is read easily: three figures, and no powers of ten."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


@in_usual_look
def attacked(channel: Channel, bank: Photos, *, epsilon: float = 4 / 255, steps: int = 10) -> Picture:
    """A change too small to see that silences the channel where it is loud, and one that wakes it where it is not.

    Beside each: ten times the difference, and the control, the same changes at random places.
    """
    expect_number("epsilon", epsilon, 0, 1, above=True)
    order, peaks, _ = by_peak(channel, bank)
    loud, quiet = order[0], _quietest(order, peaks, channel)
    move = partial(push, mean_of_map(channel), epsilon=epsilon, steps=steps)
    pictures: list[Tensor] = []
    heights: list[str] = []
    for n, down in ((loud, True), (quiet, False)):
        image = bank.images[n][None]
        changed = move(image, down=down)
        control = elsewhere(image, changed)
        pictures += [image, changed, difference(image, changed, times=10), control]
        heights += [in_figures(peak(channel, one)) for one in (image, changed, control)]
    names = "the photo", "changed for it", "10 × difference", "control"
    a, b, c, d, e, f = heights
    return grid(
        pictures,
        columns=4,
        above=names,
        below=[f"peak {height}" if height else "" for height in (a, b, "", c, d, e, "", f)],
        title="An attack on it",
        caption=f"No value is changed by more than {255 * epsilon:.3g}/255. {bank.names[loud]}: the channel's peak "
        f"goes from {a} to {b}; {bank.names[quiet]}: from {d} to {e}. The same changes at random places: {c} and {f}.",
    )


def _quietest(order: list[int], peaks: Tensor, channel: Channel) -> int:
    """Of the photos in which the channel fires at all, the one in which it does least. Raises: LabError"""
    firing = [n for n in order if peaks[n] > 0]
    if not firing:
        raise LabError(f"{channel.place} fires in none of the photos; try another channel, or other photos")
    return firing[-1]
