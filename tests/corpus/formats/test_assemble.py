"""Its errors are tried through the neutral layout (`test_neutral.py`), which names the same columns."""

from pathlib import Path

import numpy as np
import pytest

from fedaffect.corpus.formats.assemble import REQUIRED, assemble, kind
from fedaffect.corpus.schema import Provenance
from fedaffect.errors import UserError

FILE = Path("x")


@pytest.fixture
def columns():
    """One dialogue of two turns, stored backwards."""
    return {
        "label": np.array([1, 0]),
        "label_names": np.array(["calm", "upset"]),
        "dialogue": np.array([7, 7]),
        "turn": np.array([1, 0]),
        "split": np.array(["train", "train"]),
        "speaker": np.array([5, 3]),
    }


def made(columns, present):
    features = {"audio": np.array([[1, 2], [3, 4]], np.float16)}
    provenance = Provenance("x", "0" * 64, "test")
    return assemble(FILE, columns, features, present, name="x", provenance=provenance)


def test_rows_are_put_in_order_and_absent_features_to_zero(columns):
    corpus = made(columns, {"audio": np.array([False, True])})
    assert corpus.label.tolist() == [0, 1]
    assert corpus.role.tolist() == [0, 1]
    assert corpus.persons == ("speaker-3", "speaker-5")
    assert corpus.conversations == ("dialogue-7",)
    assert corpus.features["audio"].tolist() == [[3, 4], [0, 0]]
    assert corpus.features["audio"].dtype == np.float16
    assert corpus.present["audio"].tolist() == [True, False]


@pytest.mark.parametrize("key", REQUIRED)
def test_what_lacks_is_named(key, columns):
    del columns[key]
    with pytest.raises(UserError, match=f"x: {key}: missing"):
        made(columns, {})


def test_an_array_is_called_by_dtype_and_shape():
    assert kind(np.ones((2, 3), np.float32)) == "float32[2, 3]"
