"""Whatever plain data a pickle holds, the user gets recordings or one clear line."""

import contextlib
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fedaffect.errors import UserError
from fedaffect.importing import Options, Source
from fedaffect.importing.readers.deap import Deap
from fedaffect.importing.readers.wesad import Wesad

FILE = Path(__file__)

values = st.one_of(
    st.none(),
    st.integers(),
    st.floats(),
    st.text(max_size=3),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.sampled_from(["wrist", "chest", "EDA", 0]), st.integers(), max_size=2),
    st.sampled_from(
        [
            np.ones((4, 1)),
            np.ones((4, 3), np.int8),
            np.zeros(0),
            np.array(1.0),
            np.array(["a"]),
            np.array([1, None], object),
            np.array([[np.nan, np.inf, -1e300]]),
            np.array([True, False]),
        ]
    ),
)


def read_all(reader, content):
    source = Source(FILE)
    source.content = content
    return [*reader.recordings(source, Options())]


@contextlib.contextmanager
def one_line():
    """Nothing but a UserError of one line may come out."""
    raised = None
    try:
        yield
    except UserError as error:
        raised = str(error)
    assert "\n" not in (raised or "")


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_wesad_dictionary_of_anything(data):
    wrist = {field: data.draw(values) for field in ("EDA", "BVP", "TEMP", "ACC")}
    signal = {"wrist": data.draw(st.just(wrist) | values), "chest": data.draw(values)}
    sound = {"subject": "S2", "label": np.array([0, 1, 2, 7]), "signal": signal}
    spoilt = {f: data.draw(values) for f in data.draw(st.sets(st.sampled_from([*sound])))}
    with one_line():
        read_all(Wesad(), sound | spoilt)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_deap_dictionary_of_anything(data):
    shape = data.draw(
        st.sampled_from([(1, 40, 500), (2, 40, 400), (0, 40, 9), (1, 9, 9), (1, 40, 0)])
    )
    ratings = data.draw(
        st.sampled_from([np.ones((1, 4)), np.full((2, 4), np.inf), np.ones((0, 4))])
    )
    content = {"data": np.ones(shape, np.float32), "labels": ratings}
    spoilt = {f: data.draw(values) for f in data.draw(st.sets(st.sampled_from([*content])))}
    with one_line():
        read_all(Deap(), content | spoilt)
