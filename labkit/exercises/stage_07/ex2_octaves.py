"""07.2 A dream on small images first, its detail carried up."""

import itertools
from math import ceil, floor
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import Tensor

from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.checks.expect import expect_close, expect_shape
from labkit.exercises.drawing import draw_photo
from labkit.exercises.stage_07.octaves import (
    add,
    all_sizes,
    divided_down,
    multiplied_up,
    octaves_of,
    sizes_by,
)
from labkit.methods.dream import resize


def _octave_cases(generator: torch.Generator) -> Cases:
    def case(height, width, octaves, scale):
        strength = 0.3 + 0.5 * torch.rand((), generator=generator).item()

        def dream_at(image: Tensor) -> Tensor:  # stands in for a dream: more contrast in everything fine
            return (image + strength * (image - F.avg_pool2d(image, 3, 1, 1))).clamp(0, 1)

        photo = draw_photo(generator, height, width)
        return SimpleNamespace(photo=photo, dream_at=dream_at, octaves=octaves, scale=scale)

    return {
        "three octaves": case(26, 34, 3, 1.4),
        "four, each half as large again": case(37, 28, 4, 1.5),
        "one octave": case(14, 17, 1, 1.4),
    }


def _answer_octaves(function, case):
    sizes: list[tuple[int, ...]] = []

    def dream_at(image):
        sizes.append(tuple(image.shape[2:]))
        return case.dream_at(image)

    dreamt = function(case.photo, dream_at, case.octaves, case.scale)
    return {"dreamt": dreamt, "sizes": torch.tensor(sizes).reshape(-1, 2)}


def _judge_octaves(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    expect_shape("dreamt", answer["dreamt"], tuple(case.photo.shape))
    H, W = case.photo.shape[2:]
    shares = [case.scale**-k for k in range(case.octaves)][::-1]
    sizes = [(round(H * share), round(W * share)) for share in shares]
    if (got := answer["sizes"].tolist()) != [list(size) for size in sizes]:
        raise CheckFailed(
            f"sizes: expected {' then '.join(f'{h} × {w}' for h, w in sizes)}, "
            f"got {' then '.join(f'{h} × {w}' for h, w in got) or 'none: dream_at was never called'}; "
            "from small to large, octave k from the end is the photo's size divided by scale ** k"
        )
    dreamt = case.dream_at(resize(case.photo, sizes[0]))
    for before, size in itertools.pairwise(sizes):
        dreamt = case.dream_at(resize(case.photo, size) + resize(dreamt - resize(case.photo, before), size))
    expect_close(
        "dreamt",
        answer["dreamt"],
        dreamt,
        why="each octave begins with the photo at its size, plus all that was dreamt so far, enlarged",
    )


EXERCISE = Exercise(
    id="07.2",
    title="Octaves that carry the detail",
    points=3,
    minutes=15,
    hints=(
        "Sizes first: for k in reversed(range(octaves)), round(H / scale**k) and round(W / scale**k).",
        "At each size: shrink the photo, add the enlarged detail, dream, and keep dreamt - photo as the new detail.",
        "Before the first octave there is no detail: begin with torch.zeros_like(photo), which resizes to zeros.",
        "small = resize(photo, size); dreamt = dream_at(small + resize(detail, size)); detail = dreamt - small",
    ),
    cases=_octave_cases,
    answer=_answer_octaves,
    judge=_judge_octaves,
    mistakes=(
        Mistake(
            "detail lost",
            "every octave begins with the bare photo, so only the last one's dream is left. "
            "Add what was dreamt before, enlarged.",
            octaves_of(lambda photo, detail: photo),
        ),
        Mistake(
            "the image enlarged",
            "you enlarge the dreamt image, and the photo's own fine lines, lost when it was shrunk, never come "
            "back. Enlarge the difference only, and add it to the photo at that size.",
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
            "you take the detail off the photo. What was dreamt so far is added to it.",
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
    ),
)
