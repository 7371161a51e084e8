"""Any classifier, fully convolutional: the same weights, logits at every position of a photo of any size.

A linear layer over a map of C × h × w numbers is a convolution whose kernel of h × w fits in one place. In the
map of a larger photo it fits in many, and one pass tells what the network says about each window, with the
work on their overlaps done once (Sermanet et al. 2014, arXiv:1312.6229; Long et al. 2015, arXiv:1411.4038).
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labkit.arguments import expect_size, expect_tensor, is_index, shown
from labkit.errors import LabError
from labkit.images import expect_images
from labkit.kernel import in_usual_numbers
from labkit.methods.heads import Reading, Replacing, Sides, as_convolution
from labkit.models import Classifier, expect_classifier, expect_eval
from labkit.running import run


class Dense(nn.Module):
    """A classifier that gives logits at every position of a photo; `convolutionize` makes it.

    model: the classifier, as it was; means of `window` cells, and `convolutions`, stand in for its head when it runs
    size:  height and width, in pixels, of the window that one position answers for
    pools: whether the network pools globally, so that other windows are possible
    """

    def __init__(self, model: Classifier, window: int | None):
        super().__init__()
        self.model, self.size = model, model.input_size
        noise = torch.rand(1, 3, self.size, self.size, generator=torch.Generator().manual_seed(0))
        noise = noise.to(model.mean)  # its device, its kind of floats
        with torch.no_grad(), Reading() as head:
            expected = model(noise)
        if not head.weights and not head.pool_call:
            raise LabError(f"expected a network that pools or flattens a map at its end, got {model}")
        step = (head.cells[0] // head.kernel[0], head.cells[1] // head.kernel[1])
        layers = {id(module.weight): module for module in model.modules() if isinstance(module, nn.Linear)}
        kernels = [(head.kernel, step)] + [((1, 1), (1, 1))] * len(head.weights)
        self.pools = head.kernel == (1, 1)  # over the whole map, in training
        self.window, self.pool_call = step, head.pool_call
        self.linear_follows = self.pools and head.linear_follows
        self.convolutions = nn.ModuleList(
            as_convolution(layers[weight], kernel, dilation=dilation)
            for weight, (kernel, dilation) in zip(head.weights, kernels, strict=False)
        )
        with torch.no_grad():
            got = self(noise)
        if got.shape[2:] != (1, 1) or not torch.allclose(got[..., 0, 0], expected, rtol=1e-3, atol=1e-3):
            raise LabError(
                f"expected a head of even pooling, flattening and linear layers, not as in {model}"
            )
        if window is not None:
            self._look_through(window, step)

    def _look_through(self, window: int, step: Sides) -> None:
        """Let each position look through fewer cells than in training, which are a stride of pixels apart."""
        if not self.pools or not is_index(window, min(step) + 1) or window < 1:
            fits = f"1 to {min(step)}" if self.pools else "None: its linear layers fix the window"
            raise LabError(f"no window of {shown(window)} cells in {self.model.name}; try {fits}")
        more = 256  # pixels, and a multiple of every network's stride
        with torch.no_grad():
            gained = (
                self(torch.zeros(1, 3, self.size + more, self.size, device=self.model.mean.device)).shape[2]
                - 1
            )
        self.window = (int(window), int(window))
        self.size -= more // gained * (step[0] - window)

    @in_usual_numbers
    def forward(self, images: Tensor) -> Tensor:
        """Logits at every position, (N, categories, h, w).

        images: (N, 3, H, W) in 0..1, `size` pixels or more on each side
        """
        expect_images(images)
        if min(images.shape[2:]) < self.size:
            got = " × ".join(map(str, images.shape[2:]))
            raise LabError(f"expected photos of {self.size} × {self.size} or more, got {got}; try images.fit")
        with Replacing(self.convolutions, self.window, self.pool_call, self.linear_follows):
            logits: Tensor = self.model(images)
            return logits


@in_usual_numbers
def convolutionize(model: Classifier, *, window: int | None = None) -> Dense:
    """The classifier as a fully convolutional network: images (N, 3, H, W) in 0..1 -> logits (N, K, h, w).

    At the size that the network was trained for, the map has one position, and the very same logits. On a
    larger photo, position (r, c) answers for the window that lies r and c strides from the corner. If no
    layer pads, that is what the network says of this window cut out. If layers pad, a window cut out ends
    in zeros where one in a photo goes on into its surroundings, and the two differ.

    Linear layers over a flattened map become convolutions with its kernel (AlexNet, VGG); global pooling
    becomes, at every position, the mean over as many cells as in training: 13 × 13 in SqueezeNet, which has no
    linear layer and needs nothing else, 7 × 7 in all others. The weights are shared with the model, which stays
    as it is.

    window:  cells on a side, in a network that pools globally, for a smaller opening than in training; 1 is
             the class activation map of Zhou et al. 2016, arXiv:1512.04150, the logits being its mean
    Raises:  LabError for a network in training mode, a head of other parts, a window that does not fit; when
             it runs, for images that are none, and for too small ones
    """
    expect_classifier(model)
    expect_eval(model)
    return Dense(model, window)


def _expect_dense(dense: Any) -> None:
    if not isinstance(dense, Dense):
        raise LabError(f"expected a Dense, got a {type(dense).__name__}; try convolutionize(model)")


@in_usual_numbers
def windows(dense: Dense, images: Tensor, logits: Tensor) -> Tensor:
    """The window of each position, (h, w, 4): left, top, right, bottom in pixels.

    Exact where a side is `dense.size` and a multiple of the network's stride, close elsewhere.
    """
    _expect_dense(dense)
    expect_tensor("images", images, "N C H W", of="numbers")
    expect_tensor("logits", logits, "N K h w", of="numbers")
    sides = zip(images.shape[2:], logits.shape[2:], strict=True)
    place = logits.device
    starts = [torch.linspace(0, pixels - dense.size, cells, device=place) for pixels, cells in sides]
    top, left = torch.meshgrid(*starts, indexing="ij")
    return torch.stack([left, top, left + dense.size, top + dense.size], dim=-1)


@in_usual_numbers
def probabilities(dense: Dense, images: Tensor) -> tuple[Tensor, Tensor]:
    """The probability of each category at each position of a photo, and what it looks through.

    images:  (1, 3, H, W) in 0..1
    Returns: (categories, h, w), and the windows (h, w, 4), as from `windows`
    """
    _expect_dense(dense)
    logits = answers(dense, images)
    return logits.softmax(dim=1)[0], windows(dense, images, logits)


@in_usual_numbers
def answers(dense: nn.Module, images: Tensor) -> Tensor:
    """Logits at every position, without a graph: (N, 3, H, W) -> (N, categories, h, w).

    dense: a Dense; of any other network what it puts out
    """
    with torch.no_grad():
        logits: Tensor = run(dense, images)
        return logits


@in_usual_numbers
def upsampled(maps: Tensor, windows: Tensor, size: Sides) -> Tensor:
    """Back to pixels: what each position says, spread over the photo, (K, h, w) -> (K, H, W).

    A value stands in the middle of its position's window. A pixel has a mixture of the four middles around it, the
    nearer the more (bilinear); beyond the outermost middles it has what the nearest one has.

    windows: (h, w, 4), as `windows` gives them;  size: (H, W), the photo's
    Source:  Long et al. 2015, arXiv:1411.4038, section 3.3: how their upsampling begins, before it is trained
    """
    sizes = expect_tensor("maps", maps, "K h w")
    expect_tensor("windows", windows, "h w 4", of="numbers", h=sizes["h"], w=sizes["w"])
    size = expect_size("size", size)
    middles = (windows[..., :2] + windows[..., 2:]) / 2  # (h, w, 2): x, y
    ends = zip(middles[0, 0].tolist(), middles[-1, -1].tolist(), reversed(size), strict=True)
    # where pixels lie between the first middle, -1, and the last one, 1
    x, y = (2 * (torch.arange(n) + 0.5 - first) / max(last - first, 1) - 1 for first, last, n in ends)
    places = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)[None].to(maps)
    return F.grid_sample(maps[None], places, padding_mode="border", align_corners=True)[0]
