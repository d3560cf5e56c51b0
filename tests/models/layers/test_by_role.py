import torch

from fedaffect.models.encoders.recurrent import Recurrent
from fedaffect.models.layers.by_role import ByRole
from fedaffect.models.layers.packing import Packing

VALID = torch.tensor([[True] * 5, [True, True, False, False, False]])
ROLE = torch.tensor([[0, 2, 0, 0, 2], [1, 1, 3, 3, 3]])


def test_each_thread_is_one_padded_row():
    packing = Packing(VALID)
    threads = ByRole(ROLE, packing)
    utterance = torch.arange(1, 8)
    assert threads.unpack(utterance).tolist() == [[1, 3, 4], [2, 5, 0], [6, 7, 0]]
    assert threads.lengths.tolist() == [3, 2, 2]
    assert threads.turns.tolist() == [0, 0, 1, 2, 1, 0, 1]
    assert torch.equal(threads.pack(threads.unpack(utterance)), utterance)


def test_a_recurrent_layer_reads_each_thread_as_if_it_were_alone():
    torch.manual_seed(0)
    packing, network = Packing(VALID), Recurrent(3, 4)
    stream = torch.randn(7, 3)
    together = network(stream, ByRole(ROLE, packing))
    for thread in ([0, 2, 3], [1, 4], [5, 6]):
        alone = network(stream[thread], Packing(torch.ones(1, len(thread), dtype=torch.bool)))
        torch.testing.assert_close(together[thread], alone)


def test_one_role_is_the_conversation_itself():
    packing = Packing(VALID)
    alone = ByRole(torch.zeros_like(ROLE), packing)
    assert torch.equal(alone.rows, packing.rows)
    assert torch.equal(alone.lengths, packing.lengths)


def test_gradients_return_to_the_utterances_they_came_from():
    threads = ByRole(ROLE, Packing(VALID))
    stream = torch.randn(7, 2, requires_grad=True)
    threads.unpack(stream)[0, 1].sum().backward()
    assert stream.grad.sum(-1).tolist() == [0, 0, 2, 0, 0, 0, 0]
