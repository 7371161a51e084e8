"""Stage 02, the last layer: features by a hook, distances, neighbours, precision at k, and a map."""

from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from labkit import images
from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close, expect_finite, expect_shape
from labkit.checks.values import as_tensor


# 02.1 ------------------------------------------------------------------------------------------------
class _ByName(nn.Module):
    """A network whose parts are not defined in the order in which they run."""

    def __init__(self) -> None:
        super().__init__()
        self.drop, self.pool = nn.Dropout(0.5), nn.AdaptiveAvgPool2d(1)
        self.stem, self.head = nn.Conv2d(3, 6, 3), nn.Linear(6, 4)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.drop(self.pool(self.act(self.stem(x))).flatten(1)))


def _classifiers(generator: torch.Generator) -> Cases:
    pooled = (nn.Conv2d(3, 5, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten())
    nets = {
        "three linear layers, as in AlexNet": nn.Sequential(
            *pooled, nn.Linear(20, 9), nn.ReLU(), nn.Linear(9, 7), nn.ReLU(), nn.Linear(7, 4)
        ),
        "one linear layer, as in ResNet": _ByName(),
    }
    for net in nets.values():
        for parameter in net.eval().requires_grad_(False).parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator)
    photos = images.photos(size=16).images
    pick = torch.randperm(len(photos), generator=generator)[:4]
    return {name: SimpleNamespace(net=net, images=photos[pick]) for name, net in nets.items()}


def _hooks_on(net: nn.Module) -> int:
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in net.modules())


def _answer_features(f: Callable[..., Any], case: SimpleNamespace) -> dict[str, Any]:
    found = f(case.net, case.images)
    left = _hooks_on(case.net)
    with suppress(Exception):
        f(case.net, case.images[:, :2])  # two colours: the first convolution raises
    return {"features": found, "hooks left": left, "hooks left after an error": _hooks_on(case.net) - left}


def _judge_features(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    features, net = answer["features"], deepcopy(case.net)
    name = [name for name, module in net.named_modules() if isinstance(module, nn.Linear)][-1]
    net.set_submodule(name, nn.Identity())  # without its last layer, a network puts out its features
    expected = net(case.images)
    expect_shape("features", features, tuple(expected.shape))
    expect_close("features", features, expected, why="what goes into the last nn.Linear, one row an image")
    if left := int(answer["hooks left"]):
        raise CheckFailed(f"hooks: {left} still on the network, expected none", mistake="hook left on")
    if left := int(answer["hooks left after an error"]):
        raise CheckFailed(
            f"hooks: {left} left on the network when its forward pass raises, expected none",
            mistake="hook left on after an error",
        )


def _hooked(model, images, *, pick=-1, output=False, whole=False, remove="finally"):
    layer = [m for m in model.modules() if isinstance(m, nn.Linear)][pick]
    seen = []
    hook = layer.register_forward_hook(
        lambda _m, ins, out: seen.append(out if output else ins if whole else ins[0])
    )
    try:
        model(images)
        if remove == "end":
            hook.remove()
    finally:
        if remove == "finally":
            hook.remove()
    return seen[0]


FEATURES = Exercise(
    id="02.1",
    title="Features of the last layer, with a hook",
    points=3,
    minutes=15,
    hints=(
        "[m for m in model.modules() if isinstance(m, nn.Linear)][-1] is the last linear layer, whatever its name.",
        "layer.register_forward_pre_hook(f) calls f(module, inputs) just before the layer runs, and returns a "
        "handle with .remove(). inputs is a tuple.",
        "try: model(images) finally: handle.remove() takes the hook off in any event.",
        "seen = []; handle = layer.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0])); "
        "then run the model, remove the handle, return seen[0]",
    ),
    cases=_classifiers,
    answer=_answer_features,
    judge=_judge_features,
    mistakes=(
        Mistake(
            "logits",
            "you return what the last linear layer puts out: the logits, one for each class. Features are "
            "what goes in: a pre-hook's inputs.",
            lambda model, images: _hooked(model, images, output=True),
        ),
        Mistake(
            "first linear layer",
            "you watch the first nn.Linear. AlexNet has three of them: take the last, [-1].",
            lambda model, images: _hooked(model, images, pick=0),
        ),
        Mistake(
            "tuple of inputs",
            "a hook gets all of a layer's inputs as a tuple, here of one: take inputs[0].",
            lambda model, images: _hooked(model, images, whole=True),
        ),
        Mistake(
            "hook left on",
            "your hook stays on the network, and runs (and keeps memory) at every call from now on. Keep the "
            "handle that registering returns, and call handle.remove().",
            lambda model, images: _hooked(model, images, remove="never"),
        ),
        Mistake(
            "hook left on after an error",
            "handle.remove() is skipped when the model raises, for instance on an image of a wrong shape. Put "
            "it into finally: after try:.",
            lambda model, images: _hooked(model, images, remove="end"),
        ),
    ),
)


# 02.2 ------------------------------------------------------------------------------------------------
def _vector_cases(generator: torch.Generator) -> Cases:
    def normal(*shape):
        return torch.randn(shape, generator=generator)

    photos = images.photos(size=8).images.flatten(1)
    few = photos[torch.randperm(len(photos), generator=generator)[:7]]
    alike = 100 + normal(60, 48)
    return {
        "40 vectors against 60": SimpleNamespace(query=normal(40, 50), gallery=normal(60, 50)),
        "photos of 8 × 8 pixels": SimpleNamespace(query=few, gallery=photos),
        "long vectors against themselves": SimpleNamespace(query=alike, gallery=alike.clone()),
    }


class _Watch(TorchFunctionMode):
    """Counts the calls of torch, and how many numbers the largest tensor among their results holds."""

    def __init__(self) -> None:
        super().__init__()
        self.calls, self.largest = 0, 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        self.calls += 1
        if isinstance(result, Tensor):
            self.largest = max(self.largest, result.numel())
        return result


def _answer_distances(f: Callable[..., Any], case: SimpleNamespace) -> dict[str, Any]:
    with _Watch() as watch:
        found = f(case.query, case.gallery)
    return {"distances": found, "calls": watch.calls, "largest": watch.largest}


def _judge_distances(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    query, gallery, found = case.query.double(), case.gallery.double(), answer["distances"]
    (Q, D), N = query.shape, len(gallery)
    expect_shape("distances", found, (Q, N))
    expected = torch.stack([(gallery - q).norm(dim=1) for q in query])  # one difference at a time
    if bad := int(torch.isnan(found[expected < 1e-6]).sum()):
        raise CheckFailed(
            f"distances: {bad} equal pairs of vectors are NaN apart, expected 0", mistake="negative squares"
        )
    expect_finite("distances", found)
    longest = max(query.norm(dim=1).max().item(), gallery.norm(dim=1).max().item())
    slack = max(1e-4, 1.5e-3 * longest)  # what float32 leaves when two numbers of longest² cancel, rooted
    atol = slack if (expected < 1e-6).any() else 1e-4 * longest
    expect_close("distances", found, expected, why="the root of |q|² + |g|² - 2 q·g", atol=atol)
    if (calls := int(answer["calls"])) > 40:
        raise CheckFailed(
            f"distances: right, but {calls} calls of torch for one table; expected a few", mistake="loop"
        )
    if (largest := int(answer["largest"])) > 4 * max(Q * N, Q * D, N * D):
        raise CheckFailed(
            f"distances: right, but by way of a tensor of {largest:,} numbers, for a table of {Q * N:,}",
            mistake="all differences at once",
        )


def _table(query, gallery, *, twice=2.0, low=0.0, root=True):
    squares = query.square().sum(1)[:, None] + gallery.square().sum(1) - twice * query @ gallery.T
    squares = squares.clamp(min=low)
    return squares.sqrt() if root else squares


DISTANCES = Exercise(
    id="02.2",
    title="All pairs of distances, without a loop",
    points=2,
    minutes=12,
    hints=(
        "|q - g|² = |q|² + |g|² - 2 q·g, and query @ gallery.T holds all the q·g at once.",
        "query.square().sum(dim=1, keepdim=True) is (Q, 1), gallery.square().sum(dim=1) is (N,): added, they "
        "broadcast to (Q, N).",
        "Rounding can leave a square a little below zero, and its root is NaN: squares.clamp(min=0).sqrt()",
    ),
    cases=_vector_cases,
    answer=_answer_distances,
    judge=_judge_distances,
    mistakes=(
        Mistake(
            "negative squares",
            "for two equal vectors the three terms should cancel to 0; rounding may leave -0.06, and its root "
            "is NaN. Clamp the squares at 0 before the root.",
            lambda q, g: _table(q, g, low=-torch.inf),
        ),
        Mistake(
            "root forgotten",
            "these are the squares of the distances: take the root.",
            lambda q, g: _table(q, g, root=False),
        ),
        Mistake(
            "product counted once",
            "(q - g)² = q² + g² - 2qg: you subtract the product once, not twice.",
            lambda q, g: _table(q, g, twice=1.0),
        ),
        Mistake(
            "loop",
            "Python goes through the vectors one by one: thousands of photos against each other would take "
            "hours. One matrix product, query @ gallery.T, does them all.",
            lambda q, g: torch.stack([torch.stack([(a - b).norm() for b in g]) for a in q]),
        ),
        Mistake(
            "all differences at once",
            "query[:, None] - gallery holds Q × N × D numbers. For 180 photos of 224 × 224 pixels that is 20 "
            "gigabytes. With |q|² + |g|² - 2 q·g nothing is larger than the table.",
            lambda q, g: (q[:, None] - g).norm(dim=2),
        ),
    ),
)


# 02.3 ------------------------------------------------------------------------------------------------
def _table_cases(generator: torch.Generator) -> Cases:
    def table(N):
        points = torch.rand(N, 3, generator=generator)
        return torch.cdist(points, points)

    copies = table(9)
    twins = torch.randperm(9, generator=generator)[:2]
    copies[twins[0]] = copies[twins[1]] = copies[twins].mean(dim=0)
    copies = copies.minimum(copies.T)
    copies.fill_diagonal_(0.0)
    for a, b in (twins, twins.flip(0)):  # rounding: a copy comes out nearer than the photo itself
        copies[a, a], copies[a, b] = 0.03, 0.01
    return {
        "12 photos, 3 neighbours": SimpleNamespace(distances=table(12), k=3),
        "two copies of one photo, rounded": SimpleNamespace(distances=copies, k=2),
        "all but itself": SimpleNamespace(distances=table(5), k=4),
    }


def _judge_neighbors(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    neighbors, N = answer["neighbors"], len(case.distances)
    expect_shape("neighbors", neighbors, (N, case.k))
    if neighbors.dtype not in (torch.int64, torch.int32):
        raise CheckFailed(f"neighbors: expected whole numbers, rows of the table, got {neighbors.dtype}")
    expect_between("neighbors", neighbors, 0, N - 1, why="a neighbour is a row of the table")
    if itself := int((neighbors == torch.arange(N)[:, None]).any(dim=1).sum()):
        raise CheckFailed(f"neighbors: {itself} of {N} images have themselves as a neighbour, expected none")
    expected = [sorted(row[:i] + row[i + 1 :])[: case.k] for i, row in enumerate(case.distances.tolist())]
    got = case.distances.gather(1, neighbors.long())
    expect_close(
        "distances of your neighbors", got, torch.tensor(expected), why="the k smallest, nearest first"
    )


def _apart(distances):
    return distances + torch.diag(torch.full((len(distances),), torch.inf))


def _writes(distances, k):
    distances.fill_diagonal_(torch.inf)
    return distances.topk(k, largest=False).indices


NEIGHBORS = Exercise(
    id="02.3",
    title="The k nearest, without the image itself",
    points=2,
    minutes=8,
    hints=(
        "The nearest to an image is the image itself. Make those entries, the diagonal, infinitely far.",
        "distances.clone().fill_diagonal_(float('inf')) leaves the table that you were given as it is.",
        "torch.topk gives the largest unless told otherwise; it returns values and indices.",
        "return distances.clone().fill_diagonal_(float('inf')).topk(k, largest=False).indices",
    ),
    cases=_table_cases,
    answer=lambda f, case: {"neighbors": f(case.distances, case.k)},
    judge=_judge_neighbors,
    mistakes=(
        Mistake(
            "itself among them",
            "every image's nearest neighbour is itself, at distance 0: that says nothing. Make the diagonal "
            "infinite first.",
            lambda d, k: d.topk(k, largest=False).indices,
        ),
        Mistake(
            "first one dropped",
            "you take k + 1 and drop the first. But the first need not be the image itself: with a copy in "
            "the gallery, or a little rounding, the copy comes first. Take the image out by its place, the diagonal.",
            lambda d, k: d.topk(k + 1, largest=False).indices[:, 1:],
        ),
        Mistake(
            "farthest",
            "these are the farthest, since topk takes the largest unless told otherwise: largest=False.",
            lambda d, k: (d - torch.diag(torch.full((len(d),), torch.inf))).topk(k).indices,
        ),
        Mistake(
            "distances in place of rows",
            "you return the distances themselves. The neighbours are the places where they stand: .indices of "
            "topk or sort.",
            lambda d, k: _apart(d).topk(k, largest=False).values,
        ),
        Mistake(
            "down the columns",
            "you sorted down the columns and got (k, N). The neighbours of image i stand in row i: dim=1.",
            lambda d, k: _apart(d).argsort(dim=0)[:k],
        ),
        Mistake(
            "written into the table",
            "fill_diagonal_ (with the underscore) changes the caller's own table. Work on distances.clone().",
            _writes,
        ),
    ),
)


# 02.4 ------------------------------------------------------------------------------------------------
def _labelled_cases(generator: torch.Generator) -> Cases:
    def case(ids, k):
        ids = torch.tensor(ids)[torch.randperm(len(ids), generator=generator)]
        neighbors = (
            _apart(torch.rand(len(ids), len(ids), generator=generator)).argsort(dim=1)[:, :k].contiguous()
        )
        same = (ids[:, None] == ids).long().fill_diagonal_(0).argmax(dim=1)  # another image of the same photo
        neighbors[::2, 0] = same[::2]
        return SimpleNamespace(neighbors=neighbors, ids=ids)

    return {
        "photos 0, 1, 2 with 4 views each": case([0] * 4 + [1] * 4 + [2] * 4, 5),
        "ImageNet labels, classes of unequal size": case([217] * 2 + [482] * 7 + [701] * 3, 4),
        "one neighbour": case([3] * 3 + [8] * 3, 1),
    }


def _judge_precision(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    precision, ids = answer["precision"], case.ids.tolist()
    expect_shape("precision", precision, (len(ids),))
    expect_between("precision", precision, 0, 1, why="it is a share")
    counted = [sum(ids[j] == ids[i] for j in row) / len(row) for i, row in enumerate(case.neighbors.tolist())]
    expect_close(
        "precision",
        precision,
        torch.tensor(counted),
        why="of each image's k neighbours, the share with the image's own id",
    )


def _same(neighbors, ids):
    return (ids[neighbors] == ids[:, None]).float()  # (N, k)


PRECISION = Exercise(
    id="02.4",
    title="Precision at k",
    points=1,
    minutes=6,
    hints=(
        "ids[neighbors] looks up what each neighbour shows: it is (N, k), like neighbors.",
        "Compare it with ids[:, None], (N, 1), which broadcasts along each row.",
        "(ids[neighbors] == ids[:, None]).float().mean(dim=1)",
    ),
    cases=_labelled_cases,
    answer=lambda f, case: {"precision": f(case.neighbors, case.ids)},
    judge=_judge_precision,
    mistakes=(
        Mistake(
            "rows taken for ids",
            "you compare the neighbours' row numbers with ids. Look up first what stands in those rows: "
            "ids[neighbors].",
            lambda n, ids: (n == ids[:, None]).float().mean(dim=1),
        ),
        Mistake(
            "one hit is enough",
            "you count an image as right if any neighbour is. Precision is the share of the k that are right.",
            lambda n, ids: _same(n, ids).amax(dim=1),
        ),
        Mistake(
            "recall",
            "you divide by how many right ones there are to be found: that is recall. Precision divides by k.",
            lambda n, ids: _same(n, ids).sum(dim=1) / ((ids[:, None] == ids).sum(dim=1) - 1),
        ),
        Mistake(
            "counts",
            "you return how many neighbours are right. Divide by k: a share, in 0..1.",
            lambda n, ids: _same(n, ids).sum(dim=1),
        ),
        Mistake(
            "one number for all",
            "you averaged over all images. Give each its own share here, mean(dim=1); the average comes later.",
            lambda n, ids: _same(n, ids).mean(),
        ),
    ),
)


# 02.5 ------------------------------------------------------------------------------------------------
def _cloud_cases(generator: torch.Generator) -> Cases:
    def cloud(N, D):
        axes = torch.linalg.qr(torch.randn(D, D, generator=generator)).Q
        spread = torch.tensor([4.0, 2.0, *[0.5 * 0.8**i for i in range(D - 2)]])
        return torch.randn(N, D, generator=generator) * spread @ axes

    off = 10 * torch.nn.functional.normalize(torch.randn(6, generator=generator), dim=0)
    return {
        "40 points far from the origin": cloud(40, 6) + off,
        "fewer points than dimensions": cloud(9, 20),
    }


def _answer_map(f: Callable[..., Any], vectors: Tensor) -> dict[str, Any]:
    """The map with each axis turned so that its largest coordinate is positive: either way round is right."""
    points = as_tensor("map", f(vectors))
    if points.ndim == 2 and len(points):
        points = points * points.gather(0, points.abs().argmax(dim=0, keepdim=True)).sign()
    return {"map": points}


def _judge_map(vectors: Tensor, answer: dict[str, Tensor]) -> None:
    points, centred = answer["map"], (vectors - vectors.mean(dim=0)).double()
    expect_shape("map", points, (len(vectors), 2))
    expect_finite("map", points)
    expect_close(
        "middle of the map", points.mean(dim=0), torch.zeros(2), why="subtract the mean first", atol=1e-3
    )
    S, U = torch.linalg.eigh(centred @ centred.T)  # by the points' dot products: no singular vector is used
    expected = (U[:, -2:] * S[-2:].sqrt()).flip(1)
    expected = expected * expected.gather(0, expected.abs().argmax(dim=0, keepdim=True)).sign()
    spread, wanted = points.double().norm(dim=0), S[-2:].sqrt().flip(0)
    expect_close(
        "spread along the axes", spread, wanted, why="the two widest directions, widest first", rtol=1e-3
    )
    expect_close("map", points, expected, why="centred @ Vh[:2].T", atol=5e-3, rtol=1e-3)


def _map(vectors, *, centred=True, axes=slice(0, 2), columns=False, unit=False):
    x = vectors - vectors.mean(dim=0) if centred else vectors
    U, _, Vh = torch.linalg.svd(x, full_matrices=False)
    if unit:
        return U[:, axes]
    if columns:
        square = torch.linalg.svd(x, full_matrices=True).Vh
        return x @ square[:, axes]
    return x @ Vh[axes].T


MAP = Exercise(
    id="02.5",
    title="A map of feature space",
    points=2,
    minutes=10,
    hints=(
        "Principal components: subtract the mean vector, then find the two directions of the widest spread.",
        "U, S, Vh = torch.linalg.svd(centred, full_matrices=False): the rows of Vh are the directions, widest first.",
        "A point's place on the map is its dot product with each of the two: centred @ Vh[:2].T",
    ),
    cases=_cloud_cases,
    answer=_answer_map,
    judge=_judge_map,
    mistakes=(
        Mistake(
            "not centred",
            "you did not subtract the mean vector. The first direction then points at the whole cloud, and "
            "not along it.",
            lambda v: _map(v, centred=False),
        ),
        Mistake(
            "narrowest directions",
            "you took the directions of the least spread. svd lists the widest first, eigh lists them last.",
            lambda v: _map(v, axes=slice(-2, None)),
        ),
        Mistake(
            "columns of Vh",
            "torch.linalg.svd returns V already transposed: the directions are the rows of Vh, Vh[:2], "
            "not its columns.",
            lambda v: _map(v, columns=True),
        ),
        Mistake(
            "both axes alike",
            "U alone has the same spread along each axis. Multiply by S, or project: centred @ Vh[:2].T.",
            lambda v: _map(v, unit=True),
        ),
    ),
)

EXERCISES = (FEATURES, DISTANCES, NEIGHBORS, PRECISION, MAP)
