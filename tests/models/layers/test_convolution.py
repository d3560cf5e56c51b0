import torch

from fedaffect.models.layers.convolution import StandardisedConvolution


@torch.no_grad()
def test_filters_have_mean_0_and_the_length_1_whatever_their_weights():
    convolution = StandardisedConvolution(3, 2, 3, 1, 0)
    impulses = torch.eye(27).view(27, 3, 3, 3)  # one for each number of a filter
    filters = convolution(impulses).view(27, 2).T
    torch.testing.assert_close(filters.sum(dim=1), torch.zeros(2))
    torch.testing.assert_close(filters.norm(dim=1), torch.ones(2), atol=1e-3, rtol=0)
    convolution.direction.copy_(5 * convolution.direction + 3)
    torch.testing.assert_close(convolution(impulses).view(27, 2).T, filters, atol=1e-3, rtol=0)


@torch.no_grad()
def test_the_plain_one_does_the_same():
    convolution, x = StandardisedConvolution(3, 2, 3, 2, 1), torch.randn(4, 3, 7, 7)
    expected = convolution(x)
    assert [*convolution.state_dict()] == ["direction"]  # no plain weights fit
    convolution.plain()
    assert type(convolution) is torch.nn.Conv2d
    assert [*convolution.state_dict()] == ["weight"]
    torch.testing.assert_close(convolution(x), expected)
