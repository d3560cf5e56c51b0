from dataclasses import replace

import pytest
import torch

from fedaffect.errors import UserError
from fedaffect.models import build

TRIO = {"audio": 3, "text": 4, "visual": 2}


def model(modalities=TRIO, **settings):
    torch.manual_seed(0)
    chosen = {"width": 16, "heads": 2, **settings}
    return build("mmtr_style", chosen, modalities=modalities, roles=2, classes=4).eval()


def fused(mmtr, batch):
    """What the hidden layer reads [T, 3 * 16]: the main modality, then the weak ones by name."""
    seen = []
    with mmtr.hidden.register_forward_pre_hook(lambda _, read: seen.append(read[0].detach())):
        mmtr(batch)
    return seen[0].split(16, dim=-1)


def cues(mmtr, batch, modality):
    """What the two BiLSTMs of a modality say, [T, 16]."""
    said = []
    for level in (mmtr.conversation, mmtr.speaker):
        with level[modality].register_forward_hook(lambda *call: said.append(call[-1].detach())):
            mmtr(batch)
    return torch.cat(said, dim=-1)


def moved(batch, modality, row, turn):
    features = batch.features[modality].clone()
    features[row, turn] += 1
    return replace(batch, features={**batch.features, modality: features})


def test_parameters():
    def readers(size):  # two levels, two directions, four gates, each with two biases
        return 2 * 2 * 4 * (4 * (size + 4) + 2 * 4)

    enhance, norm = 4 * (16 + 1) * 16, 2 * 16
    hidden, classify = (3 * 16 + 1) * 16, (16 + 1) * 4
    expected = sum(map(readers, TRIO.values())) + 2 * (enhance + norm) + hidden + classify
    assert expected == 4820
    assert sum(p.numel() for p in model().parameters()) == expected


def test_the_main_modality_passes_through_the_fusion_intact(make_batch):
    batch, mmtr = make_batch(), model()
    assert torch.equal(fused(mmtr, batch)[0], cues(mmtr, batch, "text"))


@pytest.mark.parametrize("weak", ["audio", "visual"])
def test_a_weak_modality_never_alters_what_is_fused_of_the_others(make_batch, weak):
    batch, mmtr = make_batch(), model()
    before, after = fused(mmtr, batch), fused(mmtr, moved(batch, weak, 0, 1))
    for m, one, other in zip(("text", "audio", "visual"), before, after, strict=True):
        assert torch.equal(one, other) is (m != weak)


def test_the_main_modality_enhances_the_weak_ones(make_batch):
    batch, mmtr = make_batch(), model()
    before, after = fused(mmtr, batch), fused(mmtr, moved(batch, "text", 0, 1))
    for one, other in zip(before, after, strict=True):
        changed = (one != other).any(-1)
        assert changed[:5].all()
        assert not changed[5:].any()


def test_a_speaker_s_level_reads_the_speaker_s_own_utterances_only(make_batch):
    batch, mmtr = make_batch([4]), model()
    batch = replace(batch, role=torch.tensor([[0, 1, 0, 1]]))
    before, after = (cues(mmtr, b, "audio") for b in (batch, moved(batch, "audio", 0, 1)))
    conversation, speaker = (
        (before != after)[:, part].any(-1) for part in (slice(8), slice(8, 16))
    )
    assert conversation.tolist() == [True] * 4
    assert speaker.tolist() == [False, True, False, True]


def test_a_missing_main_modality_is_not_attended_to(make_batch):
    batch, mmtr = make_batch(), model()
    nothing = torch.zeros_like(batch.valid)
    main, audio, _ = fused(mmtr, replace(batch, present={**batch.present, "text": nothing}))
    assert not main.any()
    told = mmtr.enhance["audio"].output.bias
    torch.testing.assert_close(audio, mmtr.norm["audio"](cues(mmtr, batch, "audio") + told))


def test_a_missing_weak_modality_is_zero_where_all_are_concatenated(make_batch):
    batch, mmtr = make_batch(), model()
    absent = batch.valid.clone()
    absent[0, 1] = False
    _, audio, visual = fused(mmtr, replace(batch, present={**batch.present, "audio": absent}))
    assert (audio != 0).any(-1).tolist() == [row != 1 for row in range(8)]
    assert visual.any(-1).all()


@pytest.mark.parametrize(
    ("main", "found"), [("visual", "visual"), ("vis", "visual"), ("x", "audio")]
)
def test_the_main_modality_is_a_choice(main, found):
    mmtr = model(main=main)
    assert mmtr.main == found
    assert set(mmtr.enhance) == set(TRIO) - {found}


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"width": 18}, "width"),
        ({"heads": 3}, "not a multiple of heads"),
        ({"sequential": []}, "seq"),
    ],
)
def test_a_wrong_setting_is_named(settings, field):
    with pytest.raises(UserError, match=field):
        model(**settings)
