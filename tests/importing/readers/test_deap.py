import numpy as np
import pytest

from fedaffect.errors import UserError
from fedaffect.features.body.windows import Windows, describe
from fedaffect.importing import Options, recordings


@pytest.fixture
def content():
    data = np.random.default_rng(0).normal(size=(3, 40, 8064)).astype(np.float32)
    return {"data": data, "labels": np.array([[7.7, 7.6, 6.9, 7.8], [5, 5, 5, 5], [1, 9, 3, 3]])}


@pytest.fixture
def read_back(content, pickles, tmp_path):
    return lambda **more: [
        *recordings(pickles.write_python2(tmp_path / "s01.dat", content), Options(**more))
    ]


def test_by_hand(content, read_back):
    films = read_back()
    assert [film.name for film in films] == ["s01 film 1", "s01 film 2", "s01 film 3"]
    assert {film.person for film in films} == {"s01"}
    spans = [(span.start, span.end, span.label) for film in films for span in film.spans]
    assert spans == [(3, 63, "excited"), (3, 63, "neutral"), (3, 63, "angry")]
    streams = films[1].streams
    assert {stream.rate for stream in streams.values()} == {128}
    np.testing.assert_allclose(streams["eda"].samples, content["data"][1, 36] / 1000, rtol=1e-6)
    for sensor, channel in {"respiration": 37, "pulse": 38, "temperature": 39}.items():
        np.testing.assert_array_equal(streams[sensor].samples, content["data"][1, channel])


def test_windows_of_10_s_are_10_s_of_film(read_back):
    """Fed-ReMECS cuts the 63 s as if they were 60: 1344 samples each, from before the film on."""
    film = read_back()[0]
    described = describe(film, Windows(seconds=10))
    assert described.start.tolist() == [3, 13, 23, 33, 43, 53]
    assert len(film.streams["eda"].between(3, 13)) == 1280


def test_other_classes(read_back):
    assert [f.spans[0].label for f in read_back(ratings="valence")] == [
        *("high valence", "low valence", "low valence"),
    ]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("data", np.ones((3, 32, 8064), np.int8), r"s01\.dat: data: \[3, 32, 8064\] instead of"),
        ("data", np.ones((1001, 40, 1), np.int8), r"data: \[1001, 40, 1\] instead"),
        ("data", np.ones((2, 40, 500), np.int8), r"labels: not two ratings for each of 2 films"),
        ("data", np.ones((3, 40, 384), np.int8), r"data: 3 s a film, of which 3 come before it"),
        ("data", np.full((3, 40, 500), "a"), r"s01\.dat: data: <U1 instead of an array"),
        ("data", np.ones((3, 40, 0)), r"data: film 1: channel 37: \[0\] instead"),
        ("labels", np.ones(3), r"labels: \[3\] instead of \[films, 4\] ratings"),
        ("labels", np.full((3, 4), "a"), r"labels: <U1 instead"),
        ("labels", np.full((3, 4), np.nan), r"labels: not two ratings for each of 3 films"),
    ],
)
def test_arrays_of_another_shape(field, value, message, content, read_back):
    content[field] = value
    with pytest.raises(UserError, match=message):
        read_back()
