import torch

from fedaffect.models.layers.convolution import StandardisedConvolution


@torch.no_grad()
def test_filters_have_mean_0_and_the_length_1_whatever_their_weights():
    convolution = StandardisedConvolution(3, 2, 3, bias=False)
    impulses = torch.eye(27).view(27, 3, 3, 3)  # one for each number of a filter
    filters = convolution(impulses).view(27, 2).T
    torch.testing.assert_close(filters.sum(dim=1), torch.zeros(2))
    torch.testing.assert_close(filters.norm(dim=1), torch.ones(2), atol=1e-3, rtol=0)
    convolution.weight.copy_(5 * convolution.weight + 3)
    torch.testing.assert_close(convolution(impulses).view(27, 2).T, filters, atol=1e-3, rtol=0)
