import pytest
import torch

from fedaffect.models.encoders.recurrent import Recurrent
from fedaffect.models.layers.packing import Packing

VALID = torch.tensor([[True, True, False], [True, True, True]])


def read(valid, rows, **settings):
    torch.manual_seed(0)
    packing = Packing(valid)
    return Recurrent(2, 4, **settings)(packing.pack(rows), packing)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_a_conversation_is_read_as_if_it_were_alone(cell):
    rows = torch.randn(2, 3, 2, generator=torch.Generator().manual_seed(1))
    together = read(VALID, rows, cell=cell)
    first, second = (
        read(VALID[:1, :2], rows[:1, :2], cell=cell),
        read(VALID[1:], rows[1:], cell=cell),
    )
    torch.testing.assert_close(together, torch.cat([first, second]))


@pytest.mark.parametrize(("bidirectional", "moves"), [(True, True), (False, False)])
def test_only_a_backward_direction_sees_what_comes_later(bidirectional, moves):
    rows = torch.zeros(1, 3, 2)
    later = rows.clone()
    later[0, 2] = 1
    before, after = (
        read(torch.ones(1, 3, dtype=torch.bool), x, bidirectional=bidirectional)[0]
        for x in (rows, later)
    )
    assert torch.equal(before, after) is not moves


def test_an_odd_width_cannot_go_both_ways():
    with pytest.raises(ValueError, match="halved"):
        Recurrent(2, 3)
