"""What a search for neighbours is given: two sets of vectors."""

import torch
from torch import Tensor

from labkit.arguments import expect_tensor
from labkit.errors import LabError


def expect_vectors(query: Tensor, gallery: Tensor) -> None:
    """Require a query (Q, D) and a gallery (N, D) that fit together, all finite. Raises: LabError"""
    for name, vectors in {"query": query, "gallery": gallery}.items():
        kind = "numbers" if name == "query" else "floats"
        expect_tensor(name, vectors, "N D", of=kind, mend="images.flatten(1) for pixels")
    if query.shape[1] != gallery.shape[1]:
        raise LabError(
            f"expected query (Q, D) and gallery (N, D) of one D, got {tuple(query.shape)} and "
            f"{tuple(gallery.shape)}; try images.flatten(1) for pixels"
        )
    for name, vectors in {"query": query, "gallery": gallery}.items():
        if bad := int((~torch.isfinite(vectors)).any(dim=1).sum()):
            raise LabError(f"{bad} of {len(vectors)} {name} vectors hold NaN or infinity; expected none")
