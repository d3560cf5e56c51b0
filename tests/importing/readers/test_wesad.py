import numpy as np
import pytest

from fedaffect.errors import UserError
from fedaffect.importing import recordings

SECONDS = 60
LABELS = [0] * 5 + [1] * 20 + [2] * 15 + [6] * 5 + [3] * 10 + [4] * 5


@pytest.fixture
def content():
    random = np.random.default_rng(0)

    def signal(rate, *columns):
        return random.normal(size=(SECONDS * rate, *columns))

    chest = {"ACC": signal(700, 3), "EDA": signal(700, 1), "EMG": signal(700, 1)}
    chest |= {"ECG": signal(700, 1), "Resp": signal(700, 1), "Temp": signal(700, 1)}
    wrist = {"ACC": signal(32, 3), "BVP": signal(64, 1), "EDA": signal(4, 1), "TEMP": signal(4, 1)}
    return {
        "subject": "S2",
        "label": np.repeat(LABELS, 700).astype(np.int32),
        "signal": {"chest": chest, "wrist": wrist},
    }


@pytest.fixture
def read_back(content, pickles, tmp_path):
    def read_back(write=pickles.write):
        (recording,) = recordings(write(tmp_path / "S2.pkl", content))
        return recording

    return read_back


def test_by_hand(content, read_back, tmp_path):
    recording = read_back()
    assert recording.person == recording.name == "S2"
    assert recording.files == (tmp_path / "S2.pkl",)
    assert [(s.start, s.end, s.label) for s in recording.spans] == [
        (5, 25, "baseline"),
        (25, 40, "stress"),
        (45, 55, "amusement"),
        (55, 60, "meditation"),
    ]
    assert {s: (x.rate, x.unit, x.end) for s, x in recording.streams.items()} == {
        "ecg": (700, "mV", 60),
        "eda": (4, "µS", 60),
        "motion": (32, "g", 60),
        "pulse": (64, "", 60),
        "respiration": (700, "%", 60),
        "temperature": (4, "°C", 60),
    }
    wrist = content["signal"]["wrist"]
    np.testing.assert_array_equal(
        recording.streams["eda"].samples, wrist["EDA"][:, 0].astype(np.float32)
    )
    np.testing.assert_allclose(
        recording.streams["motion"].samples, np.linalg.norm(wrist["ACC"], axis=1) / 64, rtol=1e-6
    )


def test_the_text_pickle_of_python_2_in_which_it_comes(read_back, pickles):
    plain = read_back()
    text = read_back(lambda file, content: pickles.write_python2(file, content, protocol=0))
    assert text.spans == plain.spans
    for sensor, stream in plain.streams.items():
        np.testing.assert_array_equal(text.streams[sensor].samples, stream.samples)


def test_without_the_chest_belt(content, read_back):
    del content["signal"]["chest"]
    assert [*read_back().streams] == ["eda", "motion", "pulse", "temperature"]


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        (("subject",), 2, r"S2\.pkl: subject, signal: not a name and a dictionary"),
        (("signal",), [], r"subject, signal: not a name and a dictionary"),
        (("signal",), {"wrist": None}, r"signal: none of ecg, eda"),
        (("label",), "baseline", r"S2\.pkl: label: str instead of an array of numbers"),
        (
            ("signal", "wrist", "EDA"),
            np.ones((3, 2)),
            r"wrist: EDA: \[3, 2\] instead of numbers \[time\]",
        ),
        (("signal", "wrist", "EDA"), np.array(["a"]), r"wrist: EDA: <U1 instead of an array"),
        (("signal", "wrist", "EDA"), np.ones(0), r"wrist: EDA: \[0\] instead"),
        (("signal", "wrist", "EDA"), [[1], [2, 3]], r"wrist: EDA: list instead of an array"),
        (("signal", "wrist", "ACC"), np.ones(9), r"wrist: ACC: \[9\] instead of .* 3\]"),
    ],
)
def test_fields_of_another_kind(where, value, message, content, read_back):
    inner = content
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = value
    with pytest.raises(UserError, match=message):
        read_back()


def test_labels_that_are_not_known_or_not_finite_are_none(content, read_back):
    content["label"] = np.repeat([1.0, np.nan, np.inf, -3, 1.5, 1], 700)
    assert [(s.start, s.end) for s in read_back().spans] == [(0, 1), (5, 6)]


def test_a_sample_beyond_float32_is_a_gap(content, read_back):
    content["signal"]["wrist"]["EDA"][3, 0] = 1e300
    assert np.isinf(read_back().streams["eda"].samples[3])
