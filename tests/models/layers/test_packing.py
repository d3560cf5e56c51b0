import torch

from fedaffect.models.layers.packing import Packing


def test_rows_go_and_come_back():
    valid = torch.tensor([[True, True, False], [True, False, False]])
    padded = torch.arange(6.0).view(2, 3, 1)
    packing = Packing(valid)
    rows = packing.pack(padded)
    assert rows.flatten().tolist() == [0.0, 1.0, 3.0]
    assert packing.turns.tolist() == [0, 1, 0]
    assert torch.equal(packing.unpack(rows), padded * valid.unsqueeze(-1))
