"""Client drift: lengths by hand, directions by a sample."""

import numpy as np
import pytest

from fedaffect.federation.drift import Drift
from fedaffect.federation.messages.update import Update


def model(*values):
    half = len(values) // 2
    return {
        "model/a": np.array(values[:half], np.float32),
        "model/b": np.array(values[half:], np.float32),
    }


def test_by_hand():
    """From (1, 1, 1, 1) to (4, 5, 1, 1) and back by as much; the mean moves like the first."""
    drift = Drift({**model(1, 1, 1, 1), "features/text/mean": np.zeros(2)}, seed=0)
    drift.observe(7, Update(model(4, 5, 1, 1)))
    drift.observe(2, Update(model(-2, -3, 1, 1)))
    drift.observe(3, Update(model(1, 1, 1, 1)))
    found = drift.account(model(2.5, 3, 1, 1))
    assert found["client"] == [7, 2, 3]
    assert found["length"] == pytest.approx([5, 5, 0])
    assert found["cosine"] == pytest.approx([1, -1, 0])


def test_where_no_model_travels_nothing_drifts():
    drift = Drift({"prototype/fused/0": np.ones(3, np.float32)}, seed=0)
    drift.observe(0, Update({"prototype/fused/0": np.ones(3, np.float32)}))
    assert drift.account({}) == {}


def test_a_part_of_a_model_cannot_be_compared():
    drift = Drift(model(1, 1), seed=0)
    drift.observe(0, Update({"model/a": np.ones(1, np.float32)}))
    assert drift.account(model(2, 2)) == {}


def test_the_sample_stands_for_all_parameters():
    random = np.random.default_rng(0)
    start = {f"model/{i}": random.normal(size=(50, 40)).astype(np.float32) for i in range(20)}
    step = {n: random.normal(size=a.shape).astype(np.float32) for n, a in start.items()}
    other = {n: random.normal(size=a.shape).astype(np.float32) for n, a in start.items()}
    drift = Drift(start, seed=1)
    drift.observe(0, Update({n: a + step[n] + other[n] for n, a in start.items()}))
    found = drift.account({n: a + step[n] for n, a in start.items()})
    assert found["cosine"][0] == pytest.approx(np.sqrt(0.5), abs=0.1)


def test_runs_tell_it(simulate, tiny):
    run = simulate(tiny("fedavg", "rounds.count=2"))
    for event in run.of_kind("round_finished"):
        assert event["drift"]["client"] == [0, 1, 2]
        assert all(length > 0 for length in event["drift"]["length"])
        assert all(-1 <= cosine <= 1 for cosine in event["drift"]["cosine"])
    alone = simulate(tiny("local", "rounds.count=1"), "alone")
    assert alone.of_kind("round_finished")[0]["drift"] == {}


def test_a_model_that_diverged_is_far_away_and_still_a_number():
    drift = Drift(model(0, 0), seed=0)
    drift.observe(0, Update(model(3e38, -3e38)))
    found = drift.account(model(3e38, -3e38))
    assert np.isfinite([*found["length"], *found["cosine"]]).all()
    assert found["length"][0] > 1e18
    assert found["cosine"] == pytest.approx([1])


def test_each_tensor_is_looked_at_where_it_lies():
    """Two tensors of unlike size, of which one moves the other way: 30 of 40 numbers agree, 10 do not."""
    start = {"model/a": np.zeros(10, np.float32), "model/b": np.zeros((5, 6), np.float32)}
    for seed in range(3):
        drift = Drift(start, seed=seed)
        moved = {
            "model/a": -np.arange(1, 11, dtype=np.float32),
            "model/b": np.ones((5, 6), np.float32),
        }
        drift.observe(0, Update(moved))
        mean = {"model/a": np.zeros(10, np.float32), "model/b": np.ones((5, 6), np.float32)}
        # |a|² = 385, |b|² = 30: the cosine with (0, 1) is √(30 / 415)
        assert drift.account(mean)["cosine"][0] == pytest.approx(np.sqrt(30 / 415), abs=0.05)
