"""Stage 01, first-layer filters: out of any network, onto a sheet, and grown from photos."""

from collections import OrderedDict
from types import SimpleNamespace

import torch
from torch import Tensor, nn

from labkit import images
from labkit.checks.exercise import Cases, CheckFailed, Exercise, Mistake
from labkit.checks.expect import expect_between, expect_close, expect_finite, expect_shape
from labkit.methods import filters as reference


# 01.1 ------------------------------------------------------------------------------------------------
def _networks(generator: torch.Generator) -> Cases:
    """Networks that hide their first convolution in different places, with weights of their own."""
    stem = nn.Sequential(OrderedDict(project=nn.Conv2d(3, 6, 7, stride=2), norm=nn.BatchNorm2d(6)))
    networks = {
        "a plain stack": nn.Sequential(nn.Conv2d(3, 8, 5), nn.ReLU(), nn.Conv2d(8, 3, 3)),
        "a stem inside a block": nn.Sequential(OrderedDict(stem=stem, head=nn.Conv2d(6, 4, 1))),
        "colours normalised first": nn.Sequential(
            nn.BatchNorm2d(3), nn.Conv2d(3, 4, (3, 5)), nn.Conv2d(4, 3, 3), nn.Conv2d(3, 5, 3)
        ),
    }
    for net in networks.values():
        for parameter in net.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator)
    return networks


def _judge_first_layer(net: nn.Module, answer: dict[str, Tensor]) -> None:
    expect_close(
        "filters", answer["filters"], reference.first_convolution(net), why="the weights as they are"
    )
    if answer["attached"]:
        raise CheckFailed(
            "filters: expected plain numbers, got a tensor that still requires grad", mistake="still attached"
        )


def _first_parameter(net):
    return next(net.parameters()).detach()


def _last_convolution(net):
    return [m for m in net.modules() if isinstance(m, nn.Conv2d)][-1].weight.detach()


def _features_0(net):
    return net.features[0].weight.detach()


FIRST_LAYER = Exercise(
    id="01.1",
    title="The first convolution of any network",
    points=1,
    minutes=6,
    hints=(
        "net.modules() walks through all modules, also those inside blocks, in the order of their definition.",
        "isinstance(module, nn.Conv2d) tells a convolution; return at the first one.",
        "return module.weight.detach()",
    ),
    cases=_networks,
    answer=lambda f, net: {"filters": (found := f(net)), "attached": getattr(found, "requires_grad", False)},
    judge=_judge_first_layer,
    mistakes=(
        Mistake(
            "first parameter",
            "you return the network's first parameter, whatever it belongs to. Here a batch norm comes "
            "first, and its weights are no filters: look for an nn.Conv2d.",
            _first_parameter,
        ),
        Mistake(
            "last convolution",
            "you return the last convolution: the loop goes on after the first one. Return, or break.",
            _last_convolution,
        ),
        Mistake(
            "one network's names",
            "net.features[0] is where AlexNet keeps it; ResNet says conv1, others conv_stem. "
            "Search net.modules() and no name is needed.",
            _features_0,
        ),
        Mistake(
            "colours last",
            "you moved the colours to the end, as matplotlib wants them. Keep (K, 3, h, w) here; "
            "the drawing turns them later.",
            lambda net: reference.first_convolution(net).permute(0, 2, 3, 1),
        ),
        Mistake(
            "still attached",
            "these are still the network's own parameters: what you do to them, autograd records. "
            "Add .detach() for numbers to look at.",
            lambda net: next(m for m in net.modules() if isinstance(m, nn.Conv2d)).weight,
        ),
    ),
)


# 01.2 ------------------------------------------------------------------------------------------------
def _filter_banks(generator: torch.Generator) -> Cases:
    def draw(*shape):
        return torch.randn(shape, generator=generator)

    loud = draw(6, 3, 7, 7) * torch.tensor([0.1, 1, 10, 0.5, 2, 5]).view(6, 1, 1, 1)
    with_flat = draw(3, 3, 4, 5)
    with_flat[1] = 0.3
    return {
        "loud and quiet filters": loud,
        "filters above zero": draw(4, 3, 5, 5).abs() + 1,
        "one flat": with_flat,
    }


def _judge_scaled(filters: Tensor, answer: dict[str, Tensor]) -> None:
    scaled = answer["scaled"]
    expect_shape("scaled", scaled, tuple(filters.shape))
    expect_finite("scaled", scaled)
    expect_between("scaled", scaled, 0, 1, why="a screen shows 0..1, and clips the rest")
    expect_close(
        "scaled",
        scaled,
        reference.rescale(filters),
        why="each filter's least weight becomes 0, its largest 1",
    )


def _scale(filters, dims):
    low, high = filters.amin(dims, keepdim=True), filters.amax(dims, keepdim=True)
    return torch.where(high > low, (filters - low) / (high - low), 0.5)


SCALE = Exercise(
    id="01.2",
    title="Scale each filter for display",
    points=1,
    minutes=8,
    hints=(
        "Every filter needs its own smallest and largest weight, over its three colours together.",
        "filters.amin(dim=(1, 2, 3), keepdim=True) has shape (K, 1, 1, 1), so it broadcasts.",
        "A flat filter gives 0/0. torch.where(span > 0, scaled, 0.5) chooses grey there.",
    ),
    cases=_filter_banks,
    answer=lambda f, filters: {"scaled": f(filters)},
    judge=_judge_scaled,
    mistakes=(
        Mistake(
            "one scale for all",
            "you took the smallest and largest weight of the whole bank, so one loud filter leaves "
            "the others grey. Take them per filter.",
            lambda f: _scale(f, (0, 1, 2, 3)),
        ),
        Mistake(
            "each colour apart",
            "you scaled red, green and blue apart, which paints colours that the filter does not have. "
            "One scale for the three together.",
            lambda f: _scale(f, (2, 3)),
        ),
        Mistake(
            "divided by the largest only",
            "you divided by the largest weight and did not subtract the smallest: "
            "negative weights stay below 0, where the screen shows black.",
            lambda f: f / f.amax((1, 2, 3), keepdim=True),
        ),
        Mistake(
            "flat filter",
            "the flat filter has no range, and 0/0 is NaN. Give it 0.5.",
            lambda f: (
                (f - f.amin((1, 2, 3), keepdim=True))
                / (f.amax((1, 2, 3), keepdim=True) - f.amin((1, 2, 3), keepdim=True))
            ),
        ),
    ),
)


# 01.3 ------------------------------------------------------------------------------------------------
def _sheets(generator: torch.Generator) -> Cases:
    def case(K, h, w, columns, gap):
        return SimpleNamespace(filters=torch.rand(K, 3, h, w, generator=generator), columns=columns, gap=gap)

    return {
        "6 filters in 3 columns": case(6, 4, 4, 3, 1),
        "7 filters, the last row half empty": case(7, 3, 3, 4, 1),
        "wide filters, gap 2": case(4, 3, 5, 2, 2),
    }


def _judge_sheet(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    expected = reference.tile(case.filters, columns=case.columns, gap=case.gap)
    expect_close(
        "sheet", answer["sheet"], expected, why="filter k stands in row k // columns, column k % columns"
    )


def _tile(filters, columns, gap, *, place, rows, border):
    _, C, h, w = filters.shape
    edge = gap if border else 0
    sheet = torch.zeros(C, rows * (h + gap) - gap + 2 * edge, columns * (w + gap) - gap + 2 * edge)
    for k, image in enumerate(filters):
        row, column = place(k)
        if row < rows:
            top, left = edge + row * (h + gap), edge + column * (w + gap)
            sheet[:, top : top + h, left : left + w] = image
    return sheet


def _down_first(filters, columns, gap):
    rows = -(-len(filters) // columns)
    return _tile(filters, columns, gap, rows=rows, border=True, place=lambda k: (k % rows, k // rows))


def _rows_floored(filters, columns, gap):
    return _tile(
        filters, columns, gap, rows=len(filters) // columns, border=True, place=lambda k: divmod(k, columns)
    )


def _no_border(filters, columns, gap):
    rows = -(-len(filters) // columns)
    return _tile(filters, columns, gap, rows=rows, border=False, place=lambda k: divmod(k, columns))


TILE = Exercise(
    id="01.3",
    title="Tile the filters into a sheet",
    points=2,
    minutes=12,
    hints=(
        "Make a black sheet of the right size first, then copy each filter to its place.",
        "The number of rows is K / columns rounded up: -(-K // columns), or math.ceil(K / columns).",
        "divmod(k, columns) gives row and column; top = gap + row * (h + gap), left = gap + column * (w + gap).",
    ),
    cases=_sheets,
    answer=lambda f, case: {"sheet": f(case.filters, case.columns, case.gap)},
    judge=_judge_sheet,
    mistakes=(
        Mistake(
            "down before across",
            "you fill the sheet column by column. It reads like a text: along the row first.",
            _down_first,
        ),
        Mistake(
            "half-empty row lost",
            "when the last row is not full, yours is missing: K // columns rounds down. Round up.",
            _rows_floored,
        ),
        Mistake(
            "no outer gap",
            "the gap goes around the sheet too: rows·(h+gap) + gap pixels high, and filter 0 starts at (gap, gap).",
            _no_border,
        ),
        Mistake(
            "filters transposed",
            "rows and columns inside each filter are exchanged. A filter is (3, h, w): height comes first.",
            lambda filters, columns, gap: reference.tile(filters.transpose(2, 3), columns=columns, gap=gap),
        ),
    ),
)


# 01.4 ------------------------------------------------------------------------------------------------
def _patch_cases(generator: torch.Generator) -> Cases:
    def patches(count, size):
        seed = int(torch.randint(2**31, (), generator=generator))
        return reference.random_patches(images.photos().images, count=count, size=size, seed=seed)

    flat = torch.rand(3, 1, generator=generator).expand(3, 27).clone()
    return {
        "patches of photos": SimpleNamespace(patches=patches(200, 5), epsilon=0.01),
        "flat patches among others": SimpleNamespace(patches=torch.cat([flat, patches(5, 3)]), epsilon=0.1),
    }


def _judge_contrast(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    normalized = answer["normalized"]
    expect_shape("normalized", normalized, tuple(case.patches.shape))
    expect_finite("normalized", normalized)
    expect_close(
        "mean of each patch",
        normalized.mean(dim=1),
        torch.zeros(len(normalized)),
        why="subtract each patch's own mean",
    )
    expected = reference.normalize_contrast(case.patches, epsilon=case.epsilon)
    expect_close(
        "normalized", normalized, expected, why="(x - mean) / sqrt(variance + epsilon), patch by patch"
    )


def _contrast(patches, epsilon, *, dim=1, correction=0, centred=True, inside=True):
    mean = patches.mean(dim=dim, keepdim=True)
    variance = patches.var(dim=dim, keepdim=True, correction=correction)
    scale = (variance + epsilon).sqrt() if inside else variance.sqrt() + epsilon
    return (patches - mean if centred else patches) / scale


NORMALIZE = Exercise(
    id="01.4",
    title="Normalise the contrast of patches",
    points=1,
    minutes=8,
    hints=(
        "One row is one patch: mean and variance run along dim=1, and keepdim=True lets them broadcast.",
        "The variance is the mean of the squared deviations; torch.var divides by d - 1 unless correction=0.",
        "(patches - mean) / (variance + epsilon).sqrt()",
    ),
    cases=_patch_cases,
    answer=lambda f, case: {"normalized": f(case.patches, case.epsilon)},
    judge=_judge_contrast,
    mistakes=(
        Mistake(
            "along the wrong axis",
            "you normalised each pixel over all patches (dim=0). Each patch is to lose its own "
            "brightness and contrast: dim=1.",
            lambda p, e: _contrast(p, e, dim=0),
        ),
        Mistake(
            "one mean for all",
            "you used one mean and one variance for all patches, so dark patches stay dark. One for each row.",
            lambda p, e: _contrast(p, e, dim=(0, 1)),
        ),
        Mistake(
            "mean kept",
            "you divided by the contrast and kept the mean: the brightness of a patch would outweigh its edges.",
            lambda p, e: _contrast(p, e, centred=False),
        ),
        Mistake(
            "epsilon outside the root",
            "epsilon belongs to the variance, inside the root: sqrt(variance + epsilon), "
            "not sqrt(variance) + epsilon.",
            lambda p, e: _contrast(p, e, inside=False),
        ),
        Mistake(
            "divided by d - 1",
            "your variance divides by d - 1, torch.var's default. Here all d pixels are the whole patch, "
            "not a sample: correction=0.",
            lambda p, e: _contrast(p, e, correction=1),
        ),
    ),
)


# 01.5 ------------------------------------------------------------------------------------------------
def _whitening_cases(generator: torch.Generator) -> Cases:
    def photos(count, size):
        seed = int(torch.randint(2**31, (), generator=generator))
        return reference.random_patches(images.photos().images, count=count, size=size, seed=seed)

    few = torch.randn(6, 12, generator=generator) + 2
    return {
        "normalised patches of photos": SimpleNamespace(
            patches=reference.normalize_contrast(photos(400, 4)), epsilon=0.05
        ),
        "a mean that is not zero": SimpleNamespace(patches=photos(300, 3), epsilon=0.01),
        "fewer patches than pixels": SimpleNamespace(patches=few, epsilon=0.1),
    }


def _judge_white(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    white, expected = answer["white"], reference.zca_whiten(case.patches, epsilon=case.epsilon)
    expect_shape("white", white, tuple(case.patches.shape))
    expect_finite("white", white)
    if torch.allclose(_spectrum(white), _spectrum(expected), rtol=1e-2, atol=1e-3) and not torch.allclose(
        white.double(), expected.double(), rtol=1e-2, atol=1e-2
    ):
        raise CheckFailed(
            "white: uncorrelated, as it should be, but turned into other axes than the pixels'",
            mistake="not rotated back",
        )
    expect_close("white", white, expected, why="(x - mean) · U (S + epsilon)^(-1/2) Uᵀ", atol=2e-3, rtol=2e-3)


def _spectrum(patches: Tensor) -> Tensor:
    centred = (patches - patches.mean(dim=0)).double()
    return torch.linalg.eigvalsh(centred.T @ centred / len(centred))


def _whiten(patches, epsilon, *, power=-0.5, centre=True, back=True, divisor=None):
    centred = patches - patches.mean(dim=0)
    if not centre:
        centred = patches
    S, U = torch.linalg.eigh(centred.T @ centred / (divisor or len(patches)))
    turned = centred @ U * (S.clamp(min=0) + epsilon) ** power
    return turned @ U.T if back else turned


WHITEN = Exercise(
    id="01.5",
    title="ZCA whitening",
    points=3,
    minutes=15,
    hints=(
        "Three steps: subtract the mean patch, take eigenvalues S and eigenvectors U of the covariance, multiply.",
        "covariance = centred.T @ centred / n; S, U = torch.linalg.eigh(covariance)",
        "The eigenvectors are the columns of U: U * (S + epsilon) ** -0.5 scales each of them.",
        "centred @ (U * (S + epsilon) ** -0.5) @ U.T",
    ),
    cases=_whitening_cases,
    answer=lambda f, case: {"white": f(case.patches, case.epsilon)},
    judge=_judge_white,
    mistakes=(
        Mistake(
            "exponent's sign",
            "you raise the eigenvalues to +1/2, which makes strong directions stronger. "
            "Whitening evens them out: -1/2.",
            lambda p, e: _whiten(p, e, power=0.5),
        ),
        Mistake(
            "root forgotten",
            "you divide by S + epsilon, not by its root. S is a variance; to make it 1, divide by a "
            "standard deviation.",
            lambda p, e: _whiten(p, e, power=-1),
        ),
        Mistake(
            "mean forgotten",
            "you did not subtract the mean patch (over all patches, dim=0), so the first direction is "
            "the mean itself.",
            lambda p, e: _whiten(p, e, centre=False),
        ),
        Mistake(
            "not rotated back",
            "that is PCA whitening: the patches are still in the eigenvectors' axes, and no picture any "
            "more. ZCA turns them back with U.T.",
            lambda p, e: _whiten(p, e, back=False),
        ),
        Mistake(
            "not divided by n",
            "centred.T @ centred is n times the covariance: divide by the number of patches.",
            lambda p, e: _whiten(p, e, divisor=1),
        ),
        Mistake(
            "epsilon left out",
            "without epsilon, directions in which nothing varies are divided by almost zero, and noise wins.",
            lambda p, e: _whiten(p, 1e-12),
        ),
    ),
)


# 01.6 ------------------------------------------------------------------------------------------------
def _cluster_cases(generator: torch.Generator) -> Cases:
    def unit(rows):
        return rows / rows.norm(dim=1, keepdim=True)

    patches = torch.randn(300, 12, generator=generator)
    away = torch.cat([torch.randn(40, 5, generator=generator), torch.zeros(40, 1)], dim=1)
    lonely = torch.cat([unit(torch.randn(3, 6, generator=generator)), torch.eye(6)[5:]])
    lonely[:3, 5] = 0
    return {
        "random patches": SimpleNamespace(
            patches=patches, centroids=unit(torch.randn(8, 12, generator=generator))
        ),
        "a centroid that no patch chooses": SimpleNamespace(patches=away, centroids=unit(lonely)),
    }


def _judge_round(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    centroids = answer["centroids"]
    expect_shape("centroids", centroids, tuple(case.centroids.shape))
    expect_finite("centroids", centroids)
    expect_close(
        "length of each centroid",
        centroids.norm(dim=1),
        torch.ones(len(centroids)),
        why="divide each by its length",
    )
    expect_close(
        "centroids",
        centroids,
        reference.kmeans_round(case.patches, case.centroids),
        why="old centroid + sum of similarity × patch over the patches that it won, then unit length",
    )


def _round(patches, centroids, *, absolute=True, weighted=True, damped=True, normalized=True, axis=1):
    similarity = patches @ centroids.T
    winner = (similarity.abs() if absolute else similarity).argmax(dim=1)
    chosen = torch.eye(len(centroids))[winner]  # (n, K), a one in each row
    sums = (chosen * similarity if weighted else chosen).T @ patches
    sums = sums + centroids if damped else sums
    return sums / sums.norm(dim=axis, keepdim=True) if normalized else sums


KMEANS = Exercise(
    id="01.6",
    title="One round of spherical k-means",
    points=2,
    minutes=15,
    hints=(
        "similarity = patches @ centroids.T is (n, K): how parallel each patch is to each centroid.",
        "The winner is similarity.abs().argmax(dim=1): an edge and its negative belong together.",
        "Sum similarity × patch over a centroid's patches. With chosen (n, K), a single 1 in each row: "
        "(chosen * similarity).T @ patches",
        "sums = centroids + (chosen * similarity).T @ patches; return sums / sums.norm(dim=1, keepdim=True)",
    ),
    cases=_cluster_cases,
    answer=lambda f, case: {"centroids": f(case.patches, case.centroids)},
    judge=_judge_round,
    mistakes=(
        Mistake(
            "opposites parted",
            "you let the largest similarity win, not the largest in size. A dark-to-light edge and its "
            "negative are one direction: use abs().",
            lambda p, c: _round(p, c, absolute=False),
        ),
        Mistake(
            "every patch counts alike",
            "you added the patches themselves. Weigh each by its similarity, which also turns opposite "
            "ones around; else an edge and its negative cancel.",
            lambda p, c: _round(p, c, weighted=False),
        ),
        Mistake(
            "old centroid dropped",
            "you did not add the old centroid. One that no patch chose is then zero, and 0/0 is NaN.",
            lambda p, c: _round(p, c, damped=False),
        ),
        Mistake(
            "length not one",
            "the centroids are not brought back to unit length, so the longest would win everything next time.",
            lambda p, c: _round(p, c, normalized=False),
        ),
        Mistake(
            "normalised down the columns",
            "you normalised along the wrong axis: a centroid is a row, so its length is norm(dim=1).",
            lambda p, c: _round(p, c, axis=0),
        ),
    ),
)

EXERCISES = (FIRST_LAYER, SCALE, TILE, NORMALIZE, WHITEN, KMEANS)
