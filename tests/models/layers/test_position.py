import math

import pytest
import torch

from fedaffect.models.layers.position import Positions, sinusoid


def test_values_by_hand():
    table = sinusoid(3, 4)
    expected = [[math.sin(p), math.cos(p), math.sin(p / 100), math.cos(p / 100)] for p in (0, 1, 2)]
    torch.testing.assert_close(table, torch.tensor(expected))


def test_an_odd_width_ends_in_a_sine():
    assert sinusoid(2, 3).shape == (2, 3)
    assert sinusoid(2, 3)[1, 2].item() == pytest.approx(math.sin(10_000 ** (-2 / 3)))


def test_longer_conversations_continue_the_table_and_nothing_is_saved():
    positions, turns = Positions(6, usual_length=4), torch.arange(9)
    assert torch.equal(positions(turns, 9)[:4], positions(turns[:4], 4))
    assert torch.equal(positions(turns, 9), sinusoid(9, 6))
    assert torch.equal(positions(torch.tensor([2, 0]), 3), sinusoid(3, 6)[[2, 0]])
    assert positions.state_dict() == {}
