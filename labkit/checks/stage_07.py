"""Stage 07, DeepDream: a layer's norm, a jittered step, octaves, tiles, and a guide."""

import itertools
from copy import deepcopy
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labkit import images
from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close, expect_finite, expect_shape
from labkit.hooks import recording
from labkit.methods.dream import resize
from labkit.models import Classifier


def _photo(generator: torch.Generator, height: int, width: int) -> Tensor:
    """(1, 3, height, width) from the middle of one of the embedded photos."""
    bank = images.photos().images
    photo = images.fit(bank[torch.randint(len(bank), (1,), generator=generator)], max(height, width))
    return photo[:, :, :height, :width].contiguous()


def _classifier(generator: torch.Generator, net: nn.Module) -> Classifier:
    for parameter in net.parameters():
        fan_in = parameter[0].numel() if parameter.ndim > 1 else 100
        parameter.data = torch.randn(parameter.shape, generator=generator) * (2 / fan_in) ** 0.5
    return Classifier(net, name="tiny", categories=[f"category {i}" for i in range(4)])


def _stack() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 5, 3, stride=2), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 4)),
    )


def _local_gradient(generator: torch.Generator):
    """The gradient of a tiny network's squared activations: image -> gradient. Its borders are padded with 0.

    A gradient depends on pixels up to 4 away: two convolutions of 3 × 3 up, and two down.
    """
    first, second = (torch.randn(shape, generator=generator) / 3 for shape in ((5, 3, 3, 3), (4, 5, 3, 3)))

    def gradient_of(image: Tensor) -> Tensor:
        leaf = image.detach().clone().requires_grad_()
        maps = F.conv2d(F.relu(F.conv2d(leaf - 0.4, first, padding=1)), second, padding=1)
        return torch.autograd.grad(maps.square().sum() / 2, leaf)[0]

    return gradient_of


# 07.1 ------------------------------------------------------------------------------------------------
def _layer_cases(generator: torch.Generator) -> Cases:
    def case(layer, height, width):
        model, photo = _classifier(generator, _stack()), _photo(generator, height, width)
        return SimpleNamespace(model=model, image=photo, layer=layer)

    return {
        "a convolution, with values above and below 0": case("2", 11, 11),
        "a layer behind a ReLU, and a wide photo": case("1", 8, 12),
    }


def _half_square(model: Classifier, images: Tensor, layer: str) -> Tensor:
    with torch.no_grad(), recording(model.net, layer) as seen:
        model(images)
    return seen[layer].square().sum(dim=(1, 2, 3)) / 2


def _nudge_each_pixel(case: SimpleNamespace, *, step: float = 1e-6) -> Tensor:
    """The gradient without autograd: each value up and down a little, in float64."""
    model, image = deepcopy(case.model).double(), case.image.double()
    nudges = step * torch.eye(image.numel(), dtype=torch.float64).view(-1, *image.shape[1:])
    up, down = (_half_square(model, image + sign * nudges, case.layer) for sign in (1, -1))
    return ((up - down) / (2 * step)).view(image.shape)


def _judge_layer(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    expect_close(
        "gradient",
        answer["gradient"],
        _nudge_each_pixel(case),
        why="nudge one value by a little, and that is how fast half the sum of squares moves",
        rtol=1e-3,
    )


def _gradient_of(score, *, clone=True):
    """A wrong answer made of a wrong score: (maps, logits) -> scalar."""

    def wrong(model, image, layer):
        leaf = image.clone().requires_grad_() if clone else image.requires_grad_()
        with recording(model.net, layer) as seen:
            logits = model(leaf)
        return torch.autograd.grad(score(seen[layer], logits), leaf)[0]

    return wrong


NORM = Exercise(
    id="07.1",
    title="More of what a layer sees",
    points=2,
    minutes=12,
    hints=(
        "Record the layer while the model runs on a leaf: with recording(model.net, layer) as seen: model(leaf).",
        "The score is seen[layer].square().sum() / 2, one number for all channels and positions.",
        "Its gradient with respect to the activations is the activations: autograd.grad(maps, leaf, maps) does "
        "the same without a score.",
        "torch.autograd.grad(seen[layer].square().sum() / 2, leaf)[0]",
    ),
    cases=_layer_cases,
    answer=lambda f, case: {"gradient": f(case.model, case.image, case.layer)},
    judge=_judge_layer,
    mistakes=(
        Mistake(
            "the sum",
            "you follow the sum of the activations, so every unit gets the same push, and those below 0 are "
            "pushed the wrong way. Squared, a unit is pushed by as much as it already answers.",
            _gradient_of(lambda maps, logits: maps.sum()),
        ),
        Mistake(
            "the root",
            "this is the gradient of the norm itself: the direction is right, the length is not. Leave out the "
            "root: half the sum of squares.",
            _gradient_of(lambda maps, logits: maps.norm()),
        ),
        Mistake(
            "the half forgotten",
            "this is twice the gradient. Half the sum of squares has the activations as its gradient, "
            "without the half it is twice them.",
            _gradient_of(lambda maps, logits: maps.square().sum()),
        ),
        Mistake(
            "the mean",
            "you took the mean of the squares where the sum was asked for: a larger photo would be pushed less.",
            _gradient_of(lambda maps, logits: maps.square().mean() / 2),
        ),
        Mistake(
            "downhill",
            "the sign is turned: along this the layer sees less and less. There is no loss to bring down here.",
            _gradient_of(lambda maps, logits: -maps.square().sum() / 2),
        ),
        Mistake(
            "the logits",
            "you took the squares of the model's output, not of the layer's: use seen[layer].",
            _gradient_of(lambda maps, logits: logits.square().sum() / 2),
        ),
        Mistake(
            "the caller's photo",
            "you called requires_grad_() on the caller's own tensor: from now on autograd records whatever they "
            "do with it. Work on image.clone().",
            _gradient_of(lambda maps, logits: maps.square().sum() / 2, clone=False),
        ),
    ),
)


# 07.2 ------------------------------------------------------------------------------------------------
def _step_cases(generator: torch.Generator) -> Cases:
    def case(height, width, shift, rate, *, contrast=1.0):
        photo = ((_photo(generator, height, width) - 0.5) * contrast + 0.5).clamp(0, 1)
        return SimpleNamespace(
            gradient_of=_local_gradient(generator), image=photo, shift=shift, rate=rate, contrast=contrast
        )

    return {
        "down and right": case(12, 15, (4, 5), 0.01, contrast=0.5),
        "up and left": case(13, 9, (-3, -2), 0.02, contrast=0.5),
        "a photo of black and white": case(10, 10, (2, -3), 0.05, contrast=6.0),
    }


def _step_by_index(case: SimpleNamespace) -> Tensor:
    """The step with the shift done by counting pixels."""
    (H, W), (down, right) = case.image.shape[2:], case.shift
    rows, columns = (torch.arange(H) - down) % H, (torch.arange(W) - right) % W
    gradient = case.gradient_of(case.image[:, :, rows][:, :, :, columns]).double()
    back_rows, back_columns = (torch.arange(H) + down) % H, (torch.arange(W) + right) % W
    gradient = gradient[:, :, back_rows][:, :, :, back_columns]
    return (case.image.double() + case.rate * gradient / gradient.abs().mean()).clamp(0, 1)


def _judge_step(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    image = answer["image"]
    expect_shape("image", image, tuple(case.image.shape))
    expect_finite("image", image)
    expect_between("image", image, 0, 1, why="the next step, and the screen, want a valid image")
    expect_close(
        "image",
        image,
        _step_by_index(case),
        why="every pixel stays in its place, and values move by the rate on average",
    )


def _step(
    *,
    dims=(2, 3),
    back=-1,
    shifted=True,
    sign=1,
    size=lambda g: g.abs().mean(),
    clamp=True,
    shape=lambda g: g,
):
    """A wrong answer: one part of the step replaced, the others right."""

    def wrong(gradient_of, image, shift, rate):
        rolled = image.roll(tuple(shift), dims) if shifted else image
        gradient = shape(gradient_of(rolled))
        moved = rolled + sign * rate * gradient / size(gradient)
        moved = moved.clamp(0, 1) if clamp else moved
        return moved.roll(tuple(back * pixels for pixels in shift), dims) if shifted else moved

    return wrong


STEP = Exercise(
    id="07.2",
    title="A jittered, normalised step",
    points=2,
    minutes=12,
    hints=(
        "Five lines: roll, gradient, step, roll back, clamp. torch.roll moves what leaves one side in at the other.",
        "image.roll((down, right), dims=(2, 3)); rolling by (-down, -right) undoes it.",
        "rate * gradient / gradient.abs().mean() moves a value by `rate` on average, however faint the gradient.",
        "(rolled + rate * gradient / gradient.abs().mean()).roll((-down, -right), dims=(2, 3)).clamp(0, 1)",
    ),
    cases=_step_cases,
    answer=lambda f, case: {"image": f(case.gradient_of, case.image, case.shift, case.rate)},
    judge=_judge_step,
    mistakes=(
        Mistake(
            "not rolled back",
            "the image is still shifted: after a hundred steps it will have wandered anywhere. Roll back by "
            "(-down, -right).",
            _step(back=0),
        ),
        Mistake(
            "rolled on",
            "you rolled a second time the same way, so the image is shifted twice. Back is minus: (-down, -right).",
            _step(back=1),
        ),
        Mistake(
            "no jitter",
            "the step is taken without the shift. Then the network's grid and the borders leave their mark "
            "at the same place in every step: look at the rolled image.",
            _step(shifted=False),
        ),
        Mistake(
            "rows and columns",
            "down and right are exchanged: in (N, 3, H, W) down is dim 2, right is dim 3.",
            _step(dims=(3, 2)),
        ),
        Mistake(
            "divided by the largest",
            "you divide by the largest value, so one loud pixel makes all the others stand still. "
            "Divide by the mean of the absolute values.",
            _step(size=lambda g: g.abs().amax()),
        ),
        Mistake(
            "divided by the norm",
            "you divide by the norm, which grows with the number of pixels: large photos would hardly move. "
            "Divide by the mean of the absolute values.",
            _step(size=lambda g: g.norm()),
        ),
        Mistake(
            "mean without abs",
            "you divide by the mean of the gradient, where plus and minus cancel: the step can be huge, or turn "
            "around. abs() first, then mean().",
            _step(size=lambda g: g.mean()),
        ),
        Mistake(
            "signs only",
            "you step by the gradient's sign, so silent pixels move as much as loud ones. That is an attack of "
            "stage 08; here the gradient keeps its proportions.",
            _step(shape=lambda g: g.sign()),
        ),
        Mistake(
            "against the gradient",
            "you step down. There is no loss to bring down here: add the gradient.",
            _step(sign=-1),
        ),
        Mistake(
            "not clamped",
            "the step leads out of 0..1. Clamp, or the dream drifts to values that no screen shows.",
            _step(clamp=False),
        ),
    ),
)


# 07.3 ------------------------------------------------------------------------------------------------
def _octave_cases(generator: torch.Generator) -> Cases:
    def case(height, width, octaves, scale):
        strength = 0.3 + 0.5 * torch.rand((), generator=generator).item()

        def dream_at(image: Tensor) -> Tensor:  # stands in for a dream: more contrast in everything fine
            return (image + strength * (image - F.avg_pool2d(image, 3, 1, 1))).clamp(0, 1)

        photo = _photo(generator, height, width)
        return SimpleNamespace(photo=photo, dream_at=dream_at, octaves=octaves, scale=scale)

    return {
        "three octaves": case(27, 35, 3, 1.4),
        "four, each half as large again": case(38, 29, 4, 1.5),
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


def _sizes(photo, octaves, scale):
    H, W = photo.shape[2:]
    return [(round(H / scale**k), round(W / scale**k)) for k in reversed(range(octaves))]


def _octaves(begin, *, sizes=_sizes, detail=lambda dreamt, start, photo: dreamt - photo):
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


def _multiplied_up(photo, octaves, scale):
    sizes = [tuple(round(side / scale ** (octaves - 1)) for side in photo.shape[2:])]
    while len(sizes) < octaves:
        sizes.append((int(sizes[-1][0] * scale), int(sizes[-1][1] * scale)))
    return sizes


def _add(photo, detail):
    return photo + detail


OCTAVES = Exercise(
    id="07.3",
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
            _octaves(lambda photo, detail: photo),
        ),
        Mistake(
            "the image enlarged",
            "you enlarge the dreamt image, and the photo's own fine lines, lost when it was shrunk, never come "
            "back. Enlarge the difference only, and add it to the photo at that size.",
            _octaves(lambda photo, dreamt: dreamt, detail=lambda dreamt, start, photo: dreamt),
        ),
        Mistake(
            "the last detail only",
            "your detail is what the last octave changed; what the octaves before it dreamt is lost. "
            "Take the difference from the photo, not from where the octave began.",
            _octaves(_add, detail=lambda dreamt, start, photo: dreamt - start),
        ),
        Mistake(
            "largest first",
            "you go from large to small, so fine lines come first and large forms are laid over them, "
            "and the result is a small image. Begin with the smallest: reversed(range(octaves)).",
            _octaves(_add, sizes=lambda *args: _sizes(*args)[::-1]),
        ),
        Mistake(
            "sizes multiplied up",
            "you multiply from the smallest size upwards, and the rounding adds up: the last size is not the "
            "photo's. Divide the photo's own size by scale ** k.",
            _octaves(_add, sizes=_multiplied_up),
        ),
        Mistake(
            "one octave too small",
            "your largest octave is smaller than the photo: k runs from octaves - 1 down to 0, and scale ** 0 is 1.",
            _octaves(_add, sizes=lambda photo, n, scale: _sizes(photo, n + 1, scale)[:-1]),
        ),
    ),
)


# 07.4 ------------------------------------------------------------------------------------------------
def _tile_cases(generator: torch.Generator) -> Cases:
    def case(height, width, tile, margin):
        return SimpleNamespace(
            image=_photo(generator, height, width),
            gradient_of=_local_gradient(generator),
            tile=tile,
            margin=margin,
        )

    return {
        "whole tiles": case(16, 24, 8, 4),
        "a rest on both sides": case(21, 19, 8, 4),
        "lower than one tile, and a wider margin": case(7, 30, 10, 6),
    }


def _answer_tiles(function, case):
    largest = [0, 0]

    def gradient_of(window):
        largest[:] = [max(pair) for pair in zip(largest, window.shape[2:], strict=True)]
        return case.gradient_of(window)

    gradient = function(gradient_of, case.image, case.tile, case.margin)
    return {"gradient": gradient, "largest": torch.tensor(largest)}


def _judge_tiles(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    expect_shape("gradient", answer["gradient"], tuple(case.image.shape))
    expect_finite("gradient", answer["gradient"])
    most = case.tile + 2 * case.margin
    if (answer["largest"] > most).any():
        h, w = answer["largest"].tolist()
        raise CheckFailed(
            f"windows: expected {most} × {most} pixels at most, a tile of {case.tile} and its margins, got {h} × {w}",
            mistake="all at once",
        )
    expect_close(
        "gradient",
        answer["gradient"],
        case.gradient_of(case.image),
        why="with margins this wide the tiles' gradients fit together to that of the whole image",
    )


def _tiled(*, rest=True, margin=True, paste="core", fixed=False):
    """A wrong answer. paste: "core" or "window"; fixed: always cut off a whole margin above and on the left."""

    def wrong(gradient_of, image, tile, wide):
        wide, (H, W), gradient = wide if margin else 0, image.shape[2:], torch.zeros_like(image)
        last = 0 if rest else tile - 1
        for top in range(0, H - last, tile):
            for left in range(0, W - last, tile):
                y, x = max(top - wide, 0), max(left - wide, 0)
                slope = gradient_of(image[:, :, y : top + tile + wide, x : left + tile + wide])
                if paste == "core":
                    core = gradient[:, :, top : top + tile, left : left + tile]
                    above, before = (wide, wide) if fixed else (top - y, left - x)
                    core[:] = slope[:, :, above : above + core.shape[2], before : before + core.shape[3]]
                elif paste == "window":
                    gradient[:, :, y : top + tile + wide, x : left + tile + wide] = slope
                else:
                    gradient[:, :, y : top + tile + wide, x : left + tile + wide] += slope
        return gradient

    return wrong


TILES = Exercise(
    id="07.4",
    title="A gradient in tiles",
    points=3,
    minutes=18,
    hints=(
        "Two loops, over top in range(0, H, tile) and left in range(0, W, tile). Slices that end beyond the image "
        "stop at its border, so the rest at the right and below comes by itself.",
        "The window begins at y = max(top - margin, 0), since a negative index would count from the end.",
        "Within the window the tile begins at top - y, which is the margin, or less at the image's border.",
        "gradient[:, :, top:bottom, left:right] = slope[:, :, top - y : bottom - y, left - x : right - x]",
    ),
    cases=_tile_cases,
    answer=_answer_tiles,
    judge=_judge_tiles,
    mistakes=(
        Mistake(
            "rest lost",
            "where the image's side is no multiple of the tile, the rest on the right and below has no gradient. "
            "range(0, H, tile) begins a tile there, too, and slices stop at the border by themselves.",
            _tiled(rest=False),
        ),
        Mistake(
            "no margin",
            "you look at bare tiles, so near their borders the network sees padding in place of the neighbours: "
            "that is where seams come from. Give the window its margin.",
            _tiled(margin=False),
        ),
        Mistake(
            "margin kept",
            "you copy the whole window, and its margin, which is wrong near its edge, overwrites what the tile "
            "before had right. Keep the tile only.",
            _tiled(paste="window"),
        ),
        Mistake(
            "windows added up",
            "you add the windows up, so where they overlap the gradient is counted twice and more. "
            "Keep each window's own tile only.",
            _tiled(paste="sum"),
        ),
        Mistake(
            "cut where there is no margin",
            "you cut a whole margin off every window. At the image's upper and left border there is none: the "
            "tile begins at top - max(top - margin, 0) within its window.",
            _tiled(fixed=True),
        ),
        Mistake(
            "all at once",
            "the gradient is right, but you took it of more than a tile and its margins: a photo of 12 megapixels "
            "would not fit into memory. Hand gradient_of one window at a time.",
            lambda gradient_of, image, tile, margin: gradient_of(image),
        ),
    ),
)


# 07.5 ------------------------------------------------------------------------------------------------
def _guide_cases(generator: torch.Generator) -> Cases:
    def case(channels, size, guide_size):
        maps, guide = (torch.randn(channels, *s, generator=generator) for s in (size, guide_size))
        return SimpleNamespace(maps=maps.requires_grad_(), guide=guide)

    return {
        "a smaller guide": case(6, (4, 5), (3, 2)),
        "a larger guide": case(5, (2, 3), (4, 4)),
        "a guide of one position": case(4, (3, 4), (1, 1)),
    }


def _answer_guide(function, case):
    score = function(case.maps, case.guide)
    follows = isinstance(score, Tensor) and score.requires_grad
    gradient = torch.autograd.grad(score.sum(), case.maps)[0] if follows else torch.zeros_like(case.maps)
    return {"score": score, "gradient": gradient}


def _judge_guide(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    expect_shape("score", answer["score"], ())
    score, maps, gradient = 0.0, case.maps.detach(), torch.zeros_like(case.maps)
    wanted = [case.guide[:, i, j] for i in range(case.guide.shape[1]) for j in range(case.guide.shape[2])]
    for row in range(case.maps.shape[1]):
        for column in range(case.maps.shape[2]):
            products = [float(maps[:, row, column] @ features) for features in wanted]
            score += max(products)
            gradient[:, row, column] = wanted[products.index(max(products))]
    expect_close(
        "score",
        answer["score"],
        torch.tensor(score),
        why="for each position of the photo the largest dot product with any of the guide's, all summed",
    )
    expect_close(
        "gradient",
        answer["gradient"],
        gradient,
        why="each position is pulled towards the guide's features that suit it best",
    )


def _products(maps, guide):
    return maps.flatten(1).T @ guide.flatten(1)  # (photo's positions, guide's positions)


def _nearest_by_distance(maps, guide):
    x, y = maps.flatten(1).T, guide.flatten(1).T
    return (x * y[torch.cdist(x, y).argmin(dim=1)]).sum()


def _reshaped(maps, guide):
    C = len(maps)
    return (maps.reshape(-1, C) @ guide.reshape(-1, C).T).amax(dim=1).sum()


GUIDED = Exercise(
    id="07.5",
    title="A dream with a guide",
    points=2,
    minutes=12,
    hints=(
        "Flatten the positions: maps.flatten(1) is (C, n), guide.flatten(1) is (C, m).",
        "One matrix product gives all n × m dot products: maps.flatten(1).T @ guide.flatten(1).",
        "Each of the photo's positions takes its best partner: the largest along the guide's positions, dim=1.",
        "(maps.flatten(1).T @ guide.flatten(1)).amax(dim=1).sum()",
    ),
    cases=_guide_cases,
    answer=_answer_guide,
    judge=_judge_guide,
    mistakes=(
        Mistake(
            "the guide chooses",
            "you took the largest over the photo's positions: every position of the guide looks for a partner, "
            "and most of the photo gets none. Each of the photo's chooses: dim=1 of (n, m).",
            lambda maps, guide: _products(maps, guide).amax(dim=0).sum(),
        ),
        Mistake(
            "everything with everything",
            "you sum all products, so each position is pulled towards the guide's average, a mash of everything "
            "in it. Take the best partner, the maximum.",
            lambda maps, guide: _products(maps, guide).sum(),
        ),
        Mistake(
            "cosine",
            "you normalised the features first. The plain dot product also asks for loud features, and its "
            "gradient is the guide's features themselves.",
            lambda maps, guide: (
                _products(F.normalize(maps, dim=0), F.normalize(guide, dim=0)).amax(dim=1).sum()
            ),
        ),
        Mistake(
            "nearest by distance",
            "you chose the partner by distance; the one with the largest dot product is asked for, "
            "which may be farther away, and louder.",
            _nearest_by_distance,
        ),
        Mistake(
            "channels and positions mixed",
            "reshape(-1, C) does not move the channels to the end: it cuts the numbers, as they lie in memory, into "
            "rows of C. Use flatten(1), and .T where you need it.",
            _reshaped,
        ),
        Mistake(
            "one winner",
            "you kept the single best pair, so one position of the photo moves and all the others stand still. "
            "Sum the best of every position.",
            lambda maps, guide: _products(maps, guide).amax(),
        ),
    ),
)

EXERCISES = (NORM, STEP, OCTAVES, TILES, GUIDED)
