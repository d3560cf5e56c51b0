"""What is ICON's own; what it has in common with CMN is in `test_cmn.py`."""

import pytest
import torch

from fedaffect.models import build

TRIO = {"audio": 3, "text": 4, "visual": 2}


def model(**settings):
    torch.manual_seed(0)
    chosen = {"width": 8, **settings}
    return build("icon", chosen, modalities=TRIO, roles=2, classes=4)


@pytest.mark.parametrize(("hops", "networks", "total"), [(1, 1, 1460), (2, 2, 1892), (5, 2, 1892)])
def test_parameters(hops, networks, total):
    gru = 3 * (8 * 8 + 8) + 3 * (8 * 8 + 8)
    speech = 3 * (9 * 8 + 8) + 3 * (8 * 8 + 8)
    expected = (9 * 8 + 8) + 2 * speech + networks * gru + (8 * 4 + 4)
    assert sum(p.numel() for p in model(hops=hops).parameters()) == expected == total


def test_with_one_hop_every_parameter_learns(make_batch):
    network = model(hops=1, dropout=0).train()
    network(make_batch((6, 4))).logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in network.parameters())


@torch.no_grad()
def test_the_memory_reads_itself_before_each_further_hop(make_batch):
    network, batch, read = model(hops=3).eval(), make_batch(), []
    network.meet.register_forward_hook(lambda _, given, found: read.append((given[0], found[0])))
    network.review.register_forward_hook(lambda _, given, found: read.append((given[0], found[0])))
    network(batch)
    assert len(read) == 3
    assert read[1][0] is read[0][1]
    assert read[2][0] is read[1][1]
