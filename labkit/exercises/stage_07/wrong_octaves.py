"""What can be wrong with 07.2, and what it teaches: sizes, what an octave begins with, what it hands on."""

from math import ceil, floor

from labkit.checks.exercise import Mistake
from labkit.exercises.stage_07.octaves import (
    add,
    added_afterwards,
    all_sizes,
    by_a_factor,
    by_multiples,
    cut_out,
    difference_from_the_whole,
    divided_down,
    enlarged_after_each,
    grown,
    multiplied_up,
    not_enlarged,
    not_shrunk,
    octaves_of,
    sizes_by,
)

_MISTAKES = (
    Mistake(
        "detail lost",
        "every octave begins with the bare photo, so only the last one's dream is left. "
        "Add what was dreamt before, enlarged.",
        octaves_of(lambda photo, detail: photo),
    ),
    Mistake(
        "the image enlarged",
        "you enlarge the dreamt image (or the shrunk photo, if you wrote over `photo`): the photo's own fine lines, "
        "lost when it was shrunk, never come back. Enlarge the difference only, and add it to the photo at that size.",
        octaves_of(lambda photo, dreamt: dreamt, detail=lambda dreamt, start, photo: dreamt),
    ),
    Mistake(
        "the dream added to the photo",
        "you keep the dreamt image in place of the detail, and add it to the photo, which is then in it twice. "
        "detail = dreamt - photo.",
        octaves_of(add, detail=lambda dreamt, start, photo: dreamt),
    ),
    Mistake(
        "the last detail only",
        "your detail is what the last octave changed; what the octaves before it dreamt is lost. "
        "Take the difference from the photo, not from where the octave began.",
        octaves_of(add, detail=lambda dreamt, start, photo: dreamt - start),
    ),
    Mistake(
        "largest first",
        "you go from large to small, so fine lines come first and large forms are laid over them, "
        "and the result is a small image. Begin with the smallest: reversed(range(octaves)).",
        octaves_of(add, sizes=lambda *args: all_sizes(*args)[::-1]),
    ),
    Mistake(
        "sizes multiplied up",
        "you multiply from the smallest size upwards, and the rounding adds up: the last size is not the "
        "photo's. Divide the photo's own size by scale ** k.",
        octaves_of(add, sizes=multiplied_up),
    ),
    Mistake(
        "divided again and again",
        "you divide each rounded size once more, and the roundings add up. Divide the photo's own size by "
        "scale ** k, and round that.",
        octaves_of(add, sizes=divided_down),
    ),
    Mistake(
        "rounded down",
        "you cut the sizes off (int, //). round(H / scale**k) goes to the nearest.",
        octaves_of(add, sizes=sizes_by(floor)),
    ),
    Mistake(
        "rounded up",
        "you round the sizes up (ceil). round(H / scale**k) goes to the nearest.",
        octaves_of(add, sizes=sizes_by(ceil)),
    ),
    Mistake(
        "height and width exchanged",
        "your sizes are width × height. A size is (height, width), as image.shape[2:] is.",
        octaves_of(add, sizes=lambda *args: [size[::-1] for size in all_sizes(*args)]),
    ),
    Mistake(
        "one octave too many",
        "you begin one octave too small: k runs from octaves - 1 down to 0.",
        octaves_of(add, sizes=lambda photo, n, scale: all_sizes(photo, n + 1, scale)),
    ),
    Mistake(
        "the last octave left out",
        "you stop before the photo's own size: k runs down to 0, and scale ** 0 is 1.",
        octaves_of(add, sizes=lambda *args: all_sizes(*args)[:-1] or all_sizes(*args)),
    ),
    Mistake(
        "out of the loop after one octave",
        "you return after the smallest octave. Is the return inside the for loop?",
        octaves_of(add, sizes=lambda *args: all_sizes(*args)[:1]),
    ),
    Mistake(
        "detail taken off",
        "you subtract the detail from the photo. What was dreamt so far is added to it.",
        octaves_of(lambda photo, detail: photo - detail),
    ),
    Mistake(
        "detail counted again",
        "you add the old detail to dreamt - photo, which has it in it already.",
        octaves_of(add, detail=lambda dreamt, start, photo: (start - photo) + (dreamt - photo)),
    ),
    Mistake(
        "clamped before the dream",
        "you clamp photo + detail to 0..1 before dreaming. Hand it to dream_at as it is.",
        octaves_of(lambda photo, detail: (photo + detail).clamp(0, 1)),
    ),
    Mistake(
        "one octave too small",
        "your largest octave is smaller than the photo: k runs from octaves - 1 down to 0, and scale ** 0 is 1.",
        octaves_of(add, sizes=lambda photo, n, scale: all_sizes(photo, n + 1, scale)[:-1]),
    ),
    Mistake(
        "added after the dream",
        "you dream on the bare photo and add the detail afterwards. Add it before, dream_at(photo + detail): each "
        "octave goes on with what the smaller ones dreamt.",
        added_afterwards,
    ),
    Mistake(
        "sizes beyond the photo's",
        "you multiply the photo's size by scale ** k. Divide by it: the last octave has the photo's own size.",
        octaves_of(add, sizes=grown),
    ),
    Mistake(
        "scale times k",
        "a size is divided by scale * k, which is 0 for k = 0. Divide by the power, scale ** k.",
        octaves_of(add, sizes=by_multiples),
    ),
    Mistake(
        "enlarged after every dream",
        "you enlarge the dreamt image after each octave, even after the last. Hand on the difference from the photo, "
        "and take each size from the photo's own: round(H / scale**k).",
        enlarged_after_each,
    ),
    Mistake(
        "a corner cut out",
        "you cut a corner out of the photo. resize(photo, size) shrinks the whole of it.",
        cut_out,
    ),
    Mistake(
        "detail of another size",
        "the detail still has the size of the octave before. Enlarge it before you add it: resize(detail, size).",
        not_enlarged,
    ),
    Mistake(
        "photo not shrunk",
        "the photo is added at its full size. Shrink it to the octave's size first: resize(photo, size).",
        not_shrunk,
    ),
    Mistake(
        "difference from the whole photo",
        "the detail is the difference from the photo at *this* size, small = resize(photo, size): dreamt - small.",
        difference_from_the_whole,
    ),
    Mistake(
        "a factor in place of a size",
        "resize takes the size to come, (height, width) in whole pixels, and not a factor.",
        by_a_factor,
    ),
    Mistake(
        "sizes with fractions",
        "a size is whole pixels: (round(H / scale**k), round(W / scale**k)).",
        octaves_of(add, sizes=sizes_by(lambda side: side)),
    ),
)


def octave_mistakes() -> tuple[Mistake, ...]:
    """All of them."""
    return _MISTAKES
