"""FedMPD by hand: three clients, every exchange; then the properties that must always hold."""

from dataclasses import replace
from itertools import permutations
from math import sqrt

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fedaffect.errors import UserError
from fedaffect.federation.algorithms.fedmpd import FedMPD
from fedaffect.federation.algorithms.fedproto import FedProto
from fedaffect.federation.messages.update import longest_prefix
from fedaffect.learning.learner import Outputs
from fedaffect.models.base import DialogueBatch, Prediction

EXCHANGES = ("prototypes", "weights", "both")


def prototypes(**vectors):
    """`prototypes(_0=(1, 0))` → a state."""
    return {f"prototype/fused/{n[1:]}": np.array(v, np.float32) for n, v in vectors.items()}


# r_0 = r_1 = r_2 = √2: each one's nearest other is a right angle away.
KNOWN = prototypes(_0=(1, 0), _1=(0, 1), _2=(-1, 0))


def fedmpd(**settings_):
    return FedMPD(settings_)


def known(state, name="prototype"):
    return {n: a for n, a in state.items() if n.startswith(name + "/")}


def close(found, expected):
    np.testing.assert_allclose(found, expected, atol=2e-6)


# --- by hand -------------------------------------------------------------------------------------


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_round_1_counts(three, exchange):
    """No global prototype yet: Σ n c / Σ n, and weights by volume 2, 1, 4."""
    state = three.round(fedmpd(exchange=exchange), {})
    close(state["prototype/fused/0"], [-0.4 / 6, 0.8 / 6])
    close(state["prototype/fused/1"], [0, 1])
    assert "prototype/fused/2" not in state
    if exchange != "prototypes":
        close(state["model/w"], [(2 * 1 + 1 * 2 + 4 * 5) / 7])


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        # d = 0, √0.8, 2; s = √2, 0.519786, 0; n = 2, 1, 3
        ({}, (0.937903, 0.124194)),
        ({"count_power": 0.0}, (0.892495, 0.215010)),
        # s = e^0, e^(-2√0.8), e^-4
        ({"score": "softmin"}, (0.920456, 0.060178)),
        ({"score": "softmin", "count_power": 0.0}, (0.912699, 0.112800)),
    ],
)
def test_round_2_weighs_prototypes_by_distance(three, exchange, chosen, expected):
    state = three.round(fedmpd(exchange=exchange, **chosen), KNOWN)
    close(state["prototype/fused/0"], expected)
    close(state["prototype/fused/1"], (0, 1))
    assert state["prototype/fused/2"] is KNOWN["prototype/fused/2"]  # nobody sent it


@pytest.mark.parametrize("exchange", ["weights", "both"])
def test_round_2_weighs_models_by_the_sum_over_classes(three, exchange):
    """W = 2√2, 0.519786 and 3·0 + 1·√2; models 1, 2, 5."""
    state = three.round(fedmpd(exchange=exchange), KNOWN)
    close(state["model/w"], [2.296952])


def test_by_prototypes_no_model_travels(three):
    algorithm = fedmpd()
    for state in ({}, KNOWN):
        for update in three.updates(algorithm, state):
            assert set(update.tensors) <= set(algorithm.prototype_specs(three.context))
        assert "model/w" not in three.round(algorithm, state)


def test_an_update_by_hand(three):
    update = three.updates(fedmpd(exchange="both"), KNOWN)[1]
    close(update.tensors["prototype/fused/0"], [0.6, 0.8])
    assert update.weights == pytest.approx({"prototype/fused/0": 0.519786, "model": 0.519786})
    assert update.fallback == {"prototype/fused/0": 1.0, "model": 1.0}
    assert update.scalars == pytest.approx(
        {
            "loss": 1.0,
            "task": 1.0,
            "distance/anger": sqrt(0.8),
            "score/anger": 0.519786,
            "count/anger": 1.0,
            "within_class": 0.0,
        }
    )


def test_server_momentum_keeps_some_of_the_old(three):
    state = three.round(fedmpd(server_momentum=0.75), KNOWN)
    close(state["prototype/fused/0"], [0.25 * 0.937903 + 0.75, 0.25 * 0.124194])
    first = three.round(fedmpd(server_momentum=0.75), {})
    close(first["prototype/fused/0"], [-0.4 / 6, 0.8 / 6])  # there is nothing old in round 1


def test_all_far_away_falls_back_to_counts(seat):
    """Both are farther from (1, 0) than r_0 = √2: the weights would all be 0."""
    table = seat([(0, (-1, 0))] * 2, [(0, (-0.8, -0.6))], learnt=(1, 4))
    updates = table.updates(fedmpd(exchange="both"), KNOWN)
    assert [u.weights["prototype/fused/0"] for u in updates] == [0, 0]
    assert [u.weights["model"] for u in updates] == [0, 0]
    state = table.round(fedmpd(exchange="both"), KNOWN)
    close(state["prototype/fused/0"], [-2.8 / 3, -0.2])
    close(state["model/w"], [2])


def test_a_class_seen_for_the_first_time_counts(three):
    state = three.round(fedmpd(), prototypes(_1=(0, 1), _2=(-1, 0)))
    close(state["prototype/fused/0"], [-0.4 / 6, 0.8 / 6])


def test_where_clients_start_from(three):
    shared = {**KNOWN, "model/w": np.array([8], np.float32)}
    own = {"model/w": np.array([3], np.float32), "optimiser/x": np.zeros(1)}
    three.learner.fits.clear()
    for exchange in EXCHANGES:
        _, memory = fedmpd(exchange=exchange).client_round(shared, three.clients[0], own)
        assert ("model/w" in memory) == (exchange == "prototypes")
    assert [f["start"][0] for f in three.learner.fits] == [3, 8, 8]


# --- always --------------------------------------------------------------------------------------


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_the_order_of_clients_changes_nothing(three, exchange):
    algorithm = fedmpd(exchange=exchange)
    first = three.round(algorithm, KNOWN)
    for order in permutations(range(3)):
        other = three.round(algorithm, KNOWN, order)
        for name, array in first.items():
            np.testing.assert_allclose(other[name], array, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("score", ["hinge", "softmin"])
def test_equal_distances_give_fedproto_on_unit_embeddings(seat, score):
    """Four clients on a circle around the global prototype, with unequal counts."""
    angle = 0.4
    hands = [
        [(0, (np.cos(angle), np.sin(angle) * np.cos(t), np.sin(angle) * np.sin(t)))] * n
        for n, t in ((1, 0.3), (4, 1.9), (2, 2.2), (7, 5.0))
    ]
    table = seat(*hands)
    reference = prototypes(_0=(1, 0, 0), _1=(0, 1, 0))
    mine = table.round(fedmpd(score=score), reference)
    theirs = table.round(FedProto({}), reference)
    close(mine["prototype/fused/0"], theirs["prototype/fused/0"])


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_weights_are_a_distribution(seat, data):
    """The new prototype lies between what was sent, whatever the distances."""
    coordinate = st.floats(-1, 1, width=32)
    vector = st.tuples(coordinate, coordinate).filter(lambda v: np.hypot(*v) > 0.1)
    hands = data.draw(
        st.lists(
            st.lists(vector.map(lambda v: (0, v)), min_size=1, max_size=3), min_size=1, max_size=4
        )
    )
    reference = {**KNOWN, "prototype/fused/0": np.array(data.draw(vector), np.float32)}
    table = seat(*hands)
    algorithm = fedmpd(
        score=data.draw(st.sampled_from(["hinge", "softmin"])),
        count_power=data.draw(st.sampled_from([0.0, 1.0])),
    )
    updates = table.updates(algorithm, reference)
    assert all(w >= 0 for u in updates for w in u.weights.values())
    sent = np.stack([u.tensors["prototype/fused/0"] for u in updates])
    new = table.round(algorithm, reference)["prototype/fused/0"]
    assert (new >= sent.min(axis=0) - 1e-5).all()
    assert (new <= sent.max(axis=0) + 1e-5).all()
    assert np.linalg.norm(new) <= 1 + 1e-5


@pytest.mark.parametrize("score", ["hinge", "softmin"])
@pytest.mark.parametrize("corruption", ["negated", "swapped", "random"])
def test_corrupted_prototypes_hardly_count(seat, score, corruption):
    """One of five clients sends nonsense: less than half of its even share is left to it."""
    random = np.random.default_rng(0)
    truth = random.normal(size=(6, 32))
    truth /= np.linalg.norm(truth, axis=1, keepdims=True)

    def hand(centres):
        noisy = centres + random.normal(size=(6, 32)) * 0.2 / sqrt(32)
        return [(k, tuple(noisy[k])) for k in range(6)]

    wrong = {
        "negated": -truth,
        "swapped": np.roll(truth, 1, axis=0),
        "random": random.normal(size=(6, 32)),
    }[corruption]
    table = seat(*[hand(truth)] * 4, hand(wrong), classes=6)
    state = {f"prototype/fused/{k}": truth[k].astype(np.float32) for k in range(6)}
    updates = table.updates(fedmpd(score=score, exchange="both"), state)
    for name in (*state, "model"):
        weight = [longest_prefix(u.weights, name) for u in updates]
        assert weight[-1] / sum(weight) < 1 / (2 * len(updates))


# --- the regulariser -----------------------------------------------------------------------------


def loss_inputs(embedding, label, classes=3):
    """A batch of one conversation whose last row is context only."""
    x = torch.tensor([[*embedding, [50.0] * len(embedding[0])]])
    rows = torch.ones(x.shape[:2], dtype=torch.bool)
    supervised = rows.clone()
    supervised[0, -1] = False
    logits = torch.zeros(*x.shape[:2], classes)
    index = torch.tensor([[*label, 0]])
    batch = DialogueBatch({"text": x}, {"text": rows}, index, rows, index, supervised)
    return Prediction(logits, {}, x, {}, torch.ones(*x.shape[:2], 1)), batch, index


def test_the_regulariser_by_hand(three):
    """(3, 4) of class 0: d to (1, 0) is √0.8, to (0, 1) √0.4, to (-1, 0) √3.2 (beyond √2)."""
    three.learner.fits.clear()
    fedmpd(lambda_=0.1).client_round(KNOWN, three.clients[0], {})
    value = three.learner.fits[0]["extra_loss"](*loss_inputs([[3.0, 4.0]], [0]))
    assert float(value) == pytest.approx(0.1 * (sqrt(0.8) + (sqrt(2) - sqrt(0.4)) / 2), abs=1e-6)


@pytest.mark.parametrize(
    ("chosen", "state", "regularised"),
    [
        ({}, KNOWN, True),
        ({"exchange": "both"}, KNOWN, True),
        ({"exchange": "weights"}, KNOWN, False),
        ({"lambda_": 0.0}, KNOWN, False),
        ({}, {}, False),
    ],
)
def test_when_it_is_regularised(three, chosen, state, regularised):
    three.learner.fits.clear()
    fedmpd(**chosen).client_round(state, three.clients[0], {})
    assert (three.learner.fits[0]["extra_loss"] is not None) == regularised


def test_collapsed_prototypes_still_have_a_margin():
    collapsed = {k: np.array([1, k * 1e-7], np.float32) for k in range(3)}
    assert fedmpd(minimum_margin=0.5).margins(collapsed) == {0: 0.5, 1: 0.5, 2: 0.5}


def test_margins_are_the_nearest_other_within_bounds():
    algorithm = fedmpd(minimum_margin=0.5, maximum_margin=1.5)
    near = {0: (0, 0), 1: (1, 0), 2: (1, 0.1), 3: (9, 9)}
    found = algorithm.margins({k: np.array(v, np.float32) for k, v in near.items()})
    assert found == pytest.approx({0: 1.0, 1: 0.5, 2: 0.5, 3: 1.5})
    assert algorithm.margins({4: np.zeros(2, np.float32)}) == {4: 1.5}  # no other at all
    assert algorithm.margins({}) == {}


def test_measures_tell_margins_and_how_far_classes_lie_apart(three):
    found = fedmpd().measures(KNOWN, three.context)
    root = pytest.approx(sqrt(2))
    assert found == {
        "margin/anger": root,
        "margin/joy": root,
        "margin/calm": root,
        "nearest_other_class": root,
    }
    assert fedmpd().measures({}, three.context) == {}


@pytest.mark.parametrize(
    ("chosen", "field"),
    [
        ({"exchange": "everything"}, "exchange"),
        ({"lambda_": -1}, "lambda_"),
        ({"server_momentum": 1}, "server_momentum"),
        ({"lambda": 0.1}, "lambda"),
        ({"minimum_margin": 1.6, "maximum_margin": 1.5}, "minimum_margin"),
    ],
)
def test_settings_that_make_no_sense_are_named(chosen, field):
    with pytest.raises(UserError, match=rf"algorithm fedmpd: .*{field}"):
        FedMPD(chosen)


# --- switches ------------------------------------------------------------------------------------


def test_without_distance_weight_prototypes_count_by_utterances(three):
    plain = three.round(fedmpd(distance_weight=False), KNOWN)
    close(plain["prototype/fused/0"], three.round(fedmpd(), {})["prototype/fused/0"])


def test_step_11_as_printed_is_a_sum_of_what_is_left_to_the_margin(three):
    """r = √2; d = 0, √0.8, 2: weights √2, 0.519786 and 2 less than r; nobody has class 2, so it vanishes."""
    algorithm = fedmpd(aggregate="literal_step_11", maximum_margin=2.0)
    state = {n: KNOWN[n] for n in list(KNOWN)[:2]}
    new = three.round(algorithm, state)
    vectors = [np.array(v) for v in ((1, 0), (0.6, 0.8), (-1, 0))]
    weights = [sqrt(2), sqrt(2) - sqrt(0.8), sqrt(2) - 2]
    close(new["prototype/fused/0"], sum(w * v for w, v in zip(weights, vectors, strict=True)))
    close(new["prototype/fused/1"], [0, sqrt(2)])  # one client has it: (r - 0) c


def test_step_11_as_printed_ends_with_a_word_when_it_leaves_all_bounds(three):
    algorithm = fedmpd(aggregate="literal_step_11")
    with pytest.raises(
        UserError, match=r"round 1: `prototype/fused/2` has the length 0: .*normalised"
    ):
        three.round(algorithm, KNOWN)  # nobody sends class 2: the printed sum is empty


def test_the_printed_filter_keeps_utterances_near_their_own_mean():
    """Class 0 at 0 and 2 (mean 1), class 1 at 5 and 5: the classes are 4 apart."""
    x = np.array([[0], [2], [5], [5]], np.float32)
    numbers = np.array([0, 0, 1, 1])
    assert fedmpd().keep(x, numbers).all()
    tight = fedmpd(triplet="literal_filter", triplet_margin=3.5).keep(x, numbers)
    assert tight.tolist() == [True, True, True, True]  # class 0 would keep none, so it keeps both
    one_sided = np.array([[0], [0], [3], [5], [5]], np.float32)
    found = fedmpd(triplet="literal_filter", triplet_margin=2.5).keep(
        one_sided, np.array([0, 0, 0, 1, 1])
    )
    assert found.tolist() == [True, True, False, True, True]  # 1 + 2.5 < 4, but not 2 + 2.5


def test_global_omega_counts_a_class_by_all_clients(three):
    """Counts of class 0 over all: 6. In a batch of its own, (3, 4) counts 2 utterances / 6."""
    algorithm = fedmpd(omega="global", lambda_=1.0)
    update = three.updates(algorithm, KNOWN)[0]
    assert update.tensors["count/labels"].tolist() == [2, 0, 0]
    assert set(update.tensors) <= set(algorithm.declared_updates(three.context))
    state = three.round(algorithm, KNOWN)
    np.testing.assert_allclose(state["count/labels"], [6, 1, 0])
    three.learner.fits.clear()
    known = {**KNOWN, "count/labels": state["count/labels"]}
    algorithm.client_round(known, three.clients[0], {})
    value = three.learner.fits[0]["extra_loss"](*loss_inputs([[3.0, 4.0]], [0]))
    plain = sqrt(0.8) + (sqrt(2) - sqrt(0.4)) / 2
    assert float(value) == pytest.approx(plain * 2 / 6, abs=1e-6)


def test_the_servers_model_teaches_from_round_2_on(three):
    algorithm = fedmpd(exchange="both", distil_from="server")
    shared = {**KNOWN, "model/w": np.array([8], np.float32)}
    three.learner.fits.clear()
    algorithm.client_round(shared, three.clients[0], {})
    second = replace(three.clients[0], context=replace(three.context, round=2))
    algorithm.client_round(shared, second, {})
    first, taught = (fit["teacher"] for fit in three.learner.fits)
    assert first is None
    own = three.learner.predict(three.clients[0].data.conversations).item
    assert (taught[own] == np.float32(0.1)).all()
    assert taught.sum() == pytest.approx(taught[own].sum())  # nobody else's utterances


@pytest.mark.parametrize("settings_", [{"prototypes": "per_modality"}, {"centres": 3}])
def test_more_prototypes_travel_and_predict(tiny, simulate, settings_):
    chosen = [f"algorithm.{name}={value}" for name, value in settings_.items()]
    run = simulate(tiny("fedmpd", *chosen, "algorithm.exchange=both", "rounds.count=2"))
    algorithm, context = run.simulation.algorithm, run.simulation.context
    names = {n for n in run.outcome.state if n.startswith("prototype/")}
    assert names <= set(algorithm.prototype_specs(context))
    spaces = {n.split("/")[1] for n in names}
    assert spaces == ({"audio", "text"} if "prototypes" in settings_ else {"fused"})
    assert len(names) > len(context.classes)
    test = run.figures["test"]["prototype"]
    assert 0 < test["accuracy"] <= 1


def test_by_modality_an_absent_one_has_no_say(three):
    """Class 0 is known in audio and text, class 1 in text alone; the second utterance has no text."""
    algorithm = fedmpd(prototypes="per_modality")
    state = {
        "prototype/audio/0": np.array([1, 0], np.float32),
        "prototype/text/0": np.array([1, 0], np.float32),
        "prototype/text/1": np.array([0, 1], np.float32),
    }
    x = np.array([[0, 1], [0, 1], [0, 1]], np.float32)
    weights = np.array([[0.5, 0.5], [1, 0], [0, 0]], np.float32)
    outputs = Outputs(np.arange(3), x, x, weights, {"audio": x, "text": x})
    found = algorithm.predict_nearest(state, outputs, 3)
    low = 1 / (1 + np.exp(2))  # squared distances 2 (both spaces) and 0
    np.testing.assert_allclose(found, [[low, 1 - low, 0], [1, 0, 0], [0.5, 0.5, 0]], atol=1e-6)


def test_by_modality_the_regulariser_is_a_mean_that_leaves_absence_out(three):
    """Audio (0, 1) and text (1, 0) of class 0, prototypes at (1, 0): √2 and 0; the second has no text."""
    algorithm = fedmpd(prototypes="per_modality", lambda_=1.0, terms="pull")
    state = {f"prototype/{m}/0": np.array([1, 0], np.float32) for m in ("audio", "text")}
    client = replace(three.clients[0], context=replace(three.context, modalities=("audio", "text")))
    with_context = algorithm._regulariser(state, client)
    audio = torch.tensor([[[0.0, 1.0], [0.0, 1.0]]])
    text = torch.tensor([[[1.0, 0.0], [-1.0, 0.0]]])
    rows = torch.ones(1, 2, dtype=torch.bool)
    here = {"audio": rows, "text": torch.tensor([[True, False]])}
    label = torch.zeros(1, 2, dtype=torch.int64)
    batch = DialogueBatch({"audio": audio, "text": text}, here, label, rows, label, rows)
    by = {"audio": audio, "text": text}
    prediction = Prediction(torch.zeros(1, 2, 3), {}, audio, by, torch.ones(1, 2, 2))
    assert float(with_context(prediction, batch, label)) == pytest.approx(sqrt(2) / 2, abs=1e-5)


def test_the_printed_sum_knows_one_weight():
    with pytest.raises(UserError, match="literal_step_11 weighs by r - d"):
        fedmpd(aggregate="literal_step_11", score="softmin")
