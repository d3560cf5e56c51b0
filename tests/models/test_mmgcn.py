from dataclasses import replace

import pytest
import torch

from fedaffect.errors import UserError
from fedaffect.models import build, mmgcn

TRIO = {"audio": 3, "text": 4, "visual": 2}
SMALL = {"width": 4, "graph_width": 3, "layers": 2}


def model(modalities=TRIO, **settings):
    torch.manual_seed(0)
    chosen = {**SMALL, **settings}
    return build("mmgcn", chosen, modalities=modalities, roles=2, classes=4).eval()


def entering(network, batch):
    """The nodes [T, M, width] that go into the graph."""
    seen = []
    with network.enter.register_forward_pre_hook(lambda _, read: seen.append(read[0].detach())):
        network(batch)
    return seen[0]


def test_parameters():
    project = (3 + 1 + 4 + 1 + 2 + 1) * 4
    context = 2 * 2 * 4 * (2 * (4 + 2) + 2 * 2)  # layers, directions, gates of two biases
    role = (2 + 1) * 4
    graph = (4 + 1) * 3 + 2 * (2 * 3 * 3)
    classify = (3 * (4 + 3) + 1) * 4
    expected = project + context + role + graph + classify
    assert expected == 455
    assert sum(p.numel() for p in model().parameters()) == expected


def test_each_node_hears_its_modality_everywhere_and_its_utterance_in_every_modality(
    make_batch, monkeypatch
):
    seen = []

    def spy(*arguments):
        seen.append(similarities(*arguments))
        return seen[0]

    similarities = mmgcn.similarities
    monkeypatch.setattr(mmgcn, "similarities", spy)
    model()(make_batch((5, 3)))
    edges = seen[0]
    for conversation, length in enumerate((5, 3)):
        heard = (edges.within[conversation] > 0).sum(dim=-1)
        assert (heard[:, :length] == length).all()
        assert not heard[:, length:].any()
    assert ((edges.across > 0).sum(dim=-1) == 2).all()


def test_only_the_main_modality_knows_who_speaks_and_what_comes_next(make_batch):
    batch, network = make_batch([5]), model()
    before = entering(network, batch)
    swapped = entering(network, replace(batch, role=1 - batch.role))
    assert (before != swapped).any(dim=-1).any(dim=0).tolist() == [False, True, False]
    features = {m: x.clone() for m, x in batch.features.items()}
    for x in features.values():
        x[0, -1] += 1
    later = entering(network, replace(batch, features=features))
    assert (before != later).any(dim=-1)[0].tolist() == [False, True, False]


def test_the_main_modality_can_be_another(make_batch):
    batch, network = make_batch([5]), model(main="visual")
    swapped = entering(network, replace(batch, role=1 - batch.role))
    assert (entering(network, batch) != swapped).any(dim=-1).any(dim=0).tolist()[1:] == [
        False,
        True,
    ]


def test_the_classifier_reads_what_entered_beside_what_left(make_batch):
    batch, network, left = make_batch([5]), model(), []
    with network.layer[-1].register_forward_hook(lambda *call: left.append(call[-1])):
        embedding = network(batch).embedding[0]
    both = torch.cat([entering(network, batch), left[0]], dim=-1)
    torch.testing.assert_close(embedding, both.relu().flatten(1))


def test_an_utterance_without_any_modality_is_0_to_the_classifier(make_batch):
    batch, network = make_batch(), model()
    present = batch.valid.clone()
    present[0, 2] = False
    prediction = network(replace(batch, present=dict.fromkeys(TRIO, present)))
    assert not prediction.embedding[0, 2].any()
    torch.testing.assert_close(prediction.logits[0, 2], network.classify.bias)


def test_a_missing_modality_tells_the_others_nothing(make_batch):
    batch, network = make_batch(), model()
    present = {**batch.present, "visual": torch.zeros_like(batch.valid)}
    before = network(replace(batch, present=present)).logits
    torch.nn.init.normal_(network.project.map["visual"].bias)
    assert torch.equal(before, network(replace(batch, present=present)).logits)


def test_sixty_four_layers_as_released(make_batch):
    prediction = model(layers=64)(make_batch())
    assert prediction.logits.isfinite().all()
    assert prediction.embedding.any()


@pytest.mark.parametrize("setting", [{"width": 5}, {"layers": 0}, {"identity_mapping": 0}])
def test_unsound_settings_are_refused_by_name(setting):
    with pytest.raises(UserError, match=next(iter(setting))):
        model(**setting)
