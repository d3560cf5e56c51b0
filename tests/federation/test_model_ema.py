import numpy as np
import pytest

from fedaffect.federation.model_ema import averaged_model, update_mean


def run(keep, *values):
    """The judged value after each of some rounds."""
    state, found = {}, []
    for number, value in enumerate(values, start=1):
        new = {
            "model/w": np.array([value], np.float32),
            "prototype/fused/0": np.array([-value], np.float32),
        }
        state = update_mean(new, state, keep, number)
        seen = averaged_model(state)
        assert seen["prototype/fused/0"][0] == pytest.approx(-float(seen["model/w"][0]))
        found.append(float(seen["model/w"][0]))
    return found


def test_at_first_a_plain_mean_then_a_running_one():
    """Kept at most: 0, 1/2, 2/3, 3/4, and from there on what was asked for."""
    assert run(0.75, 1, 0, 0, 0, 0) == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4, 3 / 16])


def test_what_keeps_little_follows_soon():
    assert run(0.1, 1, 0, 0) == pytest.approx([1, 0.1, 0.01])


def test_means_are_of_models_and_prototypes_and_keep_their_dtype():
    state = update_mean({"model/w": np.ones(1, np.float32), "statistics/n": np.ones(1)}, {}, 0.5, 1)
    assert set(state) == {"model/w", "statistics/n", "server/mean/model/w"}
    assert state["server/mean/model/w"].dtype == np.float32
