"""Dreams in octaves that go wrong: in their sizes, in where an octave begins, in what it hands on."""

from labkit.methods.dream import resize


def all_sizes(photo, octaves, scale):
    H, W = photo.shape[2:]
    return [(round(H / scale**k), round(W / scale**k)) for k in reversed(range(octaves))]


def octaves_of(begin, *, sizes=all_sizes, detail=lambda dreamt, start, photo: dreamt - photo):
    """A wrong answer. begin: (photo at this size, detail or dream so far enlarged) -> where the octave begins."""

    def wrong(photo, dream_at, octaves, scale):
        kept = None
        for size in sizes(photo, octaves, scale):
            small = resize(photo, size)
            start = small if kept is None else begin(small, resize(kept, size))
            dreamt = dream_at(start)
            kept = detail(dreamt, start, small)
        return dreamt

    return wrong


def sizes_by(rounding):
    def sizes(photo, octaves, scale):
        H, W = photo.shape[2:]
        return [(rounding(H / scale**k), rounding(W / scale**k)) for k in reversed(range(octaves))]

    return sizes


def divided_down(photo, octaves, scale):
    sizes = [tuple(photo.shape[2:])]
    while len(sizes) < octaves:
        sizes.append((round(sizes[-1][0] / scale), round(sizes[-1][1] / scale)))
    return sizes[::-1]


def multiplied_up(photo, octaves, scale):
    sizes = [tuple(round(side / scale ** (octaves - 1)) for side in photo.shape[2:])]
    while len(sizes) < octaves:
        sizes.append((int(sizes[-1][0] * scale), int(sizes[-1][1] * scale)))
    return sizes


def add(photo, detail):
    return photo + detail


def grown(photo, octaves, scale):
    """Sizes from the photo's own upwards, beyond it."""
    H, W = photo.shape[2:]
    return [(round(H * scale**k), round(W * scale**k)) for k in range(octaves)]


def by_multiples(photo, octaves, scale):
    """Sizes divided by multiples of the scale, which for the last octave is 0."""
    H, W = photo.shape[2:]
    return [(round(H / (scale * k)), round(W / (scale * k))) for k in reversed(range(octaves))]


def _in_octaves(step):
    """A wrong answer that keeps a detail of its own. step: (photo, detail, size, dream_at) -> (dreamt, new detail)"""

    def wrong(photo, dream_at, octaves, scale):
        detail = None
        for size in all_sizes(photo, octaves, scale):
            dreamt, detail = step(photo, detail, size, dream_at)
        return dreamt

    return wrong


@_in_octaves
def not_enlarged(photo, detail, size, dream_at):
    small = resize(photo, size)
    dreamt = dream_at(small if detail is None else small + detail)
    return dreamt, dreamt - small


@_in_octaves
def not_shrunk(photo, detail, size, dream_at):
    dreamt = dream_at(photo + resize(0 * photo if detail is None else detail, size))
    return dreamt, dreamt - photo


@_in_octaves
def difference_from_the_whole(photo, detail, size, dream_at):
    small = resize(photo, size)
    dreamt = dream_at(small if detail is None else small + resize(detail, size))
    return dreamt, dreamt - photo


@_in_octaves
def added_afterwards(photo, detail, size, dream_at):
    small = resize(photo, size)
    dreamt = dream_at(small)
    dreamt = dreamt if detail is None else dreamt + resize(detail, size)
    return dreamt, dreamt - small


@_in_octaves
def cut_out(photo, detail, size, dream_at):
    small = photo[:, :, : size[0], : size[1]]
    dreamt = dream_at(small if detail is None else small + resize(detail, size))
    return dreamt, dreamt - small


def by_a_factor(photo, dream_at, octaves, scale):
    return dream_at(resize(photo, 1 / scale ** (octaves - 1)))


def enlarged_after_each(photo, dream_at, octaves, scale):
    image = resize(photo, all_sizes(photo, octaves, scale)[0])
    for _ in range(octaves):
        image = dream_at(image)
        image = resize(image, (round(image.shape[2] * scale), round(image.shape[3] * scale)))
    return image
