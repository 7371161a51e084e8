"""Last layer: nearest neighbours of a photo, by its pixels and by the network's features.

A photo's features are what goes into the network's last layer. Two photos are near in pixel space when light and dark
stand in the same places, and near in feature space when the network would say much the same of them.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from labkit.arguments import expect_tensor, expect_whole
from labkit.errors import LabError
from labkit.images import expect_images
from labkit.kernel import in_usual_numbers
from labkit.methods.vectors import expect_vectors
from labkit.modes import expect_eval
from labkit.running import OnlyLooks, expect_network, run

_ROWS = 1024  # at most so many vectors of either side are compared at once


@contextmanager
def penultimate(model: nn.Module) -> Iterator[list[Tensor]]:
    """Collect what goes into the last layer, (N, D) for each run, for as long as the with block lasts.

    Raises: LabError if the model ends neither in an nn.Linear nor in a 1 × 1 convolution
    """
    seen: list[Tensor] = []

    def keep(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen.append(inputs[0].mean(dim=(2, 3)) if inputs[0].ndim == 4 else inputs[0].clone())

    hook = _last_layer(model).register_forward_pre_hook(OnlyLooks(keep))
    try:
        yield seen
    finally:
        hook.remove()


def _last_layer(model: nn.Module) -> nn.Module:
    """The last nn.Linear; in a network that has none, its last convolution, if that looks at one position at a time."""
    linears = [module for module in model.modules() if isinstance(module, nn.Linear)]
    convolutions = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
    if not linears and not (convolutions and convolutions[-1].kernel_size == (1, 1)):
        raise LabError(
            f"no nn.Linear in {type(model).__name__}, and no 1 × 1 convolution at its end; expected a classifier, "
            "try models.load()"
        )
    return (linears or convolutions)[-1]


@in_usual_numbers
def features(model: nn.Module, images: Tensor, *, batch_size: int = 32) -> Tensor:
    """What the last layer gets to see of each image: the penultimate features.

    In a fully convolutional network the last layer is a 1 × 1 convolution, a linear layer at every position, and
    the features are what goes into it, averaged over the positions.

    images:  (N, 3, H, W) in 0..1
    Returns: (N, D), detached: D is 1280 in EfficientNet-Lite0, 512 in SqueezeNet, 4096 in AlexNet
    Raises:  LabError if images leave 0..1, or the model has no last layer that runs
    Source:  Krizhevsky et al. 2012, "ImageNet classification with deep CNNs", section 6.1
    """
    batch_size = expect_whole("batch_size", batch_size, 1)
    expect_images(images)
    expect_network(model)
    expect_eval(model)
    found = []
    with torch.no_grad(), penultimate(model) as seen:
        for batch in images.split(batch_size):
            run(model, batch)
            if not seen:
                name = type(model).__name__
                raise LabError(f"the last layer of {name} did not run; is it for training only?")
            found.append(seen[-1])
    return torch.cat(found)


def distances(query: Tensor, gallery: Tensor) -> Tensor:
    """All L2 distances between two sets of vectors, without a loop: the root of |q|² + |g|² - 2 q·g.

    In float64, and seen from the gallery's mean, since for long vectors that differ little the three
    terms cancel; what rounding leaves below 0 is cut.

    query:   (Q, D);  gallery: (N, D)
    Returns: (Q, N), float64
    Raises:  LabError for sets that do not fit together, or hold NaN
    """
    expect_vectors(query, gallery)
    middle = gallery.mean(dim=0)
    q, g = query.double() - middle, gallery.double() - middle
    squares = q.square().sum(dim=1)[:, None] + g.square().sum(dim=1) - 2 * q @ g.T  # (Q, N)
    return squares.clamp(min=0).sqrt()


def nearest(
    query: Tensor, gallery: Tensor, k: int = 5, *, leave_out: Tensor | None = None, memory_mb: int = 256
) -> tuple[Tensor, Tensor]:
    """The k vectors of a gallery that are nearest to each query by L2 distance; brute force, block by block.

    query:     (Q, D);  gallery: (N, D)
    leave_out: (Q,) a gallery row for each query that does not count, such as the query itself
    memory_mb: about what the blocks may take; the result is the same
    Returns:   indices (Q, k) int64 and distances (Q, k) float64, nearest first
    Raises:    LabError if k is more than there are, or the sets do not fit together
    """
    expect_vectors(query, gallery)
    Q, N, D = len(query), len(gallery), query.shape[1]
    expect_whole("k", k)
    expect_whole("memory_mb", memory_mb, 0)
    if leave_out is not None:
        expect_tensor("leave_out", leave_out, "Q", of="whole numbers", Q=Q, mend=f"torch.arange({Q})")
    if leave_out is not None and (not ((leave_out >= 0) & (leave_out < N)).all()):
        raise LabError(
            f"expected leave_out as {Q} rows of the gallery, each in 0..{N - 1}; try torch.arange({Q})"
        )
    if not 1 <= k <= N - (leave_out is not None):
        raise LabError(f"expected k in 1..{N - (leave_out is not None)} for a gallery of {N}, got {k}")
    rows = max(1, min(_ROWS, memory_mb * 2**20 // (32 * D)))  # four float64 numbers for each of rows × D
    out = leave_out.split(rows) if leave_out is not None else [None] * -(-Q // rows)
    blocks = [_nearest(q, gallery, k, skip, rows) for q, skip in zip(query.split(rows), out, strict=True)]
    indices, found = zip(*blocks, strict=True)
    return torch.cat(indices), torch.cat(found)


def _nearest(query: Tensor, gallery: Tensor, k: int, skip: Tensor | None, rows: int) -> tuple[Tensor, Tensor]:
    best = query.new_empty(len(query), 0, dtype=torch.float64)  # distances of the k nearest so far
    indices = best.long()
    for start in range(0, len(gallery), rows):
        table = distances(query, gallery[start : start + rows])
        near, here = smallest(table, k, leave_out=None if skip is None else skip - start)
        best, indices = torch.cat([best, near], dim=1), torch.cat([indices, start + here], dim=1)
        best, order = best.topk(min(k, best.shape[1]), largest=False)
        indices = indices.gather(1, order)
    # the winners once more, by their differences: equal vectors are then 0 apart, to the last bit
    columns = [(query.double() - gallery[column].double()).norm(dim=1) for column in indices.T]
    exact, order = torch.stack(columns, dim=1).sort(dim=1, stable=True)
    return indices.gather(1, order), exact


def smallest(table: Tensor, k: int, *, leave_out: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The k smallest entries of each row of a table, smallest first, and their columns.

    table:     (Q, N);  leave_out: (Q,) a column for each row that counts as infinite; one that is not there leaves out
               none
    Returns:   values and columns, each (Q, min(k, N))
    """
    expect_tensor("table", table, "Q N")
    expect_whole("k", k, 1)
    if leave_out is not None:
        expect_tensor("leave_out", leave_out, "Q", of="whole numbers", Q=len(table))
    if leave_out is not None:
        columns = torch.arange(table.shape[1], device=table.device)
        table = table.masked_fill(columns == leave_out[:, None], torch.inf)
    values, columns = table.topk(min(k, table.shape[1]), largest=False)
    return values, columns


def precision_at_k(neighbors: Tensor, query_ids: Tensor, gallery_ids: Tensor) -> Tensor:
    """Which share of each query's neighbours shows the same as the query.

    neighbors:   (Q, k) rows of the gallery
    query_ids:   (Q,) what each query shows;  gallery_ids: (N,)
    Returns:     (Q,) in 0..1; their mean is the precision at k
    """
    sizes = expect_tensor("neighbors", neighbors, "Q k", of="whole numbers")
    expect_tensor("query_ids", query_ids, "Q", of="numbers", Q=sizes["Q"])
    expect_tensor("gallery_ids", gallery_ids, "N", of="numbers")
    expect_whole("each of neighbors", neighbors.min(), 0)
    expect_whole("each of neighbors", neighbors.max(), 0, len(gallery_ids) - 1)
    return (gallery_ids[neighbors.long()] == query_ids[:, None]).double().mean(dim=1)


def pca_map(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Vectors as points on the plane along which they differ most.

    vectors: (N, D)
    Returns: points (N, 2), and the share of all variance that each of the two axes holds, (2,)
    Source:  Pearson 1901, "On lines and planes of closest fit to systems of points in space"
    """
    expect_tensor("vectors", vectors, "N D", of="numbers", finite=True)
    if not (vectors != vectors[:1]).any():
        raise LabError("expected vectors that differ, got all alike; try those of several photos")
    points = on_widest_plane(vectors)
    largest = points.gather(0, points.abs().argmax(dim=0, keepdim=True))  # an axis has no sign of its own
    variance = (vectors.double() - vectors.double().mean(dim=0)).square().sum()
    return points * largest.sign(), points.square().sum(dim=0) / variance


def on_widest_plane(vectors: Tensor) -> Tensor:
    """Places along the two directions of widest spread, the widest first: (N, D) -> (N, 2) float64; signs are open."""
    N = expect_tensor("vectors", vectors, "N D", of="numbers", finite=True)["N"]
    expect_whole("the number of vectors", N, 2)
    centred = vectors.double() - vectors.double().mean(dim=0)
    variances: Tensor
    axes: Tensor
    variances, axes = torch.linalg.eigh(centred @ centred.T)  # (N, N): cheap where images have many pixels
    return (axes[:, -2:] * variances[-2:].clamp(min=0).sqrt()).flip(1)
