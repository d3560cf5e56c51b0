import doctest

import numpy as np
import pytest

from fedaffect.learning import class_weights as module
from fedaffect.learning.class_weights import class_weights


def test_the_example() -> None:
    results = doctest.testmod(module)
    assert (results.attempted, results.failed) == (1, 0)


def test_class_weights_are_inverse_frequencies():
    """SDT's frequencies on IEMOCAP (Ma et al. 2024, released code) follow from its 5,810 labels."""
    counts = np.array([504, 839, 1324, 933, 742, 1468])
    published = [0.086747, 0.144406, 0.227883, 0.160585, 0.127711, 0.252668]
    weights = class_weights(counts)
    assert weights.dtype == np.float64
    np.testing.assert_allclose(1 / weights, published, atol=5e-7)


@pytest.mark.parametrize(
    ("counts", "weights"), [([0, 0, 0], [1, 1, 1]), ([0, 5, 0], [5, 1, 5]), ([1, 2, 3], [6, 3, 2])]
)
def test_an_absent_class_weighs_as_with_one_item(counts, weights):
    np.testing.assert_array_equal(class_weights(np.array(counts)), weights)
