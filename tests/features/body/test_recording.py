import numpy as np
import pytest

from fedaffect.errors import UserError
from fedaffect.features.body.recording import Recording, Span, Stream

INFINITE, NAN = float("inf"), float("nan")


def stream(samples=(0, 1, 2, 3), rate=2.0, start=0.0):
    return Stream(np.array(samples, np.float32), rate, start)


def test_a_window_ends_before_its_end():
    assert stream().between(0.5, 1.5).tolist() == [1, 2]
    assert stream().between(0.4, 1.4).tolist() == [1, 2]
    assert stream().between(0.51, 1.51).tolist() == [2, 3]


def test_a_window_of_rounded_times_has_its_samples():
    assert 1.1 * 100 > 110
    assert stream(range(200), 100.0).between(1.1, 1.14).tolist() == [110, 111, 112, 113]


def test_where_nothing_was_recorded_there_is_nan():
    late = stream(start=1.0)
    assert late.end == 3
    np.testing.assert_array_equal(late.between(0, 2), [np.nan, np.nan, 0, 1])
    np.testing.assert_array_equal(late.between(2, 4), [2, 3, np.nan, np.nan])
    for start, end in ((-4, -2), (9, 11)):
        np.testing.assert_array_equal(late.between(start, end), [np.nan] * 4)


@pytest.mark.parametrize("moved", [0.0, 0.25, 1.0, -0.75])
def test_no_sample_at_or_after_the_end_is_in_a_window(moved):
    shifted = stream(range(100), 4.0, moved)
    taken = shifted.between(3.0, 8.0)
    times = moved + taken / 4
    assert times.min() >= 3 - 1e-6
    assert times.max() < 8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"samples": ()}, r"samples \[0\]: give one number a moment"),
        ({"samples": ((1, 2), (3, 4))}, r"samples \[2, 2\]"),
        ({"rate": 0.0}, "rate 0 Hz: give one of 0.5 to 10000"),
        ({"rate": NAN}, "rate nan Hz"),
        ({"rate": 20_000.0}, "rate 20000 Hz"),
        ({"start": INFINITE}, "at most 604800 s are read"),
        ({"start": NAN}, "at most 604800 s are read"),
        ({"start": -1e7}, "at most 604800 s are read"),
    ],
)
def test_what_is_no_stream(change, message):
    with pytest.raises(UserError, match=message):
        stream(**change)


@pytest.mark.parametrize(
    "spans",
    [
        ((0, 10), (9, 20)),
        ((5, 5),),
        ((5, 4),),
        ((-1, 4),),
        ((0, INFINITE),),
        ((0, NAN),),
    ],
)
def test_labels_that_overlap_or_go_backwards(spans):
    with pytest.raises(UserError, match=r"S2: label `x` from .* overlaps another or ends before"):
        Recording("p", "S2", {}, tuple(Span(*times, "x") for times in spans))


def test_a_recording_ends_with_its_last_stream():
    assert Recording("p", "S2", {"eda": stream(), "pulse": stream(start=5.0)}).end == 7
    assert Recording("p", "S2", {}).end == 0
