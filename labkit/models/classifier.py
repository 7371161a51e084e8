"""A network that takes images in 0..1 and answers with logits, frozen, so that one may look into it."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from labkit.arguments import expect_whole, is_index, shown
from labkit.errors import LabError, nearest
from labkit.kernel import in_usual_numbers
from labkit.models.folding import run_folded
from labkit.modes import expect_eval
from labkit.running import expect_network, refusal, run


class Classifier(nn.Module):
    """A frozen network that takes images in 0..1 and normalises them itself.

    net:        the bare network; layer names are names in net.named_modules(). It is changed: put in eval
                mode, its weights frozen, its in-place layers made ordinary ones
    categories: one name a logit
    input_size: height and width, in pixels, that it was trained for
    weights:    "imagenet", or None where it is untrained
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        net: nn.Module,
        *,
        name: str,
        categories: Sequence[str],
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (1.0, 1.0, 1.0),
        input_size: int = 224,
        weights: str | None = None,
    ) -> None:
        super().__init__()
        _expect_unit(mean, std)
        for module in net.modules():
            if getattr(module, "inplace", False) and not isinstance(module, torch.jit.ScriptModule):
                module.inplace = False  # type: ignore[assignment]
        self.net = net
        self.name, self.input_size, self.weights = name, input_size, weights
        self.categories = tuple(categories)
        for name, each in {"mean": mean, "std": std}.items():
            self.register_buffer(name, torch.tensor(each, **_kind_of(net)).view(1, -1, 1, 1))
        self.eval().requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        """The logits, (N, 1000), before softmax.

        images: (N, 3, H, W) floats in 0..1; values outside are let pass, gradient ascent goes there
        Raises: LabError for another shape, for a dtype that the network does not compute in, and for a network
                in training mode, which each image would change
        """
        expect_eval(self)
        if not isinstance(images, Tensor):
            raise LabError(
                f"expected images as a tensor, got a {type(images).__name__}; try torch.as_tensor(images)"
            )
        if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
            raise LabError(
                f"expected images as (N, 3, H, W) floats in 0..1, got {tuple(images.shape)} {images.dtype}; "
                f"try {_repair(images)}"
            )
        normalised = self._normalised(images)
        if normalised.dtype != self.mean.dtype:
            raise LabError(
                f"expected images in {self.mean.dtype} like the network, got {images.dtype}; "
                f"try images.to({self.mean.dtype})"
            )
        if normalised.requires_grad:  # the layout in memory is the network's own matter
            normalised.register_hook(torch.Tensor.contiguous)
        logits: Tensor = run_folded(self.net, normalised, side=self.input_size)
        return logits

    def _normalised(self, images: Tensor) -> Tensor:
        try:
            return (images - self.mean) / self.std
        except RuntimeError as error:  # elsewhere than the network, or of another kind of memory
            raise refusal(self, images, error) from error

    @in_usual_numbers
    def top(self, image: Tensor, *, k: int = 5) -> list[tuple[str, float]]:
        """The k likeliest categories of one image (1, 3, H, W) with their probabilities, likeliest first."""
        expect_whole("k", k, 1)
        if not isinstance(image, Tensor) or image.ndim != 4 or len(image) != 1:
            raise LabError(f"expected one image (1, 3, H, W), got {shown(image)}; try top(images[i : i + 1])")
        with torch.no_grad():
            probabilities, indices = logits_of(self, image)[0].softmax(0).topk(min(k, len(self.categories)))
        return [
            (self.categories[i], p) for i, p in zip(indices.tolist(), probabilities.tolist(), strict=True)
        ]

    def index_of(self, category: str | int) -> int:
        """Which logit is that category's: index_of("koala") is 105, and so is index_of(105).

        Spelt exactly it is that one ("Cardigan" is a dog, "cardigan" is knitwear); else case does not count.

        Raises: LabError for an unknown name, with near ones, for one that fits several, for an index too large
        """
        if not isinstance(category, str):
            if not is_index(category, len(self.categories)):
                last = len(self.categories) - 1
                raise LabError(
                    f"no category {shown(category)}; try 0 to {last}, or a name such as {self.categories[0]!r}"
                )
            return int(category)
        names = list(enumerate(self.categories))
        found = [i for i, name in names if name == category]
        found = found or [i for i, name in names if name.lower() == str(category).lower()]
        if len(found) == 1:
            return found[0]
        if found:
            several = ", ".join(f"{i} {self.categories[i]!r}" for i in found)
            raise LabError(
                f"category {category!r} fits several: {several}; use the index of the one you mean"
            )
        raise LabError(f"no category {category!r}; try one of {nearest(str(category), self.categories)}")

    def __repr__(self) -> str:
        kind = self.weights or "untrained"
        return f"Classifier({self.name}, {kind}, {len(self.categories)} categories, {self.input_size} px)"


def expect_classifier(model: Any) -> None:
    """Require a Classifier, which knows its categories and the size of its images. Raises: LabError"""
    expect_network(model)
    if not isinstance(model, Classifier):
        raise LabError(
            f"expected a Classifier, got a {type(model).__name__}; try Classifier(net, name=…, categories=…), or "
            "models.load()"
        )


def _expect_unit(mean: Sequence[float], std: Sequence[float]) -> None:
    """Require means that images in 0..1 can have. Raises: LabError"""
    if max(mean) > 1:
        raise LabError(
            f"expected a mean in 0..1, as images have it, got {max(mean):g}; try to divide mean and std by 255"
        )


def logits_of(model: nn.Module, images: Tensor) -> Tensor:
    """A network's answer where it is meant as logits: (N, K).

    Raises: LabError where it is anything else, and for a network in training mode
    """
    expect_network(model)
    expect_eval(model)
    logits = run(model, images)
    N = len(images) if images.ndim else 1
    if isinstance(logits, Tensor) and logits.ndim == 2 and len(logits) == N and logits.shape[1]:
        return logits
    got = tuple(logits.shape) if isinstance(logits, Tensor) else f"a {type(logits).__name__}"
    raise LabError(
        f"expected the network to put out logits ({N}, categories), got {got}; "
        "try a module around it that returns them alone"
    )


def _kind_of(net: nn.Module) -> dict[str, Any]:
    """The floats that a network's weights are, and their device; whatever the kernel's own are."""
    weights = (weight for weight in net.parameters() if weight.is_floating_point())
    like = next(weights, torch.zeros((), dtype=torch.float32, device="cpu"))
    return {"dtype": like.dtype, "device": like.device}


def _repair(images: Tensor) -> str:
    if images.ndim == 3:
        return "images[None]: one image is a batch of one"
    if images.ndim == 4 and images.shape[1] != 3 and images.shape[3] == 3:
        return "images.permute(0, 3, 1, 2): the channels come before height and width"
    if images.ndim == 4 and images.shape[1] == 3:
        return "images.float() / 255: bytes become floats in 0..1"
    return "labkit.images.load(path) to see a batch of one"
