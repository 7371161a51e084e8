"""First-layer filters: out of a trained network, or grown from photos by k-means.

The first convolution meets the pixels themselves, so its weights can be looked at as small pictures.
Networks of every build, and k-means on patches of photos, arrive at much the same ones: oriented edges
and opponent colours. The measures at the end say so in numbers.
"""

import torch
from torch import Tensor, nn

from labkit.arguments import expect_number, expect_tensor, expect_whole, seeded
from labkit.errors import LabError
from labkit.images import expect_images
from labkit.kernel import in_usual_numbers
from labkit.running import expect_network


def first_convolution(net: nn.Module) -> Tensor:
    """The weights of the first convolution that meets the picture's three colours.

    Returns: (K, 3, h, w), a detached copy
    Raises:  LabError if the network has no convolution over 3 channels
    """
    name = first_layer(net)
    weight: Tensor = net.get_submodule(name).weight  # type: ignore[assignment]
    return weight.detach().clone()


def first_layer(net: nn.Module) -> str:
    """The name of that convolution in net.named_modules(). Raises: LabError as `first_convolution`"""
    expect_network(net)
    name: str
    for name, module in net.named_modules():
        if isinstance(module, nn.Conv2d) and module.in_channels == 3:
            return name
    raise LabError(
        f"no convolution over 3 channels in {type(net).__name__}; is it a network for colour images?"
    )


@in_usual_numbers
def random_patches(images: Tensor, *, count: int, size: int, seed: int = 0) -> Tensor:
    """Cut `count` squares of size × size from random places of random images.

    images:  (N, C, H, W);  Returns: (count, C·size·size), flattened channel by channel
    Raises:  LabError if the images are smaller than a patch
    """
    expect_tensor("images", images, "N C H W", of="numbers")
    expect_whole("count", count, 1)
    expect_whole("size", size, 1)
    N, _, H, W = images.shape
    if min(H, W) < size:
        raise LabError(f"cannot cut patches of {size} × {size} from images of {H} × {W}; try a smaller size")
    generator = seeded(seed)
    which, top, left = (
        torch.randint(n, (count,), generator=generator) for n in (N, H - size + 1, W - size + 1)
    )
    step = torch.arange(size)
    rows, columns = top[:, None, None] + step[:, None], left[:, None, None] + step
    return images[which[:, None, None], :, rows, columns].permute(0, 3, 1, 2).flatten(1)


def normalize_contrast(patches: Tensor, *, epsilon: float = 0.01) -> Tensor:
    """Give every patch mean 0 and, where it has contrast, standard deviation 1.

    patches: (n, d) in 0..1
    epsilon: added to the variance, so that flat patches are not blown up into noise
    Source:  Coates, Lee & Ng 2011, "An analysis of single-layer networks", section 3
    """
    expect_tensor("patches", patches, "n d")
    expect_number("epsilon", epsilon, 0)
    centred = patches - patches.mean(dim=1, keepdim=True)
    return centred / (centred.square().mean(dim=1, keepdim=True) + epsilon).sqrt()


@in_usual_numbers
def zca_whiten(patches: Tensor, *, epsilon: float = 0.1) -> Tensor:
    """Remove the correlations between pixels, and stay as near to the patches as that allows.

    (x - mean) · U (S + epsilon)^(-1/2) Uᵀ, where U S Uᵀ is the patches' covariance.

    patches: (n, d);  epsilon: added to each eigenvalue, so that faint directions are not blown up
    Returns: (n, d)
    Source:  Bell & Sejnowski 1997; Coates, Lee & Ng 2011
    """
    expect_tensor("patches", patches, "n d", of="floats of 32 or 64 bits", finite=True)
    expect_number("epsilon", epsilon, 0)
    centred = patches - patches.mean(dim=0)
    eigenvalues: Tensor
    axes: Tensor
    eigenvalues, axes = torch.linalg.eigh(centred.T @ centred / len(centred))
    scale = (eigenvalues.clamp(min=0) + epsilon).rsqrt()
    if not scale.isfinite().all():
        raise LabError(
            f"expected patches that differ in every direction, or epsilon above 0, got {epsilon}; try 0.1"
        )
    return centred @ (axes * scale @ axes.T)


@in_usual_numbers
def kmeans_round(patches: Tensor, centroids: Tensor) -> Tensor:
    """One round of spherical k-means: each patch pulls the centroid most parallel to it.

    patches: (n, d);  centroids: (K, d), unit length
    Returns: (K, d), unit length
    Source:  Coates & Ng 2012, "Learning feature representations with k-means", section 2
    """
    d = expect_tensor("patches", patches, "n d", of="floats of 32 or 64 bits")["d"]
    expect_tensor("centroids", centroids, "K d", of=patches.dtype, d=d)
    similarity = patches @ centroids.T  # (n, K)
    winner = similarity.abs().argmax(dim=1, keepdim=True)  # (n, 1)
    pull = similarity.gather(1, winner)  # (n, 1), signed: an opposite patch is as good as a parallel one
    sums = centroids.index_add(
        0, winner[:, 0], pull * patches
    )  # the old centroid damps, and holds a lonely one
    lengths: Tensor = sums.norm(dim=1, keepdim=True)
    if not (lengths > 0).all():
        raise LabError(
            "expected centroids of unit length, got some of length 0; try centroids drawn at random"
        )
    return sums / lengths


@in_usual_numbers
def learn_filters(
    images: Tensor,
    *,
    count: int = 64,
    size: int = 11,
    seed: int = 0,
    patches: int = 100_000,
    rounds: int = 20,
) -> Tensor:
    """Grow filters from images without labels: normalise patches, whiten, k-means.

    images:  (N, 3, H, W) in 0..1
    Returns: (count, 3, size, size), unit length
    Raises:  LabError if images leave 0..1 or are smaller than a patch
    Source:  Coates & Ng 2012
    """
    for name, number in {"count": count, "patches": patches, "rounds": rounds}.items():
        expect_whole(name, number, 1)
    expect_images(images)
    cut = random_patches(images, count=patches, size=size, seed=seed)
    white = zca_whiten(normalize_contrast(cut))
    generator = seeded(seed)
    centroids = torch.randn(count, white.shape[1], generator=generator).to(white)
    centroids = centroids / centroids.norm(dim=1, keepdim=True)
    for _ in range(rounds):
        centroids = kmeans_round(white, centroids)
    filters: Tensor = centroids.unflatten(1, (images.shape[1], size, size))
    return filters


@in_usual_numbers
def orientation(filters: Tensor) -> Tensor:
    """How much each filter prefers one direction: 0 none (a blob, noise), 1 a single grating.

    The length of the mean of exp(2i·angle) over the filter's power spectrum, colours summed.

    filters: (K, C, h, w);  Returns: (K,) in 0..1
    """
    expect_tensor("filters", filters, "K C h w", of="floats of 32 or 64 bits")
    power = _power(filters)  # (K, n, n)
    frequency = torch.fft.fftfreq(power.shape[-1], device=power.device)
    angle = torch.atan2(frequency[:, None], frequency[None, :])
    return (power * torch.exp(2j * angle)).sum(dim=(1, 2)).abs() / power.sum(dim=(1, 2)).clamp(min=1e-12)


def bandwidth(filters: Tensor) -> Tensor:
    """The share of the frequency plane that each filter answers to: near 0 one wave, near 1 all of them.

    The participation ratio (Σp)² / (n Σp²) of the power spectrum p. White noise has about 0.75.

    filters: (K, C, h, w);  Returns: (K,) in 0..1
    """
    expect_tensor("filters", filters, "K C h w", of="floats of 32 or 64 bits")
    power = _power(filters).flatten(1)
    return power.sum(dim=1).square() / (power.shape[1] * power.square().sum(dim=1)).clamp(min=1e-24)


def _power(filters: Tensor, *, size: int = 32) -> Tensor:
    """Power spectra without the mean, (K, C, h, w) -> (K, size, size); padding samples them finely."""
    centred = filters - filters.mean(dim=(2, 3), keepdim=True)
    waves: Tensor = torch.fft.fft2(centred, s=(size, size))
    return waves.abs().square().sum(dim=1)
