"""Networks on which a way to record a layer shows whether it holds in general."""

from torch import Tensor, nn


class BreakDown(nn.Module):
    """Fails when it runs."""

    def forward(self, x: Tensor) -> Tensor:
        raise RuntimeError("this network breaks down half-way, on purpose: does your hook still come off?")


class Crossed(nn.Module):
    """A network whose layers are not defined in the order in which they run."""

    def __init__(self) -> None:
        super().__init__()
        self.head, self.block, self.stem = nn.Conv2d(5, 4, 1), nn.Conv2d(4, 5, 3), nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        maps: Tensor = self.head(self.block(self.stem(x)).relu_())
        return maps
