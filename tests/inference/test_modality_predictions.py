"""Predictions of modalities in one array."""

import numpy as np
import pytest

from fedaffect.errors import UserError
from fedaffect.inference.modality_predictions import ModalityPredictions, normalised

FACE = np.array([[0.7, 0.3], [0.4, 0.6]], np.float32)
BODY = np.array([[0.2, 0.8], [np.nan, np.nan]])
BOTH, FIRST = np.array([True, True]), np.array([True, False])


def test_sorted_stacked_and_uniform_where_absent():
    found = ModalityPredictions.of({"face": FACE, "body": BODY}, {"face": BOTH, "body": FIRST})
    assert found.names == ("body", "face")
    np.testing.assert_allclose(found.probability[:, 0], [[0.2, 0.8], [0.5, 0.5]])
    np.testing.assert_allclose(found.probability[:, 1], FACE)
    assert found.present.tolist() == [[True, True], [False, True]]
    assert np.isnan(BODY[1]).all()  # the caller's own array is left alone


@pytest.mark.parametrize(
    ("probability", "present", "complaint"),
    [
        ({}, {}, "at least one modality"),
        ({"face": FACE}, {"body": BOTH}, "give both"),
        ({"face": FACE, "body": BODY[:1]}, {"face": BOTH, "body": FIRST}, "body: probabilities"),
        ({"face": FACE, "zoom": FACE[:, :1]}, {"face": BOTH, "zoom": BOTH}, "zoom: probabilities"),
        ({"face": FACE}, {"face": BOTH[:1]}, r"presence \[1\]"),
        ({"face": FACE[0]}, {"face": BOTH}, r"probabilities \[2\]"),
        ({"body": BODY}, {"body": BOTH}, "body: item 1"),
        ({"face": 2 * FACE}, {"face": BOTH}, "face: item 0"),
        ({"face": FACE * [[-1, 1]] + [[1.4, 0]]}, {"face": BOTH}, "sum to 1"),
    ],
)
def test_what_cannot_be_stacked(probability, present, complaint):
    with pytest.raises(UserError, match=complaint):
        ModalityPredictions.of(probability, present)


def test_normalised_rows():
    found = normalised(np.array([[1.0, 3.0], [0.0, 0.0]]))
    assert found.tolist() == [[0.25, 0.75], [0, 0]]
