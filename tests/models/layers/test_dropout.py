import pytest
import torch

from fedaffect.models.layers.dropout import Dropout, dropout


@pytest.mark.parametrize("p", [0.1, 0.3, 0.5, 0.9])
def test_drops_the_asked_share_and_keeps_the_mean(p):
    torch.manual_seed(0)
    out = dropout(torch.ones(100_003), p)
    assert (out == 0).float().mean().item() == pytest.approx(p, abs=0.01)
    assert out.mean().item() == pytest.approx(1.0, abs=0.05)
    assert len(out.unique()) == 2


def test_every_byte_of_a_word_is_as_random_as_the_others():
    torch.manual_seed(0)
    kept = (dropout(torch.ones(80_000), 0.5) > 0).float().view(-1, 8).mean(dim=0)
    assert ((kept - 0.5).abs() < 0.02).all()


def test_gradient_passes_where_the_number_passed():
    torch.manual_seed(0)
    x = torch.ones(64, requires_grad=True)
    out = dropout(x, 0.5)
    out.sum().backward()
    assert torch.equal(x.grad, out.detach())


def test_a_rate_close_to_one_stays_finite_and_keeps_the_dtype():
    torch.manual_seed(0)
    out = dropout(torch.ones(4096, dtype=torch.bfloat16), 0.9999)
    assert out.isfinite().all()
    assert out.dtype == torch.bfloat16


def test_nothing_is_dropped_at_rate_zero_or_outside_training():
    x = torch.ones(16)
    assert dropout(x, 0.0) is x
    assert Dropout(0.5).eval()(x) is x
