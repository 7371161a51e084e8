"""Stage 04, maximally activating patches: from a unit to its pixels, and the best of any number of images."""

import weakref
from collections.abc import Iterator
from functools import cache
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from labkit import images
from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close, expect_shape
from labkit.methods import patches as reference


def _named(names: tuple[str, ...], found: Any) -> dict[str, Any]:
    """Several results under their names; anything else under all of them, for the message about its type."""
    if isinstance(found, tuple | list) and len(found) == len(names):
        return dict(zip(names, found, strict=True))
    return {", ".join(names): found if not isinstance(found, Tensor) else None}


@cache
def _photo(name: str) -> Tensor:
    """(1, 3, 56, 56), coarse; of the notebook's own bank, so that it is not read twice."""
    return images.photos(size=448)[name][:, :, ::8, ::8].clone()


def _draw(generator: torch.Generator, low: int, high: int) -> int:
    """A whole number in low..high."""
    return int(torch.randint(low, high + 1, (), generator=generator))


def _whole(name: str, got: Tensor) -> None:
    if not (got == got.round()).all():
        place = tuple(int(i) for i in (got != got.round()).nonzero()[0])
        raise CheckFailed(f"{name}: expected whole numbers, got {got[place].item():.4g}")


# 04.1 ------------------------------------------------------------------------------------------------
def _chains(generator: torch.Generator) -> Cases:
    def layer(stride, dilation):
        return (_draw(generator, 2, 4), stride, _draw(generator, 1, 2), dilation)

    return {
        "AlexNet's first two layers": ((11, 4, 2, 1), (3, 2, 0, 1)),
        "strides between convolutions": (layer(1, 1), layer(2, 1), layer(3, 1), layer(1, 1)),
        "dilation behind a stride": (layer(2, 1), layer(1, 3), layer(2, 2), layer(1, 2)),
        "one 1 × 1 convolution": ((1, 1, 0, 1),),
    }


def _chain_by_force(layers: tuple[tuple[int, ...], ...]) -> tuple[int, int, int]:
    """Size, stride and start from the gradients of two neighbouring units of a real chain, in one dimension."""
    pixels = torch.zeros(1, 1, 400, dtype=torch.float64, requires_grad=True)
    row = pixels
    for kernel, stride, padding, dilation in layers:
        weight = torch.ones(1, 1, kernel, dtype=torch.float64)
        row = torch.conv1d(row, weight, stride=stride, padding=padding, dilation=dilation)
    unit = row.shape[2] // 2
    seen = []
    for neighbour in (unit, unit + 1):
        (gradient,) = torch.autograd.grad(row[0, 0, neighbour], pixels, retain_graph=True)
        seen.append(gradient[0, 0].nonzero()[:, 0])
    stride = int(seen[1][0] - seen[0][0])
    return int(seen[0][-1] - seen[0][0]) + 1, stride, int(seen[0][0]) - unit * stride


def _judge_chain(layers: tuple[tuple[int, ...], ...], answer: dict[str, Tensor]) -> None:
    reasons = {
        "size": "a kernel adds (kernel - 1) · dilation steps, and a step is as many pixels as all strides below it",
        "stride": "the strides of all layers, multiplied",
        "start": "padding moves the first unit to the left, by steps of its own layer",
    }
    for (name, why), expected in zip(reasons.items(), _chain_by_force(layers), strict=True):
        expect_close(name, answer[name], torch.tensor(expected), why=f"{why}; layers {list(layers)}")


def _chain(layers, *, size=1, minus=1, scaled=True, early=False, dilated=True, moved=True, sign=-1):
    jump, start = 1, 0
    for kernel, stride, padding, dilation in layers:
        jump = jump * stride if early else jump
        size += (dilation if dilated else 1) * (kernel - minus) * (jump if scaled else 1)
        start += sign * padding * (jump if moved else 1)
        jump = jump if early else jump * stride
    return size, jump, start


CHAIN = Exercise(
    id="04.1",
    title="How far a unit sees",
    points=2,
    minutes=12,
    hints=(
        "Walk upwards from the image, and carry three numbers along. Before any layer a unit is a pixel: "
        "size 1, stride 1, start 0.",
        "One step in a layer's input is `stride` pixels, where stride is what you carry so far, not the layer's "
        "own. A kernel spans dilation · (kernel - 1) such steps.",
        "size += dilation * (kernel - 1) * stride; start -= padding * stride; and only then stride *= step.",
    ),
    cases=_chains,
    answer=lambda f, layers: _named(("size", "stride", "start"), f(layers)),
    judge=_judge_chain,
    mistakes=(
        Mistake(
            "strides below forgotten",
            "you add (kernel - 1) pixels a layer, as if there were no stride below it. One step of the kernel is "
            "as many pixels as the strides below, multiplied.",
            lambda layers: _chain(layers, scaled=False),
        ),
        Mistake(
            "own stride too early",
            "you count a layer's own stride before its kernel. The kernel steps over the layer's *input*: use the "
            "stride carried so far, then multiply.",
            lambda layers: _chain(layers, early=True),
        ),
        Mistake(
            "kernel instead of kernel - 1",
            "you add the whole kernel. A window of 3 spans 2 steps between its ends: kernel - 1.",
            lambda layers: _chain(layers, minus=0),
        ),
        Mistake(
            "dilation forgotten",
            "you leave dilation out: a dilated kernel spans dilation · (kernel - 1) steps of its input.",
            lambda layers: _chain(layers, dilated=False),
        ),
        Mistake(
            "padding counted in pixels",
            "you subtract the padding as if it were pixels. Padding is in steps of the layer's input, and such a "
            "step is `stride` pixels.",
            lambda layers: _chain(layers, moved=False),
        ),
        Mistake(
            "start on the wrong side",
            "your start is positive. Padding lies *before* the first pixel, so unit 0 begins at a negative place.",
            lambda layers: _chain(layers, sign=1),
        ),
    ),
)


# 04.2 ------------------------------------------------------------------------------------------------
def _units(generator: torch.Generator) -> Cases:
    def case(row, column, image_size, size=None):
        field = (size or 7 + 2 * _draw(generator, 0, 2), 4, -_draw(generator, 3, 5))
        return SimpleNamespace(row=row, column=column, field=field, image_size=image_size)

    return {
        "a unit in the middle": case(_draw(generator, 3, 4), _draw(generator, 6, 8), (40, 56)),
        "the first unit": case(0, 1, (40, 56)),
        "the last unit": case(9, 13, (40, 56)),
        "a field wider than the image": case(2, 3, (24, 36), size=61),
    }


def _box_by_force(case: SimpleNamespace) -> tuple[int, int, int, int]:
    """The box around all pixels that lie in the field, found by asking each."""
    size, stride, start = case.field
    ends = []
    for place, side in zip((case.row, case.column), case.image_size, strict=True):
        seen = [pixel for pixel in range(side) if 0 <= pixel - (start + place * stride) < size]
        ends.append((seen[0], seen[-1] + 1))
    return ends[0][0], ends[1][0], ends[0][1], ends[1][1]


def _judge_box(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    asked = f"unit ({case.row}, {case.column}), field {case.field}, image {case.image_size}"
    for name, expected in zip(("top", "left", "bottom", "right"), _box_by_force(case), strict=True):
        expect_close(name, answer[name], torch.tensor(expected), why=asked, atol=1e-6, rtol=0)


def _box(row, column, field, image_size, *, clip=True, last=0, started=True, kept_size=False):
    size, stride, start = field
    ends = []
    for place, side in zip((row, column), image_size, strict=True):
        first = place * stride + (start if started else 0)
        low = max(first, 0) if clip else first
        end = (low if kept_size else first) + size
        ends.append((low, (min(end, side) if clip else end) - last))
    return ends[0][0], ends[1][0], ends[0][1], ends[1][1]


BOX = Exercise(
    id="04.2",
    title="From a unit to its pixels",
    points=1,
    minutes=8,
    hints=(
        "Rows and columns are two sums of the same kind: the first pixel is start + place · stride.",
        "The end is the first pixel + size. Cut off what lies outside at the very last, with max(…, 0) and "
        "min(…, side).",
        "top = start + row * stride; bottom = top + size; then max(top, 0) and min(bottom, H); columns alike with W.",
    ),
    cases=_units,
    answer=lambda f, case: _named(
        ("top", "left", "bottom", "right"), f(case.row, case.column, case.field, case.image_size)
    ),
    judge=_judge_box,
    mistakes=(
        Mistake(
            "not cut at the border",
            "your box leaves the image. A negative top would even count from the bottom when you slice with it: "
            "cut with max(…, 0) and min(…, side).",
            lambda *case: _box(*case, clip=False),
        ),
        Mistake(
            "pushed inside",
            "at the border your box is pushed inside and keeps its size. What lies outside is lost: compute the end "
            "from the uncut beginning.",
            lambda *case: _box(*case, kept_size=True),
        ),
        Mistake(
            "x before y",
            "your order is left, top, right, bottom, as image libraries have it. Here rows come first: top, left, "
            "bottom, right.",
            lambda *case: [_box(*case)[i] for i in (1, 0, 3, 2)],
        ),
        Mistake(
            "row and column exchanged",
            "you move down by the column and right by the row. A row says how far *down*.",
            lambda row, column, field, image_size: _box(column, row, field, image_size),
        ),
        Mistake(
            "last pixel instead of end",
            "your bottom and right are the last pixels inside. A slice ends before its end: they are the first "
            "pixels outside, one more.",
            lambda *case: _box(*case, last=1),
        ),
        Mistake(
            "start forgotten",
            "your unit 0 begins at pixel 0. It begins at `start`, in the padding.",
            lambda *case: _box(*case, started=False),
        ),
    ),
)


# 04.3 ------------------------------------------------------------------------------------------------
def _map_cases(generator: torch.Generator) -> Cases:
    photos = torch.cat([_photo("stained glass"), _photo("coffee")])[:, :, 12:44, 3:53]  # (2, 3, 32, 50)
    weight = torch.randn(4, 3, 5, 5, generator=generator)
    rows = torch.randn(3, 2, 9, 4, generator=generator)
    return {
        "filters on two photos": torch.conv2d(photos, weight, stride=2),  # (2, 4, 14, 23)
        "maps higher than wide": rows,
        "maps below zero": -rows.abs().mT - 1,
        "maps of one unit": torch.randn(2, 3, 1, 1, generator=generator),
    }


def _judge_peaks(maps: Tensor, answer: dict[str, Tensor]) -> None:
    N, C, H, W = maps.shape
    for name in ("values", "rows", "columns"):
        expect_shape(name, answer[name], (N, C))
    for name, side in (("rows", H), ("columns", W)):
        _whole(name, answer[name])
        expect_between(
            name, answer[name], 0, side - 1, why=f"the maps are {H} rows high and {W} columns wide"
        )
    expect_close("values", answer["values"], maps.amax(dim=(2, 3)), why="the largest value of each map")
    rows, columns = answer["rows"].long(), answer["columns"].long()
    there = maps[torch.arange(N)[:, None], torch.arange(C), rows, columns]
    expect_close(
        "maps at your rows and columns",
        there,
        maps.amax(dim=(2, 3)),
        why="the maximum should stand at this place",
    )


def _peaks(maps, *, measure=lambda maps: maps, split=None, swap=False):
    W = maps.shape[3]
    places = measure(maps).flatten(2).argmax(dim=2)
    values = maps.flatten(2).gather(2, places[:, :, None])[:, :, 0]
    rows, columns = split(places, maps) if split else (places // W, places % W)
    return (values, columns, rows) if swap else (values, rows, columns)


def _batch_wide(maps):
    places = maps.amax(dim=0, keepdim=True).expand_as(maps).flatten(2).argmax(dim=2)
    return maps.amax(dim=(2, 3)), places // maps.shape[3], places % maps.shape[3]


PEAKS = Exercise(
    id="04.3",
    title="Where a map is largest",
    points=1,
    minutes=8,
    hints=(
        "argmax over rows and columns together gives one number, counted along the rows: flatten(2) first.",
        "Each row holds W numbers, so place 0 is (0, 0), place W is (1, 0). Which row is place p in?",
        "values, places = maps.flatten(2).max(dim=2); rows = places // W; columns = places % W",
    ),
    cases=_map_cases,
    answer=lambda f, maps: _named(("values", "rows", "columns"), f(maps)),
    judge=_judge_peaks,
    mistakes=(
        Mistake(
            "divided by the height",
            "you divide the place by the number of rows. Places count along a row, and a row holds W numbers: "
            "// W and % W.",
            lambda maps: _peaks(maps, split=lambda p, m: (p // m.shape[2], p % m.shape[2])),
        ),
        Mistake(
            "row and column exchanged",
            "rows and columns are exchanged: place // W is the row, place % W the column.",
            lambda maps: _peaks(maps, swap=True),
        ),
        Mistake(
            "a fraction of a row",
            "/ gives fractions. How many whole rows lie before a place is place // W.",
            lambda maps: _peaks(maps, split=lambda p, m: (p / m.shape[3], p % m.shape[3])),
        ),
        Mistake(
            "largest in absolute value",
            "you look for the largest absolute value. A strong negative answer is no answer: take the values as "
            "they are.",
            lambda maps: _peaks(maps, measure=torch.abs),
        ),
        Mistake(
            "rows and columns apart",
            "you took the row with the largest sum and the column with the largest sum. They need not cross at the "
            "maximum: look for it over both together.",
            lambda maps: (
                maps.amax(dim=(2, 3)),
                maps.sum(dim=3).argmax(dim=2),
                maps.sum(dim=2).argmax(dim=2),
            ),
        ),
        Mistake(
            "one place for all images",
            "you found one place for the whole batch. Each image has a maximum of its own, in each channel.",
            _batch_wide,
        ),
    ),
)


# 04.4 ------------------------------------------------------------------------------------------------
def _streams(generator: torch.Generator) -> Cases:
    def case(*sizes, k, below=0.0):
        batches = [torch.randn(size, 3, generator=generator) - below for size in sizes]
        return SimpleNamespace(batches=batches, k=k)

    return {
        "eight batches, the last one short": case(5, 5, 5, 5, 5, 5, 5, 3, k=4),
        "batches smaller than k": case(2, 2, 2, 2, 2, 2, 2, k=6),
        "all values below zero": case(4, 4, 4, 4, 4, k=3, below=9),
        "fewer images than k": case(3, 2, k=9),
    }


class _Watch:
    """Hands out batches, and counts how many of them are still held when the next one is asked for."""

    def __init__(self, batches: list[Tensor]):
        self.batches, self.most = batches, 0

    def __iter__(self) -> Iterator[Tensor]:
        handed: list[weakref.ref[Tensor]] = []
        for number in range(len(self.batches)):
            batch = self.batches[number].clone()
            handed.append(weakref.ref(batch))
            yield batch
            del batch
            self.most = max(self.most, sum(held() is not None for held in handed))


def _answer_stream(function: Any, case: SimpleNamespace) -> dict[str, Any]:
    watch = _Watch(case.batches)
    found = function(iter(watch), case.k)
    return _named(("values", "images"), found) | {"held": watch.most}


def _judge_stream(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    every = torch.cat(case.batches).T  # (C, N)
    C, N = every.shape
    k = min(case.k, N)
    for name in ("values", "images"):
        expect_shape(name, answer[name], (C, k))
    values, numbers = answer["values"], answer["images"]
    if (values == 0).any():
        raise CheckFailed(
            f"values: {int((values == 0).sum())} of {values.numel()} are 0, which no image answered",
            mistake="started with zeros",
        )
    _whole("images", numbers)
    expect_between("images", numbers, 0, N - 1, why=f"images are numbered 0 to {N - 1} through all batches")
    expect_close(
        "values", values, every.sort(dim=1, descending=True).values[:, :k], why="the k largest, best first"
    )
    theirs = every.gather(1, numbers.long())
    expect_close(
        "what your images answered", theirs, values, why="values and images belong together, pair by pair"
    )
    if any(len(set(row)) < k for row in numbers.tolist()):
        raise CheckFailed(f"images: expected {k} different images a channel, got one of them twice")
    if answer["held"] > 3:
        raise CheckFailed(
            f"the values are right, but {int(answer['held'])} batches were held at once, expected 1",
            mistake="keeps every batch",
        )


def _stream(batches, k, *, counted=True, merged=True, carried=True, largest=True, empty=True):
    values = numbers = torch.empty(0)
    seen = 0
    for batch in batches:
        new = batch.T.clone()
        places = torch.arange(new.shape[1]).expand_as(new) + (seen if counted else 0)
        if seen == 0:
            values, numbers = new[:, :0], places[:, :0]
            if not empty:
                values, numbers = torch.zeros(len(new), k), torch.zeros(len(new), k, dtype=torch.int64)
        both, whose = torch.cat([values, new], dim=1), torch.cat([numbers, places], dim=1)
        if not merged:
            both, whose = new, places
        values, order = both.topk(min(k, both.shape[1]), dim=1, largest=largest)
        numbers = whose.gather(1, order) if carried else order
        seen += new.shape[1]
    return values, numbers


def _all_at_once(batches, k):
    every = torch.cat(list(batches)).T
    return tuple(every.topk(min(k, every.shape[1]), dim=1))


STREAM = Exercise(
    id="04.4",
    title="The best k of a stream",
    points=3,
    minutes=18,
    hints=(
        "Carry two small tensors along, (C, at most k) each: the best values so far, and the numbers of their images.",
        "For each batch: join what you have with what is new, along dim=1, and take the topk of it. The same "
        "places, taken from the joined numbers, say whose they are: gather.",
        "New images are numbered from how many you have seen before: torch.arange(seen, seen + len(batch)).",
        "values, order = both.topk(min(k, both.shape[1]), dim=1); images = numbers.gather(1, order)",
    ),
    cases=_streams,
    answer=_answer_stream,
    judge=_judge_stream,
    mistakes=(
        Mistake(
            "numbers start anew",
            "your numbers start at 0 in every batch. Count the images seen before, and add them.",
            lambda batches, k: _stream(batches, k, counted=False),
        ),
        Mistake(
            "places for numbers",
            "topk's second result says where in the joined row a value stood, not whose it is. Gather the image "
            "numbers at those places.",
            lambda batches, k: _stream(batches, k, carried=False),
        ),
        Mistake(
            "last batch only",
            "you take each batch's best and forget the earlier ones. Join the batch with what you kept, then topk.",
            lambda batches, k: _stream(batches, k, merged=False),
        ),
        Mistake(
            "keeps every batch",
            "you collect all batches and choose at the end. With 13,000 photos that is what fills the memory: "
            "choose after every batch, and let it go.",
            _all_at_once,
        ),
        Mistake(
            "started with zeros",
            "your state begins as zeros, and they beat every negative answer. Begin with empty tensors, (C, 0), "
            "or with -inf.",
            lambda batches, k: _stream(batches, k, empty=False),
        ),
        Mistake(
            "smallest kept",
            "you keep the smallest answers. Maximally activating: the largest, best first.",
            lambda batches, k: _stream(batches, k, largest=False),
        ),
    ),
)


# 04.5 ------------------------------------------------------------------------------------------------
def _crop_cases(generator: torch.Generator) -> Cases:
    layers = nn.Sequential(nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(6, 4, 3, padding=1))
    for parameter in layers.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator)
    photo = _photo("motorcycle")[:, :, 15:40, 8:48]  # (1, 3, 25, 40)
    field = reference.chain_field([(3, 2, 1, 1), (3, 1, 1, 1)])

    def case(row, column, *, trim=0):
        top, left, bottom, right = reference.unit_box(row, column, field, (25, 40))
        box = (top + trim, left + trim, bottom - trim, right - trim)
        unit = (_draw(generator, 0, 3), row, column)
        return SimpleNamespace(features=layers.requires_grad_(False), image=photo.clone(), box=box, unit=unit)

    return {
        "a unit in the middle": case(_draw(generator, 4, 6), _draw(generator, 12, 15)),
        "a unit at the border": case(1, _draw(generator, 2, 3)),
        "a box cut too small": case(_draw(generator, 4, 6), _draw(generator, 8, 11), trim=2),
    }


def _judge_crop(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    response = answer["response"]
    if response.numel() != 1:
        raise CheckFailed(f"response: expected one number, that unit's, got shape {tuple(response.shape)}")
    top, left, bottom, right = case.box
    row, column = torch.arange(25)[:, None], torch.arange(40)
    inside = (row >= top) & (row < bottom) & (column >= left) & (column < right)
    alone = case.features(torch.where(inside, case.image, 0.5))[0][case.unit]
    whole = case.features(case.image)[0][case.unit]
    why = (
        f"all that the unit sees is in the box, so it should answer as to the whole photo, {whole.item():.4g}"
        if torch.allclose(alone, whole, atol=1e-5)
        else f"this box lacks some of what the unit sees; to the whole photo it answers {whole.item():.4g}"
    )
    expect_close("response", response.reshape(()), alone, why=why, atol=1e-3, rtol=1e-3)


def _crop(features, image, box, unit, *, fill=0.5, corner=False, order=(0, 1, 2, 3)):
    top, left, bottom, right = (box[i] for i in order)
    crop = image[:, :, top:bottom, left:right]
    canvas = torch.full_like(image, fill)
    top, left = (0, 0) if corner else (top, left)
    canvas[:, :, top : top + crop.shape[2], left : left + crop.shape[3]] = crop
    return features(canvas)[0][unit]


def _outside(features, image, box, unit):
    canvas = image.clone()
    canvas[:, :, box[0] : box[2], box[1] : box[3]] = 0.5
    return features(canvas)[0][unit]


def _fed_by_itself(features, image, box, unit):
    return features(image[:, :, box[0] : box[2], box[1] : box[3]])[0][unit]


def _best_of_map(features, image, box, unit):
    canvas = torch.full_like(image, 0.5)
    canvas[:, :, box[0] : box[2], box[1] : box[3]] = image[:, :, box[0] : box[2], box[1] : box[3]]
    return features(canvas)[0, unit[0]].max()


CROP = Exercise(
    id="04.5",
    title="The crop alone",
    points=2,
    minutes=10,
    hints=(
        "Make a grey canvas of the photo's size, torch.full_like(image, 0.5), and copy the box from the photo into "
        "the same place.",
        "features(canvas) is (1, C, h, w); the unit is (channel, row, column).",
        "canvas[:, :, top:bottom, left:right] = image[:, :, top:bottom, left:right]; "
        "return features(canvas)[0, channel, row, column]",
    ),
    cases=_crop_cases,
    answer=lambda f, case: {"response": f(case.features, case.image, case.box, case.unit)},
    judge=_judge_crop,
    mistakes=(
        Mistake(
            "whole photo",
            "you ran the whole photo, not the crop alone: right as long as the box holds all that the unit sees, "
            "but then nothing is proved.",
            lambda features, image, box, unit: features(image)[0][unit],
        ),
        Mistake(
            "everything but the crop",
            "you greyed the crop and kept the rest. The other way round: grey canvas, then the crop.",
            _outside,
        ),
        Mistake(
            "moved into the corner",
            "you put the crop into the canvas's corner, and read a unit that looks elsewhere. Put it where it was.",
            lambda *case: _crop(*case, corner=True),
        ),
        Mistake(
            "x before y",
            "you read the box as left, top, right, bottom. It is top, left, bottom, right.",
            lambda *case: _crop(*case, order=(1, 0, 3, 2)),
        ),
        Mistake(
            "black around it",
            "your canvas is black. Asked for is grey, 0.5; if that changes the answer, the box is too small.",
            lambda *case: _crop(*case, fill=0.0),
        ),
        Mistake(
            "best of the map",
            "you return the largest value of the map. Asked for is this very unit: [0, channel, row, column].",
            _best_of_map,
        ),
        Mistake(
            "crop as an image of its own",
            "the crop as an image of its own has a smaller map, in which units have other numbers. Put it on a "
            "canvas of the photo's size.",
            _fed_by_itself,
        ),
    ),
)


EXERCISES = (CHAIN, BOX, PEAKS, STREAM, CROP)
