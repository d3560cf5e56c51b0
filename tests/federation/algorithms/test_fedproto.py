"""FedProto by hand."""

from dataclasses import replace

import numpy as np
import pytest

from fedaffect.errors import UserError
from fedaffect.federation.algorithms.fedproto import FedProto
from fedaffect.schema import ClientData


def test_mean_by_count(three):
    """Embeddings as they are, not scaled: means (2.5, 0), (1.2, 1.6), (-3.5/3, 0); n = 2, 1, 3."""
    state = three.round(FedProto({}), {})
    np.testing.assert_allclose(
        state["prototype/fused/0"], [(5 + 1.2 - 3.5) / 6, 1.6 / 6], rtol=1e-6
    )
    np.testing.assert_array_equal(state["prototype/fused/1"], [0, 5])


def test_mean_by_client(three):
    """As the released code has it: every client counts once."""
    state = three.round(FedProto({"weighting": "uniform"}), {})
    expected = [(2.5 + 1.2 - 3.5 / 3) / 3, 1.6 / 3]
    np.testing.assert_allclose(state["prototype/fused/0"], expected, rtol=1e-6)


def test_a_class_that_nobody_sends_stays_as_it_was(three):
    old = np.array([7, 7], np.float32)
    state = three.round(FedProto({}), {"prototype/fused/2": old, "prototype/fused/1": old})
    assert state["prototype/fused/2"] is old
    np.testing.assert_array_equal(state["prototype/fused/1"], [0, 5])


def test_only_prototypes_travel_and_the_model_is_remembered(three):
    update, memory = FedProto({}).client_round({}, three.clients[2], {})
    assert set(update.tensors) == {"prototype/fused/0", "prototype/fused/1"}
    np.testing.assert_array_equal(memory["model/w"], [5])


def test_a_client_starts_from_its_own_model(three):
    three.learner.fits.clear()
    FedProto({}).client_round({}, three.clients[0], {"model/w": np.array([3], np.float32)})
    FedProto({}).client_round({}, three.clients[0], {})
    assert [f["start"][0] for f in three.learner.fits] == [3, 0]  # at first from the common one


def test_context_is_not_in_a_prototype(seat):
    """A client's prototypes are means over its supervised rows alone."""
    table = seat([(0, (1, 1)), (-1, (8, 8)), (0, (3, 3))])
    update, _ = FedProto({}).client_round({}, table.clients[0], {})
    np.testing.assert_array_equal(update.tensors["prototype/fused/0"], [2, 2])
    assert update.weights == {"prototype/fused/0": 2.0}


def test_classes_that_a_client_may_not_learn_from_have_no_prototype(seat):
    """Random class sets: the labels are there, but not for this client to use."""
    table = seat([(0, (1, 1)), (1, (8, 8)), (0, (3, 3))])
    client = table.clients[0]
    masked = ClientData(client.data.name, client.data.conversations, np.array([0]))
    update, _ = FedProto({}).client_round({}, replace(client, data=masked), {})
    assert set(update.tensors) == {"prototype/fused/0"}
    np.testing.assert_array_equal(update.tensors["prototype/fused/0"], [1, 1])


@pytest.mark.parametrize(
    ("lambda_", "state", "pulled"),
    [(1.0, True, True), (1.0, False, False), (0.0, True, False)],
)
def test_when_it_pulls(three, lambda_, state, pulled):
    three.learner.fits.clear()
    known = {"prototype/fused/0": np.zeros(2, np.float32)} if state else {}
    FedProto({"lambda_": lambda_}).client_round(known, three.clients[0], {})
    assert (three.learner.fits[0]["extra_loss"] is not None) == pulled


def test_an_unknown_weighting_is_named():
    with pytest.raises(UserError, match="algorithm fedproto: weighting"):
        FedProto({"weighting": "best"})


def test_how_wide_classes_are_and_how_far_apart(three):
    """Client 2 has (-1, 0), (-2, 0), (-0.5, 0) about their mean -3.5/3, and (0, 5) alone in its class."""
    updates = three.updates(FedProto({}), {})
    within = [update.scalars["within_class"] for update in updates]
    assert within == pytest.approx([0.5, 0.0, (1 / 6 + 5 / 6 + 2 / 3 + 0) / 4])
    state = {"prototype/fused/0": np.zeros(2), "prototype/fused/1": np.array([3.0, 4.0])}
    assert FedProto({}).measures(state, three.context) == {"nearest_other_class": 5.0}
    assert FedProto({}).measures({}, three.context) == {}
