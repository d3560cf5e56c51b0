"""Convolutions that do not need the statistics of a batch (Qiao et al. 2019)."""

from torch import Tensor, nn
from torch.nn import functional


class StandardisedConvolution(nn.Conv2d):
    """A convolution whose filters each have mean 0 and variance 1 / fan-in, whatever its parameters are.

    They are called `direction`, for that is all that counts of them; so no weights of a plain convolution are
    taken for them. There is no bias.
    """

    def __init__(self, channels: int, wider: int, side: int, stride: int, padding: int) -> None:
        super().__init__(channels, wider, side, stride, padding, bias=False)
        self.direction = nn.Parameter(self.weight.detach())
        del self.weight

    def forward(self, x: Tensor) -> Tensor:
        """float [n, channels, height, width] → [n, wider, height / stride, width / stride]."""
        return functional.conv2d(x, self.filters(), None, self.stride, self.padding)

    def filters(self) -> Tensor:
        """What `x` is convolved with: float [wider, channels, side, side]."""
        fan_in = self.direction[0].numel()
        normal: Tensor = functional.layer_norm(self.direction, self.direction.shape[1:], eps=1e-6)
        filters: Tensor = normal / fan_in**0.5
        return filters

    def plain(self) -> None:
        """Become the plain convolution that does the same."""
        self.weight = nn.Parameter(self.filters().detach())
        del self.direction
        self.__class__ = nn.Conv2d  # type: ignore[assignment]
