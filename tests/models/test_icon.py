"""What is ICON's own; what it has in common with CMN is in `test_cmn.py`."""

from dataclasses import replace

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
def test_one_hop_by_hand(make_batch):
    """The last of three utterances: the first was its speaker's own, the second another's."""
    network = model(hops=1).eval()
    batch = replace(make_batch([3]), role=torch.tensor([[0, 1, 0]]))
    stream = torch.cat(list(batch.features.values()), dim=-1)[0]
    rows, own = torch.tensor([[0, 1]]), torch.tensor([[True, False]])
    said = network.own(stream, rows, own) + network.other(stream, rows, ~own)
    memory, query = network.meet(said.tanh())[0][0], network.query(stream[2]).tanh()
    found = (memory @ query).tanh().softmax(dim=0) @ memory
    expected = network.classify((query + found).tanh())
    torch.testing.assert_close(network(batch).logits[0, 2], expected)


@torch.no_grad()
def test_the_memory_reads_itself_before_each_further_hop(make_batch, spy):
    network = model(hops=3).eval()
    met, reviewed = spy(network.meet), spy(network.review)
    network(make_batch())
    ((_, (memory, _)),) = met
    for given, (after, _) in reviewed:
        assert given[0] is memory
        memory = after
    assert len(reviewed) == 2
