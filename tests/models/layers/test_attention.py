import torch
from torch import nn

from fedaffect.models.layers.attention import Attention, Encoder


def test_equals_torch_s_own_attention():
    torch.manual_seed(0)
    ours, theirs = Attention(8, 2, 0.0), nn.MultiheadAttention(8, 2, batch_first=True)
    with torch.no_grad():
        parts = (ours.query, ours.key, ours.value)
        theirs.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
        theirs.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
        theirs.out_proj.weight.copy_(ours.output.weight)
        theirs.out_proj.bias.copy_(ours.output.bias)
    query, source = torch.randn(3, 5, 8), torch.randn(3, 4, 8)
    readable = torch.tensor([[1, 1, 1, 1], [1, 0, 1, 0], [0, 0, 0, 1]], dtype=torch.bool)
    expected, _ = theirs(query, source, source, key_padding_mask=~readable)
    torch.testing.assert_close(ours(query, source, readable), expected)


def test_nothing_to_read_reads_zero_and_has_finite_gradients():
    torch.manual_seed(0)
    attention = Attention(8, 2, 0.0)
    query = torch.randn(2, 3, 8, requires_grad=True)
    source = torch.randn(2, 4, 8, requires_grad=True)
    readable = torch.tensor([[True, True, False, False], [False] * 4])
    read = attention(query, source, readable)
    assert torch.equal(read[1], attention.output.bias.expand(3, 8))
    read.square().sum().backward()
    for tensor in (query, source, *attention.parameters()):
        assert tensor.grad.isfinite().all()
    assert not source.grad[1].any()
    assert not source.grad[0, 2:].any()
    assert source.grad[0, :2].any()


def test_one_layer_by_its_formula():
    torch.manual_seed(0)
    encoder = Encoder(8, 2, 12, layers=1, dropout=0.5).eval()
    (layer,) = encoder.layer
    query, source = torch.randn(2, 3, 8), torch.randn(2, 3, 8)
    readable = torch.ones(2, 3, dtype=torch.bool)
    stream = query + layer.attention(query, source, readable)
    norm = nn.functional.layer_norm(stream, (8,), layer.norm.weight, layer.norm.bias, 1e-6)
    inner = layer.expand(norm)
    inner = 0.5 * inner * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (inner + 0.044715 * inner**3)))
    torch.testing.assert_close(encoder(query, source, readable), stream + layer.contract(inner))
    assert not hasattr(layer, "attention_norm")


def test_a_second_layer_has_a_norm_that_is_used():
    torch.manual_seed(0)
    encoder = Encoder(8, 2, 8, layers=2, dropout=0.0)
    encoder(torch.randn(1, 3, 8), None, torch.ones(1, 3, dtype=torch.bool)).sum().backward()
    assert all(parameter.grad is not None for parameter in encoder.parameters())


def test_dropout_falls_on_the_attention_weights_in_training_only():
    torch.manual_seed(0)
    attention = Attention(8, 2, 0.5)
    stream, readable = torch.randn(1, 6, 8), torch.ones(1, 6, dtype=torch.bool)
    assert not torch.equal(attention(stream, stream, readable), attention(stream, stream, readable))
    attention.eval()
    assert torch.equal(attention(stream, stream, readable), attention(stream, stream, readable))
