"""Convolutions that do not need the statistics of a batch (Qiao et al. 2019)."""

from torch import Tensor, nn
from torch.nn import functional


class StandardisedConvolution(nn.Conv2d):
    """A convolution whose filters each have mean 0 and variance 1 / fan-in, whatever their weights are."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, self.filters(), None, self.stride, self.padding)

    def filters(self) -> Tensor:
        """What `x` is convolved with, in the weights' shape."""
        fan_in = self.weight[0].numel()
        filters: Tensor = (
            functional.layer_norm(self.weight, self.weight.shape[1:], eps=1e-6) / fan_in**0.5
        )
        return filters
