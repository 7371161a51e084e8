"""What the student's functions of stage 02 stand in for: features and their neighbours, precision, a map, a probe."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from labkit.checks.stand_in import StandIn
from labkit.images import expect_images
from labkit.methods import neighbors, probe

Function = Callable[..., Tensor]
POINTS = 1_000  # of a map: more take a decomposition too long


def _features(theirs: Function, own: Function) -> Function:
    def features(model: nn.Module, images: Tensor, *, batch_size: int = 32) -> Tensor:
        expect_images(images)
        if not any(isinstance(module, nn.Linear) for module in model.modules()):
            return own(model, images, batch_size=batch_size)  # theirs looks for a linear layer
        with torch.no_grad():
            return torch.cat([theirs(model, batch).detach() for batch in images.split(batch_size)])

    return features


def _distances(theirs: Function, own: Function) -> Function:
    def distances(query: Tensor, gallery: Tensor) -> Tensor:
        middle = gallery.double().mean(dim=0)  # in float64 and from there, as own: long vectors differ little
        return theirs(query.double() - middle, gallery.double() - middle).double()

    return distances


def _smallest(
    theirs: Function, own: Callable[..., tuple[Tensor, Tensor]]
) -> Callable[..., tuple[Tensor, Tensor]]:
    def smallest(table: Tensor, k: int, *, leave_out: Tensor | None = None) -> tuple[Tensor, Tensor]:
        N = table.shape[1]
        if leave_out is None or k >= N or not torch.equal(leave_out, torch.arange(N).to(leave_out)):
            return own(table, k, leave_out=leave_out)  # theirs leaves out the diagonal
        columns = theirs(table, k).to(table.device).long()
        return table.gather(1, columns), columns

    return smallest


def _on_widest_plane(theirs: Function, own: Function) -> Function:
    def on_widest_plane(vectors: Tensor) -> Tensor:
        N, D = vectors.shape
        if N > POINTS:
            return own(vectors)
        vectors = vectors.double()
        # the same points in as many dimensions as there are points: theirs may write down a table of D × D
        return theirs(torch.linalg.qr(vectors.T).R.T if D > N else vectors).double()

    return on_widest_plane


def _precision(theirs: Function, own: Function) -> Function:
    def precision_at_k(neighbors: Tensor, query_ids: Tensor, gallery_ids: Tensor) -> Tensor:
        if query_ids is not gallery_ids:  # theirs knows one set of images alone
            return own(neighbors, query_ids, gallery_ids)
        return theirs(neighbors, query_ids).double()

    return precision_at_k


YOURS = (
    StandIn("02.1", "last_features", neighbors, "features", _features),
    StandIn("02.2", "pairwise_distances", neighbors, "distances", _distances),
    StandIn("02.3", "nearest_others", neighbors, "smallest", _smallest),
    StandIn("02.4", "precision_at_k", neighbors, "precision_at_k", _precision),
    StandIn("02.5", "map_2d", neighbors, "on_widest_plane", _on_widest_plane),
    StandIn("02.6", "probe_step", probe, "probe_step"),
)
