"""Stage 03, activations: recorded by a hook, shown as grey maps, counted, laid over the photo, compared."""

from collections import OrderedDict
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labkit import images
from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close, expect_finite, expect_shape


# 03.1 ------------------------------------------------------------------------------------------------
class _BreakDown(nn.Module):
    def forward(self, x):
        raise RuntimeError("this network breaks down half-way, on purpose: does your hook still come off?")


def _hook_cases(generator: torch.Generator) -> Cases:
    """Networks that write into their own maps, hide the layer in a block, or fail behind it."""

    def case(layer, modules, *, breaks=False):
        net = nn.Sequential(OrderedDict(modules))
        for parameter in net.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator)
        return SimpleNamespace(
            net=net, layer=layer, images=torch.rand(2, 3, 8, 8, generator=generator), breaks=breaks
        )

    block = nn.Sequential(OrderedDict(conv=nn.Conv2d(4, 5, 3), relu=nn.ReLU6(inplace=True)))
    return {
        "a block, and layers behind it": case(
            "block", [("stem", nn.Conv2d(3, 4, 3)), ("block", block), ("head", nn.Conv2d(5, 2, 1))]
        ),
        "an in-place ReLU follows": case(
            "conv",
            [("conv", nn.Conv2d(3, 6, 3)), ("relu", nn.ReLU(inplace=True)), ("last", nn.Conv2d(6, 4, 3))],
        ),
        "the network breaks down behind the layer": case(
            "conv", [("conv", nn.Conv2d(3, 4, 3)), ("broken", _BreakDown())], breaks=True
        ),
    }


def _record(function, case) -> dict:
    """The maps, where there can be any, and what the function left on the network."""
    try:
        maps = function(case.net, case.images, case.layer)
    except RuntimeError as error:
        if not case.breaks or "on purpose" not in str(error):
            raise
        maps = torch.zeros(0)
    hooks = sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in case.net.modules())
    return {"maps": maps, "hooks": hooks, "attached": bool(getattr(maps, "requires_grad", False))}


def _judge_record(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    if not case.breaks:
        x = case.images
        for name, module in case.net.named_children():
            x = module(x)
            if name == case.layer:
                break
        expect_close(
            "maps", answer["maps"], x.detach(), why="what the layer itself puts out, before the next one runs"
        )
    if answer["hooks"] != 0:
        raise CheckFailed(
            f"hooks: {int(answer['hooks'])} still on the network after your function, expected none; "
            "the next one who runs it runs your hook too"
        )
    if answer["attached"]:
        raise CheckFailed(
            "maps: expected plain numbers, got a tensor that still requires grad", mistake="still attached"
        )


def _hooked(
    net, batch, layer, *, keep=lambda output: output.detach().clone(), inputs=False, remove=True, safe=True
):
    seen: dict[str, Tensor] = {}
    handle = net.get_submodule(layer).register_forward_hook(
        lambda module, given, output: seen.update(maps=keep(given[0] if inputs else output))
    )
    try:
        net(batch)
    except RuntimeError:
        if safe and remove:
            handle.remove()
        raise
    if remove:
        handle.remove()
    return seen["maps"]


HOOK = Exercise(
    id="03.1",
    title="A hook that takes a copy and comes off",
    points=2,
    minutes=12,
    hints=(
        "layer.register_forward_hook(f) calls f(module, inputs, output) whenever the layer runs, and returns a handle.",
        "An in-place ReLU behind the layer writes into the tensor that your hook got: keep output.detach().clone().",
        "handle.remove() has to run also when net(images) fails: try: … finally: …",
        "With seen = {}: handle = net.get_submodule(layer).register_forward_hook("
        "lambda m, i, o: seen.update(maps=o.detach().clone())), then net(images) between try: and "
        'finally: handle.remove(), then return seen["maps"]',
    ),
    cases=_hook_cases,
    answer=_record,
    judge=_judge_record,
    mistakes=(
        Mistake(
            "no copy taken",
            "you kept the layer's output itself, and the in-place ReLU behind it has since overwritten it: the "
            "values below zero are gone. Keep output.clone().",
            lambda *a: _hooked(*a, keep=lambda output: output.detach()),
        ),
        Mistake(
            "hook stays on",
            "the hook is still on the network. register_forward_hook returns a handle: call its remove().",
            lambda *a: _hooked(*a, remove=False),
        ),
        Mistake(
            "hook stays on after a failure",
            "your hook comes off only if all goes well. When net(images) fails, the line behind it never runs: "
            "put remove() in a finally block.",
            lambda *a: _hooked(*a, safe=False),
        ),
        Mistake(
            "input instead of output",
            "you kept what goes into the layer. A hook gets (module, inputs, output): take the third.",
            lambda *a: _hooked(*a, inputs=True),
        ),
        Mistake(
            "still attached",
            "the maps still hang on the autograd graph and keep all of it in memory. Add .detach(), or run the "
            "network under torch.no_grad().",
            lambda *a: _hooked(*a, keep=lambda output: output.clone()),
        ),
    ),
)


# 03.2 ------------------------------------------------------------------------------------------------
def _grey_cases(generator: torch.Generator) -> Cases:
    def maps(*shape):
        return torch.randn(shape, generator=generator)

    loudness = torch.tensor([0.05, 1, 8, 0.4, 3]).view(5, 1, 1)
    fires_all_over = maps(4, 6, 6).abs() + 1
    silent = maps(4, 5, 7)
    silent[1], silent[2] = 0, -silent[2].abs()
    return {
        "loud and faint maps": SimpleNamespace(maps=maps(5, 6, 6).clamp(min=0) * loudness, shared=False),
        "loud and faint maps, one scale": SimpleNamespace(
            maps=maps(5, 6, 6).clamp(min=0) * loudness, shared=True
        ),
        "maps that fire everywhere": SimpleNamespace(maps=fires_all_over, shared=False),
        "maps that never fire": SimpleNamespace(maps=silent, shared=False),
        "nothing fires at all": SimpleNamespace(maps=torch.zeros(2, 4, 4), shared=True),
    }


def _judge_grey(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    grey = answer["grey"]
    expect_shape("grey", grey, tuple(case.maps.shape))
    expect_finite("grey", grey)
    expect_between("grey", grey, 0, 1, why="a screen shows 0..1")
    white = [max(m.max().item(), 0) for m in case.maps]
    if case.shared:
        white = [max(white)] * len(white)
    expected = torch.stack([m.clamp(min=0) / (w or 1) for m, w in zip(case.maps, white, strict=True)])
    expect_close(
        "grey", grey, expected, why="0 and less is black, the largest value white, all between in proportion"
    )


def _grey(maps, shared, *, own=False, always_shared=False, guard=True, stretch=False, clamp=True):
    dims = (-3, -2, -1) if (shared and not own) or always_shared else (-2, -1)
    low = maps.amin(dims, keepdim=True) if stretch else torch.zeros(())
    fired = maps.clamp(min=0) if clamp and not stretch else maps
    span = fired.amax(dims, keepdim=True) - low
    return (fired - low) / (span.where(span > 0, 1) if guard else span)


GREY = Exercise(
    id="03.2",
    title="Maps as grey pictures",
    points=1,
    minutes=10,
    hints=(
        "Put everything below zero to zero, then divide by the largest value: of each map, or of them all.",
        "maps.clamp(min=0), then .amax(dim=(-2, -1), keepdim=True) for each map, or .amax() for one scale.",
        "A map that never fires has the largest value 0: divide by white.where(white > 0, 1) there.",
    ),
    cases=_grey_cases,
    answer=lambda f, case: {"grey": f(case.maps, case.shared)},
    judge=_judge_grey,
    mistakes=(
        Mistake(
            "0/0",
            "a map that never fires has the largest value 0, and 0/0 is NaN. Divide by 1 there, and it is black.",
            lambda maps, shared: _grey(maps, shared, guard=False),
        ),
        Mistake(
            "smallest value made black",
            "you stretched from the smallest to the largest value, as for a filter. Then a map that fires "
            "everywhere has black spots where it seems silent: black is 0, here.",
            lambda maps, shared: _grey(maps, shared, stretch=True),
        ),
        Mistake(
            "each map its own scale, always",
            "with shared=True there is one white for all maps: the largest value among them.",
            lambda maps, shared: _grey(maps, shared, own=True),
        ),
        Mistake(
            "one scale, always",
            "with shared=False each map has a white of its own: the largest value over its rows and columns, "
            "dim=(-2, -1), not over the channels.",
            lambda maps, shared: _grey(maps, shared, always_shared=True),
        ),
        Mistake(
            "below zero kept",
            "values below zero are still there; a channel that is below zero does not fire. clamp(min=0) first.",
            lambda maps, shared: _grey(maps, shared, clamp=False),
        ),
    ),
)


# 03.3 ------------------------------------------------------------------------------------------------
def _sparse_cases(generator: torch.Generator) -> Cases:
    rectified = (torch.randn(3, 6, 4, 5, generator=generator) - 0.5).clamp(min=0)
    rectified[:, 1] = 0  # never fires
    rectified[:2, 3] = 0  # fires in the last image only
    rectified[2, 3, 0, 0] = 0.7
    linear = torch.randn(4, 5, 3, 3, generator=generator)
    linear[:, 2] = -linear[:, 2].abs()
    linear[:, 4, 0, 0] += 3 - linear[:, 4].sum(dim=(1, 2))  # sums to 3
    return {"after a ReLU": rectified, "a layer without a ReLU": linear, "one image": rectified[2:].clone()}


def _two(function, maps) -> dict:
    pair = function(maps)
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        return {"silent": pair, "never": pair if isinstance(pair, Tensor) else torch.zeros(0)}
    return {"silent": pair[0], "never": pair[1]}


def _judge_sparse(maps: Tensor, answer: dict[str, Tensor]) -> None:
    silent, never = answer["silent"], answer["never"]
    C = maps.shape[1]
    channels = maps.transpose(0, 1).reshape(C, -1).tolist()
    expect_shape("silent", silent, (C,))
    expect_between("silent", silent, 0, 1, why="it is a share of positions")
    share = torch.tensor([sum(not value > 0 for value in channel) / len(channel) for channel in channels])
    expect_close(
        "silent", silent, share, why="the share of positions, in all images, that are not above zero"
    )
    expect_shape("never", never, (C,))
    expected = torch.tensor([not any(value > 0 for value in channel) for channel in channels])
    if wrong := (never.bool() != expected).nonzero().flatten().tolist():
        raise CheckFailed(
            f"never: wrong for channels {wrong}; expected {int(expected.sum())} of {C} channels that fire in no image, "
            f"got {int(never.bool().sum())}"
        )


def _count(maps, *, off=lambda maps: maps <= 0, never=None, share=lambda off: off.float().mean((0, 2, 3))):
    silent = off(maps)
    return share(silent), silent.all(dim=3).all(dim=2).all(dim=0) if never is None else never(maps)


SPARSE = Exercise(
    id="03.3",
    title="How sparse, and how many never fire",
    points=1,
    minutes=8,
    hints=(
        "silent = maps <= 0 is True where a channel does not fire; a mean of trues is a share.",
        "A number a channel: the mean runs over images, rows and columns, dim=(0, 2, 3), and leaves the channels.",
        "A channel never fires if its largest value, maps.amax(dim=(0, 2, 3)), is not above zero.",
    ),
    cases=_sparse_cases,
    answer=_two,
    judge=_judge_sparse,
    mistakes=(
        Mistake(
            "only exact zeros",
            "you counted values equal to zero. A layer without a ReLU has values below zero, and they are no "
            "firing either: maps <= 0.",
            lambda maps: _count(maps, off=lambda m: m == 0),
        ),
        Mistake(
            "the other share",
            "you return the share of positions that do fire. How sparse asks for those that do not.",
            lambda maps: _count(maps, share=lambda off: (~off).float().mean((0, 2, 3))),
        ),
        Mistake(
            "silent in some image",
            "a channel that is silent in one image may fire in the next. Never means in none: take the largest "
            "value over the images too.",
            lambda maps: _count(maps, never=lambda m: (m.amax((2, 3)) <= 0).any(0)),
        ),
        Mistake(
            "by the sum",
            "you looked whether a channel's sum or mean is zero or less. One peak among many values below zero is "
            "firing all the same: look at the largest value.",
            lambda maps: _count(maps, never=lambda m: m.sum((0, 2, 3)) <= 0),
        ),
        Mistake(
            "image by image",
            "that is a row an image. One number a channel, over all images: dim=(0, 2, 3).",
            lambda maps: _count(maps, share=lambda off: off.float().mean((2, 3))),
        ),
    ),
)


# 03.4 ------------------------------------------------------------------------------------------------
def _overlay_cases(generator: torch.Generator) -> Cases:
    bank = images.photos().images  # of the size that the notebook has loaded already
    photo = images.fit(bank[torch.randint(len(bank), (1,), generator=generator)], 64)[0]
    colour = torch.rand(3, generator=generator)

    def case(image, *shape):
        return SimpleNamespace(image=image, map=torch.rand(shape, generator=generator) * 5, colour=colour)

    silent = case(photo, 4, 4)
    silent.map = torch.zeros(4, 4)
    return {
        "a photo and a map of 7 × 7": case(photo, 7, 7),
        "a wide photo": case(photo[:, :32].clone(), 4, 8),
        "a map that does not fire": silent,
    }


def _judge_overlay(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    laid = answer["overlay"]
    expect_shape("overlay", laid, tuple(case.image.shape))
    expect_finite("overlay", laid)
    expect_between(
        "overlay", laid, 0, 1, why="a mix of two colours lies between them: (1 - a)·image + a·colour"
    )
    a = _interpolated(case.map / (case.map.max() or 1), case.image.shape[1:])
    expected = (1 - a) * case.image + a * case.colour.view(3, 1, 1)
    expect_close(
        "overlay",
        laid,
        expected,
        why="(1 - a)·image + a·colour, a between the middles of the cells",
        atol=1e-3,
    )


def _interpolated(small: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear, by hand: each side is a matrix of weights between the middles of two cells."""

    def weights(cells, pixels):
        place = ((torch.arange(pixels) + 0.5) * cells / pixels - 0.5).clamp(0, cells - 1)
        return (1 - (place[:, None] - torch.arange(cells)).abs()).clamp(min=0)  # (pixels, cells)

    return weights(small.shape[0], size[0]) @ small @ weights(small.shape[1], size[1]).T


def _lay_over(image, small, colour, *, add=False, guard=True, scale=True, size=None, **mode):
    white = small.max() if scale else torch.ones(())
    grey = small / (white.where(white > 0, 1) if guard else white)
    options = mode or {"mode": "bilinear", "align_corners": False}
    a = F.interpolate(grey[None, None], size=size or tuple(image.shape[1:]), **options)[0]
    return (image if add else (1 - a) * image) + a * colour.view(3, 1, 1)


OVERLAY = Exercise(
    id="03.4",
    title="One channel over its photo",
    points=2,
    minutes=12,
    hints=(
        "Three steps: divide the map by its largest value, enlarge it to the photo's (H, W), mix.",
        'F.interpolate wants (N, C, h, w), so map[None, None]; and mode="bilinear", since its default is "nearest".',
        "align_corners=False puts each value at the middle of its cell. The mix is (1 - a) * image + a * colour.",
        'a = F.interpolate(scaled[None, None], size=image.shape[1:], mode="bilinear", align_corners=False)[0]; '
        "return (1 - a) * image + a * colour.view(3, 1, 1)",
    ),
    cases=_overlay_cases,
    answer=lambda f, case: {"overlay": f(case.image, case.map, case.colour)},
    judge=_judge_overlay,
    mistakes=(
        Mistake(
            "corners aligned",
            "with align_corners=True the first cell's value goes to the photo's outermost pixel, so the map is "
            "stretched outwards, up to half a cell at the border. A cell stands for a square of pixels: its value "
            "belongs in the middle, align_corners=False.",
            lambda *a: _lay_over(*a, mode="bilinear", align_corners=True),
        ),
        Mistake(
            "nearest",
            'F.interpolate takes the nearest cell unless told mode="bilinear"; you see squares with hard edges, '
            "which the photo does not have.",
            lambda *a: _lay_over(*a, mode="nearest"),
        ),
        Mistake(
            "added, not mixed",
            "you added the colour to the photo, so bright places leave 0..1. Mix: (1 - a)·image + a·colour.",
            lambda *a: _lay_over(*a, add=True),
        ),
        Mistake(
            "map not scaled",
            "a map goes up to 5 or 500, but a share lies between 0 and 1: divide by the map's largest value first.",
            lambda *a: _lay_over(*a, scale=False),
        ),
        Mistake(
            "0/0",
            "a map that does not fire has the largest value 0, and 0/0 is NaN. There a is 0: "
            "the photo stays as it is.",
            lambda *a: _lay_over(*a, guard=False),
        ),
        Mistake(
            "width before height",
            "you gave the size as (width, height); torch wants (height, width), as in image.shape[1:].",
            lambda image, *a: _lay_over(image, *a, size=(image.shape[2], image.shape[1])),
        ),
    ),
)


# 03.5 ------------------------------------------------------------------------------------------------
def _selective_cases(generator: torch.Generator) -> Cases:
    def case(N, C, wanted, *, off=0.0, square=True):
        loudness = torch.rand(C, 1, 1, generator=generator) * 5 + 0.2
        maps = ((torch.randn(N, C, 4, 4 if square else 5, generator=generator) - off) * loudness).clamp(min=0)
        order = torch.randperm(N, generator=generator)
        return SimpleNamespace(maps=maps, wanted=order < wanted)

    silent = case(6, 5, 2)
    silent.maps[:, 2] = 0
    return {
        "loud and faint channels": case(9, 12, 4),
        "maps that fire seldom": case(12, 8, 3, off=2.5, square=False),
        "a channel that never fires": silent,
    }


def _judge_selective(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    scores = answer["selectivity"]
    expect_shape("selectivity", scores, (case.maps.shape[1],))
    expect_finite("selectivity", scores)
    expect_between("selectivity", scores, 0, 1, why="it is a share of pairs")
    expected = []
    for channel in case.maps.transpose(0, 1):
        peaks = [image.max().item() for image in channel]
        pairs = [(p, q) for p, a in zip(peaks, case.wanted, strict=True) if a
                 for q, b in zip(peaks, case.wanted, strict=True) if not b]  # fmt: skip
        expected.append(sum((p > q) + 0.5 * (p == q) for p, q in pairs) / len(pairs))
    expect_close(
        "selectivity",
        scores,
        torch.tensor(expected),
        why="the share of pairs (wanted, other) in which the wanted image has the higher peak, a draw counting half",
    )


def _select(maps, wanted, *, peak=lambda m: m.amax((2, 3)), draw=0.5, flip=False):
    values = peak(maps)
    a, b = values[wanted][:, None], values[~wanted][None]
    return ((b > a if flip else a > b).float() + draw * (a == b)).mean((0, 1))


def _by_means(maps, wanted):
    values = maps.amax((2, 3))
    return values[wanted].mean(0) - values[~wanted].mean(0)


SELECT = Exercise(
    id="03.5",
    title="Which channel tells two kinds of photo apart",
    points=2,
    minutes=15,
    hints=(
        "peaks = maps.amax(dim=(2, 3)) is (N, C). peaks[wanted] are the wanted photos' rows, peaks[~wanted] the rest.",
        "All pairs at once: peaks[wanted][:, None] is (wanted, 1, C), peaks[~wanted][None] is (1, others, C).",
        "((a > b).float() + 0.5 * (a == b).float()).mean(dim=(0, 1)) leaves one share a channel.",
    ),
    cases=_selective_cases,
    answer=lambda f, case: {"selectivity": f(case.maps, case.wanted)},
    judge=_judge_selective,
    mistakes=(
        Mistake(
            "difference of means",
            "you subtracted mean peaks. The loudest channel wins that, whatever it tells apart, and one huge peak "
            "outweighs all others. Count pairs.",
            _by_means,
        ),
        Mistake(
            "mean in place of the peak",
            "you compared each map's mean. An eye fills a few cells of the map, and the mean drowns it: take the peak.",
            lambda maps, wanted: _select(maps, wanted, peak=lambda m: m.mean((2, 3))),
        ),
        Mistake(
            "a draw is lost",
            "you count a draw as no win. Where a channel is silent for both photos nothing is told apart, which "
            "is half a win, so that a channel that never fires gets 0.5.",
            lambda maps, wanted: _select(maps, wanted, draw=0),
        ),
        Mistake(
            "a draw is won",
            "you count a draw as a win, with >=. Then a channel that never fires is perfect: 1.0. A draw is half.",
            lambda maps, wanted: _select(maps, wanted, draw=1),
        ),
        Mistake(
            "the other way round",
            "you count the pairs in which the other photo has the higher peak.",
            lambda maps, wanted: _select(maps, wanted, flip=True),
        ),
    ),
)

EXERCISES = (HOOK, GREY, SPARSE, OVERLAY, SELECT)
