"""Whatever plain data a file holds, the user gets a corpus or one clear line."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedaffect.corpus.formats.families import FAMILIES
from fedaffect.errors import UserError
from fedaffect.importing import Options, Source
from fedaffect.importing.readers.conversation_pickle import ConversationPickle
from fedaffect.importing.readers.manifest import Manifest
from fedaffect.importing.readers.mmsa import Mmsa

FILE = Path(__file__)

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(["M", "F", "a", "v$_$1", "x.npy", "1 2", "train", ""]),
)
arrays = st.sampled_from(
    [
        np.ones((1, 3)),
        np.ones((2, 2, 2)),
        np.zeros(0),
        np.array(1.0),
        np.array(["a$_$1", "b"]),
        np.array([[1], None], object),
        np.full((1, 2), np.nan),
    ]
)
keys = st.sampled_from(["a", "b", 0, 1, None])
values = st.recursive(
    scalars | arrays,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.tuples(inner), st.dictionaries(keys, inner, max_size=2)
    ),
    max_leaves=8,
)
by_dialogue = st.dictionaries(st.sampled_from(["a", "b", 0, 1]), values, max_size=2) | values


def source(**parsed):
    """A file that was already parsed."""
    made = Source(FILE)
    vars(made).update(parsed)
    return made


@contextlib.contextmanager
def one_line():
    """Nothing but a UserError of one line may come out."""
    raised = None
    try:
        yield
    except UserError as error:
        raised = str(error)
    assert "\n" not in (raised or "")


@settings(max_examples=150)
@given(st.data())
@pytest.mark.parametrize("family", [None, "cosmic-meld", "mmgcn-iemocap"])
def test_a_pickle_of_anything(family, data):
    lengths = {len(f.fields) for f in FAMILIES if f.files == 1 and family in (None, f.name)}
    content = [data.draw(by_dialogue) for _ in range(data.draw(st.sampled_from(sorted(lengths))))]
    with one_line():
        ConversationPickle().read(source(content=content), Options(family=family))


@settings(max_examples=150)
@given(st.data())
def test_an_mmsa_dictionary_of_anything(data):
    sound = {
        "id": ["v$_$1", "v$_$2"],
        "text": np.ones((2, 3, 4)),
        "text_bert": np.ones((2, 3, 3)),
        "annotations": ["a", "b"],
        "classification_labels": [0, 1],
        "regression_labels": [-1.0, 1.0],
    }
    spoilt = sound | {
        field: data.draw(values)
        for field in data.draw(st.sets(st.sampled_from([*sound]), max_size=3))
    }
    content = {"train": sound, "valid": spoilt, "test": {"id": []}}
    with one_line():
        Mmsa().read(source(content=content), Options())


@settings(max_examples=150)
@given(st.data())
def test_a_manifest_of_anything(data):
    sound = {
        "conversation": "a",
        "turn": 0,
        "label": "x",
        "split": "train",
        "feature.f": [1.0, 2.0],
    }
    sound |= {"person": "p", "role": 0}
    spoilt = {
        field: data.draw(values)
        for field in data.draw(st.sets(st.sampled_from([*sound]), max_size=3))
    }
    with one_line():
        rows = [(1, sound), (2, sound | {"turn": 1} | spoilt)]
        Manifest().read(source(rows=rows), Options())
