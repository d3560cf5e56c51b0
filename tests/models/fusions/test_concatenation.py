from dataclasses import replace

import torch

from fedaffect.models.fusions.concatenation import concatenated
from fedaffect.models.layers.packing import Packing


def test_what_is_absent_is_zeros_and_padding_is_left_out(make_batch):
    batch = make_batch([3, 1], {"audio": 1, "text": 2})
    absent = batch.valid.clone()
    absent[0, 1] = False
    batch = replace(batch, present={**batch.present, "audio": absent})
    rows = concatenated(batch, Packing(batch.valid), ["text", "audio"])
    text, audio = batch.features["text"], batch.features["audio"]
    expected = [[*text[0, n], audio[0, n, 0] * (n != 1)] for n in range(3)]
    torch.testing.assert_close(rows, torch.tensor([*expected, [*text[1, 0], audio[1, 0, 0]]]))
