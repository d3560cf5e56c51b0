import pytest
import torch
from torch import nn

from fedaffect.models.encoders.history import History, SkippingGRU
from fedaffect.models.layers.dropout import Dropout
from fedaffect.models.layers.packing import Packing

ROLE = torch.tensor([[0, 1, 0, 2, 1, 0], [1, 0, 3, 3, 3, 3]])
VALID = ROLE < 3


def history(slots):
    return History(ROLE, Packing(VALID), slots)


@pytest.mark.parametrize("slots", [1, 2, 40])
def test_each_utterance_sees_those_just_before_it_in_its_conversation(slots):
    seen, role = history(slots), ROLE[VALID].tolist()
    conversation = [range(6)] * 6 + [range(6, 8)] * 2
    for utterance, rows in enumerate(conversation):
        expected = [row for row in rows if utterance - slots <= row < utterance]
        past, window = seen.past[utterance], seen.window[utterance]
        assert seen.rows[window][past].tolist() == expected
        same = [role[row] == role[utterance] for row in expected]
        assert seen.own[window][past].tolist() == same


def test_utterances_of_one_role_share_the_window_from_the_beginning():
    assert len(history(40).rows) == 3 + 2
    assert history(40).window[[0, 2, 5]].unique().numel() == 1
    # The last two of the first conversation no longer see its beginning.
    assert len(history(3).rows) == 3 + 2 + 2


def test_a_skipping_gru_is_a_gru_over_what_counts():
    torch.manual_seed(0)
    skipping, plain = SkippingGRU(3, 4), nn.GRU(3, 4, batch_first=True)
    plain.load_state_dict(
        {
            "weight_ih_l0": skipping.input.weight,
            "bias_ih_l0": skipping.input.bias,
            "weight_hh_l0": skipping.state.weight,
            "bias_hh_l0": skipping.state.bias,
        }
    )
    stream = torch.randn(6, 3)
    rows = torch.tensor([[0, 1, 2, 3], [2, 3, 4, 5]])
    counts = torch.tensor([[True, False, True, True], [False, True, False, False]])
    output = skipping(stream, rows, counts)
    assert not output[~counts].any()
    for window in range(2):
        counted = stream[rows[window][counts[window]]]
        torch.testing.assert_close(output[window][counts[window]], plain(counted)[0])


def test_reading_weighs_what_is_past_by_its_likeness_to_the_query():
    seen = history(2)
    memory = torch.zeros(*seen.rows.shape, 2)
    memory[seen.window[2]] = torch.tensor([[1.0, 0.0], [0.0, 3.0]])
    query = torch.zeros(8, 2)
    query[2] = torch.tensor([0.5, 0.0])
    first = torch.tensor(0.5).tanh().exp() / (torch.tensor(0.5).tanh().exp() + 1)
    expected = torch.stack([first, 3 * (1 - first)])
    torch.testing.assert_close(seen.read(query, memory, Dropout(0.0))[2], expected)


def test_what_dropout_takes_of_the_weights_is_not_read():
    seen, half = history(40), torch.tensor([1.0, 0, 1, 0, 1])
    memory = torch.arange(1.0, 6).expand(len(seen.rows), 5).unsqueeze(-1)
    found = seen.read(torch.zeros(8, 1), memory, lambda weights: weights * half)
    expected = torch.tensor([0, 1, 1 / 2, 4 / 3, 1, 9 / 5, 0, 1])
    torch.testing.assert_close(found.squeeze(-1), expected)


def test_nothing_is_read_where_nothing_is_past():
    seen = history(40)
    found = seen.read(torch.ones(8, 2), torch.ones(*seen.rows.shape, 2), Dropout(0.0))
    assert not found[[0, 6]].any()
    assert found[[1, 2, 3, 4, 5, 7]].all()
