import sys

import numpy as np
import pytest

from fedaffect.errors import UserError
from fedaffect.importing import recordings

io = pytest.importorskip("scipy.io", reason="needs scipy: pip install 'fedaffect[signals]'")


def cell(*arrays):
    made = np.empty((1, len(arrays)), object)
    made[0] = arrays
    return made


def ratings(arousal, valence):
    return np.array([[arousal, valence, *[3.0] * 10]])


@pytest.fixture
def content():
    random = np.random.default_rng(0)
    films = [random.normal(size=(seconds * 128, 17)) for seconds in (20, 30, 10)]
    nothing = np.zeros((0, 0))
    return {
        "joined_data": cell(*films, nothing, films[0]),
        "labels_selfassessment": cell(
            ratings(8, 2), ratings(2, 8), nothing, ratings(5, 5), ratings(np.nan, 5)
        ),
        "labels_ext_annotation": cell(np.ones((4, 3))),
        "VideoIDs": cell(np.array(["5"])),
    }


@pytest.fixture
def write(content, tmp_path):
    def write(**more):
        file = tmp_path / "Data_Preprocessed_P07.mat"
        io.savemat(file, content, **more)
        return file

    return write


@pytest.mark.parametrize("compressed", [True, False])
def test_by_hand(compressed, content, write):
    """The third was not rated, the fourth not recorded, the fifth rated with NaN."""
    films = [*recordings(write(do_compression=compressed))]
    assert [film.name for film in films] == ["P07 film 1", "P07 film 2"]
    assert {film.person for film in films} == {"P07"}
    spans = [(span.start, span.end, span.label) for film in films for span in film.spans]
    assert spans == [(5, 20, "angry"), (5, 30, "calm")]
    for sensor, channel in {"ecg": 14, "eda": 16}.items():
        stream = films[0].streams[sensor]
        assert stream.rate == 128
        right = content["joined_data"][0, 0][:, channel].astype(np.float32)
        np.testing.assert_array_equal(stream.samples, right)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("joined_data", None, r"P07\.mat: no variable `joined_data`"),
        ("joined_data", np.ones((5, 5)), r"joined_data: double\[5, 5\], not up to 1000 cells"),
        ("joined_data", cell(*[np.ones(1)] * 1001), r"joined_data: cell\[1, 1001\]"),
        ("joined_data", cell(np.ones((9, 17))), r"1 films in joined_data, 5 in labels"),
        ("joined_data", cell(*[np.ones((9, 14))] * 5), r"film 1: \[9, 14\], not \[time, 17\]"),
        ("joined_data", cell(*[np.full((2, 17), "a")] * 5), r"film 1: <U1 instead of an array"),
        ("labels_selfassessment", cell(*["film"] * 5), r"film 1: <U4 instead"),
        ("labels_selfassessment", cell(*[np.ones((1, 1))] * 5), r"film 1: \[1, 1\], not \[1, 12\]"),
    ],
)
def test_variables_of_another_kind(field, value, message, content, write):
    content[field] = value
    if value is None:
        del content[field]
    with pytest.raises(UserError, match=message):
        [*recordings(write())]


def test_every_truncation_is_one_clear_line(write):
    file = write(do_compression=True)
    whole = file.read_bytes()
    for length in np.linspace(130, len(whole) - 1, 15, dtype=int):
        file.write_bytes(whole[:length])
        with pytest.raises(UserError, match=r"truncated or damaged MATLAB file|no variable"):
            [*recordings(file)]


def test_without_the_extra_one_line_says_so(write, monkeypatch):
    file = write()
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    with pytest.raises(UserError, match=r"P07\.mat: .* `signals` extra .* pip install 'fedaffect"):
        [*recordings(file)]
