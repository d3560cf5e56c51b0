import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fedaffect.models.fusions.weighted import AttentionScoreFusion, GatedFusion
from fedaffect.models.layers.packing import Packing

FUSIONS = {
    "gated": lambda: GatedFusion(6),
    "pearson": lambda: AttentionScoreFusion(6, range(3), units=5),
    "abs": lambda: AttentionScoreFusion(6, range(3), units=5, rho="abs"),
    "ones": lambda: AttentionScoreFusion(6, range(3), units=5, rho="ones", beta=2.0),
}


@pytest.fixture(params=FUSIONS)
def fusion(request):
    torch.manual_seed(0)
    return FUSIONS[request.param]()


def streams(seed=1):
    """[B=2, N=4, M=3, d=6], and every pattern of presence over M=3."""
    random = torch.Generator().manual_seed(seed)
    present = torch.tensor([[bool(i >> m & 1) for m in range(3)] for i in range(8)])
    return torch.randn(2, 4, 3, 6, generator=random), present.view(2, 4, 3)


def test_weights_of_the_present_sum_to_one_and_of_the_absent_are_zero(fusion):
    hidden, present = streams()
    fused, weights = fusion(hidden, present)
    assert (weights >= 0).all()
    assert not weights[~present].any()
    torch.testing.assert_close(weights.sum(-1), present.any(-1).float())
    assert not fused[0, 0].any()


def test_one_present_modality_is_the_fused_vector(fusion):
    hidden, present = streams()
    fused, _ = fusion(hidden, present)
    alone = present.sum(-1) == 1
    torch.testing.assert_close(fused[alone], hidden[present & alone.unsqueeze(-1)])


def test_equal_vectors_fuse_to_themselves(fusion):
    hidden, present = streams()
    same = hidden[:, :, :1].expand_as(hidden)
    fused, _ = fusion(same, torch.ones_like(present))
    torch.testing.assert_close(fused, same[:, :, 0])


def test_an_absent_vector_changes_nothing(fusion):
    hidden, present = streams()
    other = torch.where(present.unsqueeze(-1), hidden, hidden * 7 - 3)
    for one, two in zip(fusion(hidden, present), fusion(other, present), strict=True):
        assert torch.equal(one, two)


def test_gradients_are_finite_where_nothing_is_present(fusion):
    hidden, present = streams()
    hidden.requires_grad_()
    fused, _ = fusion(hidden, present)
    fused.square().sum().backward()
    assert hidden.grad.isfinite().all()
    assert not hidden.grad[~present].any()
    assert all(p.grad.isfinite().all() for p in fusion.parameters() if p.grad is not None)


def test_the_gate_is_a_softmax_over_modalities_in_every_channel():
    fusion = GatedFusion(2)
    with torch.no_grad():
        fusion.gate.weight.copy_(torch.eye(2))
    hidden = torch.tensor([[[[0.0, math.log(3)], [0.0, 0.0]]]])
    fused, weights = fusion(hidden, torch.ones(1, 1, 2, dtype=torch.bool))
    torch.testing.assert_close(fused, torch.tensor([[[0.0, 0.75 * math.log(3)]]]))
    torch.testing.assert_close(weights, torch.tensor([[[0.625, 0.375]]]))


def test_correlations_by_hand():
    base = torch.tensor([1.0, -1.0, 2.0, -2.0])
    unrelated = torch.tensor([1.0, 1.0, -1.0, -1.0])
    hidden = torch.stack([base, 3 * base + 7, -base, unrelated]).view(1, 1, 4, 4)
    everything = torch.ones(1, 1, 4, dtype=torch.bool)

    def rho(kind, order, present=everything):
        return AttentionScoreFusion(4, order, rho=kind).correlations(hidden, present).flatten()

    in_order = range(4)
    torch.testing.assert_close(rho("pearson", in_order), torch.tensor([1.0, 1.0, 0.05, 0.5]))
    torch.testing.assert_close(rho("abs", in_order), torch.tensor([1.0, 1.0, 1.0, 0.05]))
    torch.testing.assert_close(rho("ones", in_order), torch.ones(4))
    # The first of the order is the reference, wherever it stands.
    torch.testing.assert_close(rho("pearson", [2, 0, 1, 3]), torch.tensor([0.05, 1.0, 1.0, 0.5]))
    # The predecessor is the nearest one present.
    without_second = torch.tensor([[[True, False, True, True]]])
    torch.testing.assert_close(
        rho("pearson", in_order, without_second)[[0, 2, 3]], torch.tensor([1.0, 0.05, 0.5])
    )
    without_first = torch.tensor([[[False, True, True, True]]])
    torch.testing.assert_close(
        rho("pearson", in_order, without_first)[1:], torch.tensor([1.0, 0.05, 0.5])
    )


def test_scores_by_the_equations():
    torch.manual_seed(0)
    fusion = AttentionScoreFusion(6, [0, 1, 2], units=5, beta=1.5)
    hidden, _ = streams()
    everything = torch.ones(hidden.shape[:3], dtype=torch.bool)
    units = torch.tanh(hidden @ fusion.units.weight.T + fusion.units.bias)
    attention = torch.softmax((units @ fusion.score.weight.T).squeeze(-1) / 5**0.5, -1)
    scores = fusion.correlations(hidden, everything) * (1 + 1.5 * attention)
    fused, weights = fusion(hidden, everything)
    torch.testing.assert_close(weights, scores / scores.sum(-1, keepdim=True))
    torch.testing.assert_close(fused, torch.einsum("bnm,bnmd->bnd", weights, hidden))


def test_beta_starts_at_zero_where_the_score_is_the_correlation():
    fusion = AttentionScoreFusion(6, range(3))
    torch.testing.assert_close(fusion.beta, torch.zeros(3))
    hidden, present = streams()
    rho = fusion.correlations(hidden, present) * present
    _, weights = fusion(hidden, present)
    expected = rho / rho.sum(-1, keepdim=True).clamp_min(1e-6)
    torch.testing.assert_close(weights, expected)


@settings(max_examples=30, deadline=None)
@given(raw=st.lists(st.floats(-200, 200), min_size=3, max_size=3))
def test_no_beta_makes_a_weight_negative_or_loses_one(raw):
    torch.manual_seed(0)
    fusion = AttentionScoreFusion(6, range(3), units=5)
    with torch.no_grad():
        fusion.raw_beta.copy_(torch.tensor(raw))
    hidden, present = streams()
    _, weights = fusion(hidden, present)
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum(-1), present.any(-1).float())


def test_beta_learns_from_the_first_step_and_the_scores_from_the_second():
    torch.manual_seed(0)
    fusion = AttentionScoreFusion(6, range(3), units=5)
    optimiser = torch.optim.Adam(fusion.parameters(), 0.01)
    hidden, present = streams()
    for step in range(2):
        optimiser.zero_grad()
        fusion(hidden, present)[0].square().sum().backward()
        assert (fusion.raw_beta.grad != 0).all()
        assert fusion.score.weight.grad.abs().max() > 1e-6 or step == 0
        optimiser.step()


def test_the_correlation_is_no_path_for_gradients():
    fusion = AttentionScoreFusion(6, range(3))
    hidden, present = streams()
    assert not fusion.correlations(hidden.requires_grad_(), present).requires_grad


def test_over_time_a_modality_shares_its_attention_among_a_conversations_utterances():
    """Two conversations of 2 and 1 utterances; equal scores give 1/2, 1/2 and 1; absence is left out."""
    fusion = AttentionScoreFusion(2, range(2), units=3, axis="time", rho="ones", beta=1.0)
    torch.nn.init.zeros_(fusion.score.weight)
    packing = Packing(torch.tensor([[True, True], [True, False]]))
    present = torch.tensor([[True, True], [True, False], [True, True]])
    _, weights = fusion(torch.ones(3, 2, 2), present, packing)
    # a' = 1 + a: the text has a = 1/2, 1/2, 1; the audio is alone in its conversation both times: 1, -, 1.
    expected = [[1.5 / 3.5, 2 / 3.5], [1, 0], [0.5, 0.5]]
    torch.testing.assert_close(weights, torch.tensor(expected))
