import pytest
import torch
from torch import nn

from fedaffect.models.layers import linear
from fedaffect.models.layers.linear import Linear

onednn = pytest.mark.skipif(
    not hasattr(torch.ops.mkldnn, "_linear_pointwise") or not torch.backends.mkldnn.is_available(),
    reason="this torch has no oneDNN",
)


@onednn
@pytest.mark.parametrize("shape", [(7, 5), (1, 5), (2, 3, 5), (0, 5)])
@pytest.mark.parametrize("bias", [True, False])
def test_equals_torch_s_linear_and_its_gradients(monkeypatch, shape, bias):
    monkeypatch.setattr(linear, "prefers_onednn", lambda: True)
    monkeypatch.setattr(linear, "WORTHWHILE", 1)
    torch.manual_seed(0)
    ours, theirs = Linear(5, 4, bias=bias), nn.Linear(5, 4, bias=bias)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(*shape)
    inputs = [x.clone().requires_grad_(), x.clone().requires_grad_()]
    outputs = [layer(given) for layer, given in zip((ours, theirs), inputs, strict=True)]
    torch.testing.assert_close(*outputs)
    scale = torch.randn(*shape[:-1], 4)
    for output in outputs:
        (output * scale).sum().backward()
    torch.testing.assert_close(inputs[0].grad, inputs[1].grad)
    for own, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(own.grad, other.grad)


@onednn
def test_other_dtypes_go_torch_s_way(monkeypatch):
    monkeypatch.setattr(linear, "prefers_onednn", lambda: True)
    monkeypatch.setattr(linear, "WORTHWHILE", 1)
    layer = Linear(3, 2).double()
    x = torch.randn(4, 3, dtype=torch.float64)
    assert torch.equal(layer(x), nn.functional.linear(x, layer.weight, layer.bias))
