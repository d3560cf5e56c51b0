import torch
from torch import nn

from fedaffect.models.layers.attention import Attention, Encoder
from fedaffect.models.layers.packing import Packing


def whole(*shape: int) -> Packing:
    """A packing without padding."""
    return Packing(torch.ones(*shape, dtype=torch.bool))


def test_equals_torch_s_own_attention():
    torch.manual_seed(0)
    ours, theirs = Attention(8, 2, 0.0), nn.MultiheadAttention(8, 2, batch_first=True)
    with torch.no_grad():
        parts = (ours.query, ours.key, ours.value)
        theirs.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
        theirs.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
        theirs.out_proj.weight.copy_(ours.output.weight)
        theirs.out_proj.bias.copy_(ours.output.bias)
    query, source = torch.randn(3, 4, 8), torch.randn(3, 4, 8)
    valid = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 1, 1]], dtype=torch.bool)
    readable = torch.tensor([[1, 1, 1, 1], [1, 0, 1, 0], [0, 0, 0, 1]], dtype=torch.bool)
    packing = Packing(valid)
    expected, _ = theirs(query, source, source, key_padding_mask=~readable)
    read = ours(packing.pack(query), packing.pack(source), readable, packing)
    torch.testing.assert_close(read, packing.pack(expected))


def test_nothing_to_read_reads_zero_and_has_finite_gradients():
    torch.manual_seed(0)
    attention = Attention(8, 2, 0.0)
    query = torch.randn(8, 8, requires_grad=True)
    source = torch.randn(8, 8, requires_grad=True)
    readable = torch.tensor([[True, True, False, False], [False] * 4])
    read = attention(query, source, readable, whole(2, 4))
    assert torch.equal(read[4:], attention.output.bias.expand(4, 8))
    read.square().sum().backward()
    for tensor in (query, source, *attention.parameters()):
        assert tensor.grad.isfinite().all()
    assert not source.grad[4:].any()
    assert not source.grad[2:4].any()
    assert source.grad[:2].any()


def test_one_layer_by_its_formula():
    torch.manual_seed(0)
    encoder = Encoder(8, 2, 12, layers=1, dropout=0.5).eval()
    (layer,) = encoder.layer
    query, source = torch.randn(6, 8), torch.randn(6, 8)
    readable, packing = torch.ones(2, 3, dtype=torch.bool), whole(2, 3)
    stream = query + layer.attention(query, source, readable, packing)
    norm = nn.functional.layer_norm(stream, (8,), layer.norm.weight, layer.norm.bias, 1e-6)
    inner = layer.expand(norm)
    inner = 0.5 * inner * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (inner + 0.044715 * inner**3)))
    expected = stream + layer.contract(inner)
    torch.testing.assert_close(encoder(query, source, readable, packing), expected)
    assert not hasattr(layer, "attention_norm")


def test_a_second_layer_has_a_norm_that_is_used():
    torch.manual_seed(0)
    encoder = Encoder(8, 2, 8, layers=2, dropout=0.0)
    packing = whole(1, 3)
    encoder(torch.randn(3, 8), None, torch.ones(1, 3, dtype=torch.bool), packing).sum().backward()
    assert all(parameter.grad is not None for parameter in encoder.parameters())


def test_dropout_falls_on_the_attention_weights_in_training_only():
    torch.manual_seed(0)
    attention = Attention(8, 2, 0.5)
    stream, readable = torch.randn(6, 8), torch.ones(1, 6, dtype=torch.bool)
    twice = [attention(stream, stream, readable, whole(1, 6)) for _ in range(2)]
    assert not torch.equal(*twice)
    attention.eval()
    twice = [attention(stream, stream, readable, whole(1, 6)) for _ in range(2)]
    assert torch.equal(*twice)
