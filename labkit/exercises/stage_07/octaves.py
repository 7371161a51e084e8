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
