import numpy as np

from fedaffect.features.body.baseline import FURTHEST, Baseline


def test_by_hand():
    baseline = Baseline.of(np.array([[1.0, 5], [3.0, 5]]))
    assert baseline.mean.tolist() == [2, 5]
    assert baseline.deviation.tolist() == [1, 1]  # the second never moved
    assert baseline.relative(np.array([[2.5, 8.0]])).tolist() == [[0.5, 3]]


def test_far_is_no_further_than_ten_deviations():
    baseline = Baseline.of(np.array([[1.0], [1.001]]))
    assert baseline.relative(np.array([[50.0], [-50.0]])).tolist() == [[FURTHEST], [-FURTHEST]]


def test_one_window_is_no_baseline():
    assert Baseline.of(np.ones((1, 3))) is None
    assert Baseline.of(np.ones((0, 3))) is None


def test_rounding_is_no_movement():
    baseline = Baseline.of(33.1 + np.array([[0.0], [4e-15]]))
    assert baseline.deviation.tolist() == [1]
